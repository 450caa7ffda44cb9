//! The builder of one task: its setters, its type states, and their methods that start the work.

pub(crate) mod embedded;
pub(crate) mod hedging;
pub(crate) mod policies;
pub(crate) mod recurring;
pub(crate) mod repeatable;
pub(crate) mod repeats;
pub(crate) mod resilience;
pub(crate) mod spawn_in;
pub(crate) mod task_builder;
