//! The settings of a task, as its builder was given them.

pub(crate) mod configured;
pub(crate) mod hedging;
pub(crate) mod resilience;
