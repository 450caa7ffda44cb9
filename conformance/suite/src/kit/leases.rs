//! A queue with leases, like an engine on another machine.

pub(crate) use conformance_queues::{LeasedQueue, LeasedReceipt as Receipt};
