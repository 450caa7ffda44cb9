// error: this is not a cancellation callback
use sweet_async::prelude::*;

fn main() {
    let task = AsyncTask::to::<()>().spawn(|| async {});
    let _ = task.on_cancel(|| 5);
}
