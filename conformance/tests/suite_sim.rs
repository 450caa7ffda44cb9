//! The suite on the simulation. A file for each backend, so that they compile at the same time.

#[path = "flavours/sim.rs"]
mod flavours;

conformance::suite! { sim: flavours::Sim }
