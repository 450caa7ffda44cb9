//! Pipelines.
mod position;
pub use position::Position;
