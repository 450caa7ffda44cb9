//! The run of a pipeline: settings, flow, errors, counts and end.

pub mod boxed;
pub mod counts;
pub mod errors;
pub mod flow;
pub mod partial_attempts;
pub mod pipeline_ends;
pub mod pipeline_tasks;
pub mod pulling;
pub mod rejects;
pub mod rejects_written;
pub mod settings;
