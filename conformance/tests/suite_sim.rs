//! The suite on the simulation. A file for each backend: they are compiled at the same time.

#![cfg(feature = "sim")]

#[path = "flavours/sim.rs"]
mod flavours;

conformance::suite!(sim, flavours::Sim);
