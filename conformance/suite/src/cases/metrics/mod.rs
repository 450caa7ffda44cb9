//! Metrics, snapshots, watching and tracing.

#[cfg(feature = "cases")]
pub mod counters;
pub mod metered_io;
pub mod metrics_modes;
pub mod metrics_tree;
pub mod polls;
pub mod snapshots;
pub mod spans;
pub mod task_metrics;
pub mod trace_events;
pub mod traces;
#[cfg(feature = "cases")]
pub mod watching;
