//! Orchestras, ad-hoc tasks: a builder that names an orchestrator runs a single task under it.

pub mod orchestra_members;
pub mod orchestra_queue;
pub mod orchestra_statuses;
pub mod orchestrated;
