//! Promise 9, priority: the most urgent waiter comes first, and none waits forever.

pub mod ageing;
pub mod lending;
pub mod priorities;
mod wait_queue;
