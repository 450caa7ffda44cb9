// error: this is not a cancellation callback
// error: closure without arguments
use sweet_async::prelude::*;

fn main() {
    let task = AsyncTask::to::<()>().spawn(|| async {});
    let _ = task.on_cancel(|level: CancelLevel| drop(level));
}
