//! Recovery, keyed policies: one for each key, bounded in number, and none evicted while it is in use.

pub mod keyed_eviction;
pub mod keyed_foreign_code;
pub mod keyed_policies;
