//! The builder of one task: its setters, its type states, and its ends, which start the work.

pub(crate) mod embedded;
pub(crate) mod hedging;
pub(crate) mod policies;
pub(crate) mod recurring;
pub(crate) mod repeats;
pub(crate) mod resilience;
pub(crate) mod retrying;
pub(crate) mod runs_in_place;
pub(crate) mod spawn_in;
pub(crate) mod starts;
pub(crate) mod task_builder;
