//! The handles of tasks: futures of their results.

pub(crate) mod run;
pub(crate) mod scoped_task;
pub(crate) mod task;
