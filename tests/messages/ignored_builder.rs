// error: a builder does nothing until `run` or `spawn`
#![deny(unused_must_use)]
use sweet_async::prelude::*;

fn main() {
    AsyncTask::to::<()>().name("idle");
}
