//! The registry of an orchestrator: its tasks, their dependencies, groups and contexts.

pub(crate) mod description;
pub(crate) mod endings;
pub(crate) mod fixed_graph;
pub(crate) mod key;
pub(crate) mod node;
pub(crate) mod registration;
pub(crate) mod sessions;
pub(crate) mod work;
