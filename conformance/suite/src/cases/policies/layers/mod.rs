//! Promise 3, composition: policies stand around the work in one order, from recovery to the work, and none
//! loses a permit of another.

pub mod applied;
pub mod around_pipelines;
pub mod composition;
pub mod event_guards;
pub mod permits_swept;
pub mod recovery;
