//! Retries: when, how often, and for how many at the same time. Pure: time and chance are arguments.

mod budget;
mod policy;
mod strategy;

pub use crate::retry::budget::RetryBudget;
pub use crate::retry::policy::{DEFAULT_MAX_RETRY_AFTER, FailedAttempt, Retry};
pub use crate::retry::strategy::{Jitter, RetryStrategy};
