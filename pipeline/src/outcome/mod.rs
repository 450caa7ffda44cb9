//! The results of a pipeline: its progress, its summary at the end, the rejected rows, and the names of its
//! sources.

pub(crate) mod final_event;
pub(crate) mod firsts;
pub(crate) mod names;
pub(crate) mod progress;
#[cfg(feature = "serde")]
mod reports;
pub(crate) mod row_error;
pub(crate) mod source_failure;
pub(crate) mod too_many_errors;
