//! Time: literals such as `30.seconds()`, timers, ticks, schedules, and the limit on a future.

pub(crate) mod interval;
pub(crate) mod literals;
pub(crate) mod schedule;
pub(crate) mod sleep;
pub(crate) mod timeout;

pub use crate::time::interval::{Interval, MissedTicks};
pub use crate::time::literals::DurationExt;
pub use crate::time::schedule::Schedule;
pub use crate::time::sleep::Sleep;
pub(crate) use crate::time::timeout::{BoxedLimiter, InlineLimiter, Limit, TimeLimit, TimeLimiter};
