//! The results of a pipeline: its progress, its figures at the end, the rows that were rejected, and the names of its sources.

pub(crate) mod failure;
pub(crate) mod final_event;
pub(crate) mod firsts;
pub(crate) mod names;
pub(crate) mod progress;
