// error: nothing runs until it is awaited
#![deny(unused_must_use)]
use sweet_async::prelude::*;

fn main() {
    AsyncTask::to::<()>().run(|| async {});
}
