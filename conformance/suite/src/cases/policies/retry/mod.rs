//! Promise 3, composition: retries are inside of the overall limit, and stop at a cancellation or a panic.
//! Recovery: their backoff, their budget and their number are as the builder says, and an error may set the
//! wait.

pub mod attempt_numbers;
pub mod backoff;
pub mod on_retry;
pub mod recoverable;
pub mod retries;
pub mod retry_after;
pub mod retry_budgets;
pub mod retry_deadlines;
pub mod retry_events;
pub mod retry_kinds;
pub mod retry_limits;
pub mod retry_panics;
pub mod retry_settings;
