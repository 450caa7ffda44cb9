//! The builder of one task: its setters, its type states, and how each of these starts the work.

pub(crate) mod embedded;
pub(crate) mod policies;
pub(crate) mod repeatable;
pub(crate) mod resilience;
pub(crate) mod task_builder;
