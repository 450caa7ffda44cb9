//! Structured concurrency: scopes, sets, the tree of tasks, and quiescence.

pub mod adoption;
pub mod cancelled_below;
mod members;
pub mod pipeline_sweeps;
pub mod quiescence;
#[cfg(feature = "cases")]
pub mod root_adoption;
pub mod scope_errors;
pub mod scope_failures;
pub mod scope_stops;
pub mod scopes;
pub mod set_ends;
pub mod sets;
pub mod sweeps;
pub mod tree;
pub mod tree_edges;
pub mod tree_reads;

pub use members::*;
