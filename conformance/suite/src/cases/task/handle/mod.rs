//! Promise 1, drop: a dropped handle cancels its task and returns at once.

pub mod drop;
pub mod warnings;
