//! Limits in time: literals such as `30.seconds()`, waiting, ticks, and the deadline that a future runs under.

mod interval;
mod literals;
mod moment;
mod sleep;
pub(crate) mod timeout;

pub use interval::{Interval, MissedTicks};
pub use literals::DurationExt;
pub(crate) use moment::Moment;
pub use sleep::Sleep;
pub(crate) use timeout::{Limit, TimeLimit, Timeout};
