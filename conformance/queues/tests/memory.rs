//! The suite on the engines in memory, on each backend.

#[path = "engines/mod.rs"]
mod engines;

use conformance_queues::{Sim, Smol, Tokio};
use engines::{Bounded, Leased};

conformance_queues::queue_suite! {
    bounded_on_tokio: Bounded<Tokio>,
    bounded_on_smol: Bounded<Smol>,
    bounded_in_sim: Bounded<Sim>,
    leased_on_tokio: Leased<Tokio>,
    leased_on_smol: Leased<Smol>,
    leased_in_sim: Leased<Sim>,
}
