//! Chaos: injected faults take the place of the work's own, innermost of all policies, at their rates.

pub mod chaos_events;
pub mod chaos_faults;
pub mod chaos_kinds;
pub mod chaos_layers;
