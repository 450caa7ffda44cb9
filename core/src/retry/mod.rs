//! Trying again: when, how often, and for how many at the same time. All of it pure: time and chance are arguments.

mod budget;
mod policy;
mod strategy;

pub use budget::RetryBudget;
pub use policy::Retry;
pub use strategy::{Jitter, RetryStrategy};
