//! Orchestras, tasks: an orchestrator is itself a task, with a task's capabilities.

pub mod foreign_code;
pub mod orchestra_capabilities;
pub mod orchestra_sessions;
pub mod orchestra_tasks;
