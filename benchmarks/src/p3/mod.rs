//! P3: the cost of each policy where it is used. The work does nothing, in place and spawned, one task after
//! the other. The policies of a pipeline's events are in [`events`].

pub mod events;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use sweet_async::{
    AsyncTask, BreakerWindow, Chaos, CircuitBreaker, DurationExt as _, Hedge, Keyed, Limiter, Schedule,
    TaskPriority,
};

use crate::Failure;
use crate::backend::Backend;
use crate::measure::check;

/// A rate that is not zero, and at which nothing happens in any number of tasks that is run here.
const NEVER: f64 = 1e-15;

/// One policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// No policy.
    None,
    /// A name.
    Name,
    /// A time limit on the whole.
    Timeout,
    /// A time limit on each attempt.
    AttemptTimeout,
    /// An inherited value.
    Value,
    /// Timestamps.
    Timestamps,
    /// Metrics.
    Metrics,
    /// A span, without a subscriber.
    Tracing,
    /// A priority.
    Priority,
    /// Retries, none of which is needed.
    Retry,
    /// A closed breaker.
    Breaker,
    /// A limiter with room.
    Limiter,
    /// Recovery work that is not needed.
    Recovery,
    /// Retries whose wait the error may set.
    RetryAfter,
    /// Retries that are reported.
    OnRetry,
    /// A second attempt beside a slow one.
    Hedge,
    /// Faults at rates so low that none occurs.
    Chaos,
    /// A closed breaker with a rate of failures over the last calls.
    FailureRate,
    /// A closed breaker with a rate of slow calls over the last calls.
    SlowCalls,
    /// The breaker of a key, which is looked up for each task.
    KeyedBreaker,
    /// The limiter of a key, likewise.
    KeyedLimiter,
    /// A limiter whose number of permits follows the load.
    Adaptive,
    /// A schedule whose runs follow each other. The cost is that of a run.
    Repeat,
}

impl Policy {
    /// All policies.
    pub const ALL: [Self; 23] = [
        Self::None,
        Self::Name,
        Self::Timeout,
        Self::AttemptTimeout,
        Self::Value,
        Self::Timestamps,
        Self::Metrics,
        Self::Tracing,
        Self::Priority,
        Self::Retry,
        Self::Breaker,
        Self::Limiter,
        Self::Recovery,
        Self::RetryAfter,
        Self::OnRetry,
        Self::Hedge,
        Self::Chaos,
        Self::FailureRate,
        Self::SlowCalls,
        Self::KeyedBreaker,
        Self::KeyedLimiter,
        Self::Adaptive,
        Self::Repeat,
    ];

    /// The name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no policy",
            Self::Name => "name",
            Self::Timeout => "timeout",
            Self::AttemptTimeout => "attempt_timeout",
            Self::Value => "with",
            Self::Timestamps => "timestamps",
            Self::Metrics => "metrics",
            Self::Tracing => "tracing",
            Self::Priority => "priority",
            Self::Retry => "retry",
            Self::Breaker => "circuit_breaker",
            Self::Limiter => "limiter",
            Self::Recovery => "recover_with",
            Self::RetryAfter => "retry, retry_after",
            Self::OnRetry => "retry, on_retry",
            Self::Hedge => "hedge",
            Self::Chaos => "chaos",
            Self::FailureRate => "circuit_breaker, failure_rate",
            Self::SlowCalls => "circuit_breaker, slow_call_rate",
            Self::KeyedBreaker => "circuit_breaker, keyed",
            Self::KeyedLimiter => "limiter, keyed",
            Self::Adaptive => "limiter, adaptive",
            Self::Repeat => "repeat, per run",
        }
    }

    /// Runs `count` tasks with the policy, in place or spawned.
    ///
    /// # Errors
    ///
    /// The error of a task.
    pub fn measure<B: Backend>(self, backend: &B, spawned: bool, count: usize) -> Result<(), Failure> {
        let name: Arc<str> = "task".into();
        let limiter = Limiter::builder().max_concurrent(8).build()?;
        let breaker = CircuitBreaker::builder().build()?;
        let window = || CircuitBreaker::builder().window(BreakerWindow::Calls(100)).minimum_calls(10);
        let task = || AsyncTask::to::<u64>().on(backend.runtime());
        macro_rules! with {
            ($task:expr) => {
                backend.block_on(async {
                    for number in 0..count as u64 {
                        let work = move || async move { black_box(number) };
                        let value = if spawned { $task.spawn(work).await? } else { $task.run(work).await? };
                        black_box(value);
                    }
                    Ok(())
                })?
            };
        }
        match self {
            Self::None => with!(task()),
            Self::Name => with!(task().name(name.clone())),
            Self::Timeout => with!(task().timeout(1.hours())),
            Self::AttemptTimeout => with!(task().attempt_timeout(1.hours())),
            Self::Value => with!(task().with(7u64)),
            Self::Timestamps => with!(task().timestamps(true)),
            Self::Metrics => with!(task().metrics(true)),
            Self::Tracing => with!(task().tracing(true)),
            Self::Priority => with!(task().priority(TaskPriority::High)),
            Self::Retry => with!(task().retry(3)),
            Self::Breaker => with!(task().circuit_breaker(&breaker)),
            Self::Limiter => with!(task().limiter(&limiter)),
            Self::Recovery => with!(task().recover_with(|_| async { 0 })),
            Self::RetryAfter => with!(task().retry(3).retry_after(|_| None)),
            Self::OnRetry => with!(task().retry(3).on_retry(|_| ())),
            Self::Hedge => with!(task().hedge(Hedge::after(1.hours()))),
            Self::Chaos => {
                let chaos = Chaos::new().failure(NEVER).latency(NEVER, 1.hours()).panic(NEVER);
                with!(task().chaos(chaos.clone()))
            }
            Self::FailureRate => {
                let breaker = window().failure_rate(0.5).build()?;
                with!(task().circuit_breaker(&breaker))
            }
            Self::SlowCalls => {
                let breaker = window().slow_call_rate(1.hours(), 0.5).build()?;
                with!(task().circuit_breaker(&breaker))
            }
            Self::KeyedBreaker => {
                let hosts = Keyed::new(1_000, |_: &String| CircuitBreaker::builder().build())?;
                with!(task().circuit_breaker(&hosts.get("example.org")?))
            }
            Self::KeyedLimiter => {
                let hosts = Keyed::new(1_000, |_: &String| Limiter::builder().max_concurrent(8).build())?;
                with!(task().limiter(&hosts.get("example.org")?))
            }
            Self::Adaptive => {
                let limiter = Limiter::builder().adaptive(1..=64).build()?;
                with!(task().limiter(&limiter))
            }
            Self::Repeat => repeat(backend, spawned, count),
        }
    }
}

/// Repeats the work `count` times, each run as soon as the one before it has ended.
fn repeat<B: Backend>(backend: &B, spawned: bool, count: usize) -> Result<(), Failure> {
    let runs = count as u64;
    let repeat =
        AsyncTask::to::<u64>().on(backend.runtime()).repeat(Schedule::after_each(Duration::ZERO).take(runs));
    let work = move || async move { black_box(runs) };
    let report = backend
        .block_on(async { if spawned { repeat.spawn(work).await } else { repeat.run(work).await } })??;
    check(&report.runs, &runs)
}
