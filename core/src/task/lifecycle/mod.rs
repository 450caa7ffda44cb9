//! The life of one task, from its spawn request to its end.

pub(crate) mod attempt_task;
pub(crate) mod grace;
pub(crate) mod guarded_result;
pub(crate) mod in_place;
pub(crate) mod on_complete;
pub(crate) mod spawn;
pub(crate) mod supervise;
pub(crate) mod supervised;
pub(crate) mod unregistered;
