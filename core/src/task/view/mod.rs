//! A task as its own work and others see it: its context, its cancellers, and its relationships.

pub(crate) mod canceller;
pub(crate) mod context;
pub(crate) mod relationships;
