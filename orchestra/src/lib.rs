//! Tasks that depend on each other: each begins once its dependencies have succeeded.
//!
//! ```text
//!  Orchestrator ─ register, add_dependency ─► Registry (the registered graph, names, groups, contexts)
//!       └─ start ─► Batch (indices, counts of unmet dependencies) ─► Session (one task, all others below it)
//! ```
//!
//! - `graph`: the graph of numbered nodes, pure
//! - `execution`: the batches that run, and the session, which is the task that they are part of
//! - `registry`: the registered tasks
//! - `orchestrator`: the handle, and ad-hoc tasks, which are in no graph
//! - `report`: a record of the run, as JSON, as a graph, as a timeline

#![forbid(unsafe_code)]

mod edge_policy;
mod error;
pub(crate) mod execution;
mod graph;
pub(crate) mod orchestrator;
pub(crate) mod registry;
pub(crate) mod report;
mod status;

pub use crate::edge_policy::EdgePolicy;
pub use crate::error::OrchestratorError;
pub use crate::orchestrator::ad_hoc::{Orchestrate, Orchestrated};
pub use crate::orchestrator::builder::OrchestratorBuilder;
pub use crate::orchestrator::handle::{NamedContext, Orchestrator};
pub use crate::orchestrator::start::Ending;
pub use crate::registry::key::{Identity, TaskKey};
pub use crate::registry::node::{Dependency, Inputs, Node, Take};
pub use crate::report::log::{Report, ReportedTask};
pub use crate::status::{Cause, ExecutionStats, NodeStatus};

/// Types and traits that appear in signatures and that no program names. Not under semver.
#[doc(hidden)]
pub mod internals {
    pub use crate::orchestrator::ad_hoc::Chosen;
    pub use crate::registry::work::{
        Anew, Begins, Fed, FedAgain, Informed, NoInputs, Now, WithInputs, WorkParts,
    };
}
