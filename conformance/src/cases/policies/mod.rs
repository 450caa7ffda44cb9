//! Policies of a task: retries, supervision, breakers, limiters, priorities and recovery.

pub mod ageing;
pub mod applied;
pub mod backoff;
pub mod breaker_hangs;
pub mod breaker_probes;
pub mod breakers;
pub mod composition;
pub mod lending;
pub mod limiter_ends;
pub mod limiter_permits;
pub mod limiter_rate;
pub mod limiter_runtime_end;
pub mod limiters;
pub mod permits_swept;
pub mod priorities;
pub mod recoverable;
pub mod recovery;
pub mod restart_breakers;
pub mod restart_waits;
pub mod restarts;
pub mod retries;
pub mod retry_budgets;
pub mod retry_deadlines;
pub mod retry_kinds;
pub mod retry_limits;
mod wait_queue;
