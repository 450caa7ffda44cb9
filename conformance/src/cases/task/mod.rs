//! Work, values and errors, and the capabilities of a task and of its handle.

pub mod blocking;
pub mod context;
pub mod drop;
pub mod error_chains;
pub mod in_place;
pub mod kinds;
pub mod panic;
pub mod readiness;
pub mod relations;
pub mod result_errors;
pub mod results;
pub mod set_status;
pub mod spawn;
pub mod status;
pub mod traits;
pub mod uuids;
pub mod values;
pub mod warnings;
