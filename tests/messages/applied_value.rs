// error: work that a policy is applied to gives a `Result`, and this does not
// error: for work that cannot fail
use sweet_async::prelude::*;

#[allow(dead_code)]
async fn work(limiter: &Limiter) {
    let _ = limiter.apply(|| async { 5 }).await;
}

fn main() {}
