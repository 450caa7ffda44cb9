//! Capabilities: each is a trait of its own, and every kind of task that has it keeps its rules.

pub mod context;
pub mod kinds;
pub mod readiness;
pub mod relations;
pub mod set_status;
pub mod status;
pub mod traits;
pub mod uuids;
