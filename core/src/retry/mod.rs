//! Retries: when, how often, and for how many at the same time. Pure: time and chance are arguments.

mod budget;
mod policy;
mod strategy;

pub use crate::retry::budget::RetryBudget;
pub use crate::retry::policy::Retry;
pub use crate::retry::strategy::{Jitter, RetryStrategy};
