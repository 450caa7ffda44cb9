// error: whether the task has stopped is known only by awaiting this
#![deny(unused_must_use)]
use sweet_async::prelude::*;

fn main() {
    let task = AsyncTask::to::<()>().spawn(|| async {});
    task.cancel(CancelLevel::Kill);
}
