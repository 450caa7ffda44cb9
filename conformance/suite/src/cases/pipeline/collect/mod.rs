//! Collected values and folds of a pipeline.

pub mod collected_calls;
pub mod collected_order;
pub mod collector;
pub mod duplicates;
pub mod folding;
pub mod partitions;
