//! The times at which work is repeated: [`Schedule`], a value, and the state that goes through its times.
//!
//! A time is given by the clock of the runtime, except for those of a cron expression, which are times of
//! day. `upcoming.rs` compares the two: each look at the clocks is one reading of both.

#[cfg(feature = "cron")]
mod cron;
mod upcoming;
mod value;

pub(crate) use crate::time::schedule::upcoming::Clock;
pub use crate::time::schedule::value::Schedule;
