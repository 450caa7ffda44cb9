//! Promise 8, scopes: members that serve the others, and members that wait for a permit before they exist.

pub mod daemon_ends;
pub mod daemon_spawns;
pub mod daemons;
#[cfg(feature = "cases")]
pub mod scope_shutdowns;
pub mod spawn_in;
