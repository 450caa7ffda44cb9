//! Time: the clock of a runtime, time limits and deadlines, and work that is repeated.

pub mod crons;
pub mod deadlines;
pub mod inherited_deadlines;
pub mod limit_errors;
pub mod repeat_pipelines;
pub mod repeat_policies;
pub mod repeats;
pub mod schedules;
pub mod set_deadline;
pub mod timed;
pub mod timeout;
pub mod timers;
