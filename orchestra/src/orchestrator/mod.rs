//! The handle of an orchestrator: registering, starting, awaiting and stopping tasks; and ad-hoc tasks.

pub(crate) mod ad_hoc;
pub(crate) mod ad_hoc_ends;
pub(crate) mod again;
pub(crate) mod as_task;
pub(crate) mod because;
pub(crate) mod builder;
#[cfg(feature = "durable")]
pub(crate) mod durable;
pub(crate) mod handle;
pub(crate) mod nested;
pub(crate) mod new_batch;
pub(crate) mod shared;
pub(crate) mod start;
