//! Limits in time: literals such as `30.seconds()`, and the deadline that a future runs under.

mod literals;
mod timeout;

pub use literals::DurationExt;
pub(crate) use timeout::{TimeLimit, Timeout};
