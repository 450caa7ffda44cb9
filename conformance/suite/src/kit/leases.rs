//! A queue with leases, like an engine on another machine.

pub(crate) use conformance_leased::{LeasedQueue, LeasedReceipt as Receipt};
