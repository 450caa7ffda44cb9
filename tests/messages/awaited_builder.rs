// error: is not a future
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work() {
    let _ = AsyncTask::to::<u32>().name("idle").await;
}

fn main() {}
