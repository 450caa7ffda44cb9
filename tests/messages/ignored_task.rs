// error: dropping the handle cancels the task: await it, keep it, or call `detach`
#![deny(unused_must_use)]
use sweet_async::prelude::*;

fn main() {
    AsyncTask::to::<()>().spawn(|| async {});
}
