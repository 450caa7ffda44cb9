//! A client that calls a server which cannot be relied on, and a story about each newer policy in turn.
//! `resilience.rs` runs both.

mod client;
mod ledger;
mod server;
mod story;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sweet_async::prelude::*;
use sweet_async::{BoxError, BreakerState, Jitter};

pub use client::{GetError, get};
pub use ledger::{CallOutcome, Ledger};
pub use server::{Behaviour, FlakyServer};
pub use story::tell;

/// The number and the pace of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The number of calls.
    pub calls: u32,
    /// The time between the starts of two calls.
    pub every: Duration,
}

/// Calls the server at `address` as `plan` says, and records the outcomes in the ledger.
///
/// Every fifth call is critical; the others have background priority. At most 8 are under way, and 40 may
/// wait. A call has 3 retries, 250 ms for each attempt, and 3 s in total. After five failures in a row the
/// server is left alone for 150 ms.
///
/// # Errors
///
/// If the policies cannot be built, or there is no runtime.
pub async fn call_all(address: SocketAddr, plan: Plan, ledger: &Arc<Ledger>) -> Result<(), BoxError> {
    let limiter = Limiter::builder().name("client").max_concurrent(8).max_waiting(40).build()?;
    let breaker =
        CircuitBreaker::builder().name("server").failure_threshold(5).open_timeout(150.millis()).build()?;
    let (watched, watcher_ledger) = (breaker.clone(), ledger.clone());
    let watcher = AsyncTask::to::<()>().name("watcher").spawn(|| watch(watched, watcher_ledger));
    let mut ticks = sweet_async::interval(plan.every)?;
    let mut calls = TaskSet::new();
    for number in 0..plan.calls {
        ticks.tick().await?;
        let urgent = number % 5 == 0;
        let attempt_ledger = ledger.clone();
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
            attempt_ledger.record_attempt();
            get(address, number)
        });
        let result_ledger = ledger.clone();
        calls.push(
            AsyncTask::to::<()>().spawn(move || async move { result_ledger.record(urgent, task.await) }),
        );
    }
    while let Some(recorded) = calls.next().await {
        recorded?;
    }
    drop(watcher);
    Ok(())
}

/// Records each change of the breaker's state.
async fn watch(breaker: CircuitBreaker, ledger: Arc<Ledger>) {
    let mut state = BreakerState::Closed;
    loop {
        state = breaker.changed(state).await;
        ledger.breaker_changed(state);
    }
}
