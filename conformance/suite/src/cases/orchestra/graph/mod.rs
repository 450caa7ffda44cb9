//! Orchestras, graph: a cycle is refused, a node belongs to one orchestrator, and the graph can be drawn.

pub mod graphs;
pub mod nodes;
pub mod pictures;
