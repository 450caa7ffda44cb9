// error: work that a policy is applied to gives a `Result`, and this does not
use sweet_async::Retry;
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work() {
    let _ = Retry::new(3).apply(|| async { 5 }).await;
}

fn main() {}
