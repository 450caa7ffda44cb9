//! Time: the clock of a runtime, time limits and deadlines.

pub mod deadlines;
pub mod inherited_deadlines;
pub mod limit_errors;
pub mod set_deadline;
pub mod timed;
pub mod timeout;
pub mod timers;
