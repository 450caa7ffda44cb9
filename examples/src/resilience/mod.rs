//! Calls to a server that cannot be relied on. `resilience.rs` runs it.

mod client;
mod ledger;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sweet_async::prelude::*;
use sweet_async::{BoxError, BreakerState, Jitter};

pub use client::{GetError, get};
pub use ledger::{Kind, Ledger};
pub use server::{FlakyServer, Weather};

/// How the calls are made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many there are.
    pub calls: u32,
    /// One begins each so often.
    pub every: Duration,
}

/// Calls the server at `address` as `plan` says, and enters what happens in the ledger.
///
/// Every fifth call is a critical one; the others are for the background. At most 8 are under way; 40 may wait. A call has
/// 3 retries, 250 ms for each attempt, and 3 s in all; five failures in a row, and the server is left alone for 150 ms.
///
/// # Errors
///
/// If the policies cannot be built, or there is no runtime.
pub async fn call_all(address: SocketAddr, plan: Plan, ledger: &Arc<Ledger>) -> Result<(), BoxError> {
    let limiter = Limiter::builder().name("client").max_concurrent(8).max_waiting(40).build()?;
    let breaker =
        CircuitBreaker::builder().name("server").failure_threshold(5).open_timeout(150.millis()).build()?;
    let (watched, book) = (breaker.clone(), ledger.clone());
    let watcher = AsyncTask::to::<()>().name("watcher").spawn(|| watch(watched, book));
    let mut ticks = sweet_async::interval(plan.every)?;
    let mut calls = TaskSet::new();
    for number in 0..plan.calls {
        ticks.tick().await?;
        let urgent = number % 5 == 0;
        let book = ledger.clone();
        let call = AsyncTask::to::<u32>()
            .name(format!("call {number}"))
            .priority(if urgent { TaskPriority::Critical } else { TaskPriority::Background })
            .timeout(3.seconds())
            .attempt_timeout(250.millis())
            .retry(3)
            .backoff(RetryStrategy::Exponential { base: 20.millis(), factor: 2.0, max: 200.millis() })
            .jitter(Jitter::Equal)
            .circuit_breaker(&breaker)
            .limiter(&limiter);
        // Synchronous work: each attempt runs on the blocking pool.
        let task = call.spawn(move || {
            book.attempted();
            get(address, number)
        });
        let book = ledger.clone();
        calls.push(AsyncTask::to::<()>().spawn(move || async move { book.enter(urgent, task.await) }));
    }
    while let Some(entered) = calls.next().await {
        entered?;
    }
    drop(watcher);
    Ok(())
}

/// Notes when the breaker goes from one state to another.
async fn watch(breaker: CircuitBreaker, ledger: Arc<Ledger>) {
    let mut state = BreakerState::Closed;
    loop {
        state = breaker.changed(state).await;
        ledger.turned(state);
    }
}
