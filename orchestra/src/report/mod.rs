//! The report of an orchestrator's tasks: as JSON, as a graph in text, and as an SVG timeline.

pub(crate) mod captions;
pub(crate) mod graph_text;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod svg;
