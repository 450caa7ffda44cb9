//! The parts of a running pipeline that its sender, its workers and its coordinator share.

pub(crate) mod control;
pub(crate) mod counters;
pub(crate) mod guards;
pub(crate) mod idle;
pub(crate) mod in_turn;
pub(crate) mod lease;
pub(crate) mod limit;
pub(crate) mod message;
pub(crate) mod on_pool;
pub(crate) mod overdue;
pub(crate) mod reject_queue;
pub(crate) mod rejection;
pub(crate) mod scale;
pub(crate) mod time_slice;
pub(crate) mod turn;
