//! Orchestras, cancellation: a cancelled node takes its dependents along, never its dependencies.

pub mod orchestra_shutdown;
pub mod orchestra_stops;
