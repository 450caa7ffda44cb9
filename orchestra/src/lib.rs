//! Many tasks that depend on each other: each begins once what it depends on has succeeded.
//!
//! ```text
//!  Orchestrator ─ register, add_dependency ─► Book (the graph, names, groups, contexts: the description)
//!       └─ start ─► Plan (numbers, counts of what is unmet) ─► Run (one task, with all others below it)
//! ```
//!
//! - `graph`: what depends on what, pure
//! - `book`, `entry`, `key`: what was registered
//! - `batch`, `plan`, `cell`, `run`, `launch`: what is being run, and the task that it is part of
//! - `orchestrator`, `start`, `again`, `as_task`: the handle
//! - `guest`, `guest_ends`: one task under an orchestrator, ad hoc
//! - `draw`, `report`, `timeline`, `captions`: pictures

#![forbid(unsafe_code)]

mod again;
mod as_task;
mod batch;
mod book;
mod builder;
mod captions;
mod cell;
mod draw;
mod entry;
mod error;
mod failures;
mod graph;
mod guest;
mod guest_ends;
mod key;
mod launch;
mod node;
mod orchestrator;
mod plan;
mod report;
mod run;
mod scale;
mod shared;
mod start;
mod status;
mod timeline;
mod work;

pub use builder::OrchestratorBuilder;
pub use error::OrchestratorError;
pub use guest::{Chosen, Orchestrate, Orchestrated};
pub use key::{Identity, TaskKey};
pub use node::{Dependency, Inputs, Node, Take};
pub use orchestrator::{NamedContext, Orchestrator};
pub use report::{Report, ReportedTask};
pub use shared::EdgePolicy;
pub use start::Ending;
pub use status::{Cause, ExecutionStats, NodeStatus};
pub use work::{Alone, Anew, Begins, Fed, FedAgain, Given, Informed, Maker, Now};
