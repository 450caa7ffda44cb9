//! P3: the cost of each policy where it is used. The work does nothing, in place and spawned, one task after
//! the other.

use std::hint::black_box;
use std::sync::Arc;

use sweet_async::{AsyncTask, CircuitBreaker, DurationExt as _, Limiter, TaskPriority};

use crate::Failure;
use crate::backend::Backend;

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
}

impl Policy {
    /// All policies.
    pub const ALL: [Self; 13] = [
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
        }
    }
}
