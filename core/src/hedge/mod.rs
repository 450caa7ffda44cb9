//! Hedges: further attempts beside one that is slow. When, how many, and for how many calls. Pure: no clock,
//! no task.

mod budget;
mod policy;

pub use crate::hedge::budget::HedgeBudget;
pub use crate::hedge::policy::Hedge;
