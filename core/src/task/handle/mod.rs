//! Handles: the results to come.

pub(crate) mod run;
pub(crate) mod scoped_task;
pub(crate) mod task;
