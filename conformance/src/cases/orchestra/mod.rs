//! Orchestras: their graphs, their tasks, and the end of either.

pub mod foreign_code;
pub mod graphs;
pub mod nodes;
pub mod orchestra_again;
pub mod orchestra_capabilities;
pub mod orchestra_concurrency;
pub mod orchestra_failures;
pub mod orchestra_members;
pub mod orchestra_queue;
pub mod orchestra_shutdown;
pub mod orchestra_statuses;
pub mod orchestra_stops;
pub mod orchestra_tasks;
pub mod orchestras;
pub mod orchestrated;
pub mod pictures;
