//! The handle of an orchestrator: what is registered, started, waited for and stopped, and ad-hoc tasks.

pub(crate) mod ad_hoc;
pub(crate) mod ad_hoc_ends;
pub(crate) mod again;
pub(crate) mod as_task;
pub(crate) mod builder;
pub(crate) mod handle;
pub(crate) mod planning;
pub(crate) mod shared;
pub(crate) mod start;
