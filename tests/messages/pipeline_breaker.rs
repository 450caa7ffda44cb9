// error: no method named `circuit_breaker` found
use sweet_async::prelude::*;

#[allow(dead_code)]
fn work(breaker: &CircuitBreaker) {
    let _ = AsyncTask::emits::<u32>().circuit_breaker(breaker);
}

fn main() {}
