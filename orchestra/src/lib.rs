//! Tasks that depend on each other: each begins once its dependencies have succeeded.
//!
//! ```text
//!  Orchestrator ─ register, add_dependency ─► Registry (the registered graph, names, groups, contexts)
//!       └─ start ─► Batch (indices, counts of unmet dependencies) ─► Session (one task, all others below it)
//! ```
//!
//! - `graph`: the graph of numbered nodes, pure
//! - `durable`: runs whose outputs are kept, with the feature `durable`
//! - `execution`: the batches that run, and the session, which is the task that they are part of
//! - `registry`: the registered tasks
//! - `orchestrator`: the handle, and ad-hoc tasks, which are in no graph
//! - `report`: a record of the run, as JSON, as a graph, as a timeline
//!
//! # Glossary
//!
//! - **Registered task**: work and policies under a name, in the registry, that may be started
//!   ([`Orchestrator::register_task`]).
//! - **Registry**: all registered tasks of an orchestrator, with their dependencies, groups and contexts.
//! - **Dependency**: an edge of the graph; its policy is the condition under which the dependent begins
//!   ([`EdgePolicy`]).
//! - **Node**: a registered task in the graph; also the typed handle by which later tasks receive its output
//!   ([`Node`]).
//! - **Node spec, node state**: the description from which a batch makes a node, and the node's state while the
//!   batch runs.
//! - **Batch**: the nodes that one start takes from the registry: the roots of that start, and their
//!   dependencies that were not started.
//! - **Session**: the orchestration as a task, from a start until nothing that was started is left. Its tasks
//!   are below it.
//! - **Ad-hoc task**: a task that runs under an orchestrator, by its concurrency and cancellation, and is in no
//!   graph ([`Orchestrate::orchestrator`]).
//! - **Skipped node**: a node that is not run, since a dependency did not succeed ([`NodeStatus::Skipped`]).
//! - **Group**: names for tasks that are started or cancelled together.
//! - **Run**: an orchestra whose outputs are kept in a store, under an id, across processes
//!   (`OrchestratorBuilder::durable`).
//! - **Restored node**: a node that is not run, since a run has kept its output.
//! - **Context**: values by their types for the tasks that are put into it ([`NamedContext`]).

#![forbid(unsafe_code)]

#[cfg(feature = "durable")]
pub mod durable;
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
#[doc(hidden)]
pub use crate::registry::key::Identity;
pub use crate::registry::key::TaskKey;
#[doc(hidden)]
pub use crate::registry::node::{Dependency, Take};
pub use crate::registry::node::{Inputs, Node};
pub use crate::report::log::{Report, ReportedTask};
pub use crate::status::{Cause, ExecutionStats, NodeStatus};

/// Types and traits that appear in signatures and that no program names. Not under semver.
#[doc(hidden)]
pub mod internals {
    pub use crate::orchestrator::ad_hoc::Chosen;
    pub use crate::registry::work::{
        Anew, Around, Begins, Fed, FedAgain, Informed, NoInputs, Now, WithInputs, WorkParts,
    };
}
