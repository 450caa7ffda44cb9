//! Stages of a pipeline, between its sender and its end.

pub mod stage_attempts;
pub mod stage_ends;
pub mod stage_keys;
pub mod stage_order;
pub mod stages;
