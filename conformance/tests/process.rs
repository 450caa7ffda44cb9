//! The faults to survive that are measured by the memory, threads and descriptors of the process. In a file
//! of their own, one after the other, so that no other test is measured too.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

use conformance::reliability::{ROWS, Scale};
use conformance::{Failure, Flavour, Outcome};

#[cfg(feature = "sim")]
#[path = "flavours/sim.rs"]
mod sim_flavour;
#[cfg(feature = "smol")]
#[path = "flavours/smol.rs"]
mod smol_flavours;
#[cfg(feature = "tokio")]
#[path = "flavours/tokio.rs"]
mod tokio_flavours;

fn measured(flavour: &Flavour) -> Outcome {
    for row in ROWS.iter().filter(|row| row.measures_process) {
        (row.run)(flavour, Scale::Test).map_err(|error| {
            Failure::msg(format!("row {} ({}): {error:?}", row.number, flavour.facts.name))
        })?;
    }
    Ok(())
}

#[test]
fn threads_descriptors_and_memory_return_to_the_baseline() -> Outcome {
    #[cfg(feature = "tokio")]
    measured(&Flavour::of::<tokio_flavours::CurrentThread>())?;
    #[cfg(feature = "tokio")]
    measured(&Flavour::of::<tokio_flavours::MultiThread>())?;
    #[cfg(feature = "smol")]
    measured(&Flavour::of::<smol_flavours::Global>())?;
    #[cfg(feature = "smol")]
    measured(&Flavour::of::<smol_flavours::OneThread>())?;
    #[cfg(feature = "smol")]
    measured(&Flavour::of::<smol_flavours::ManyThreads>())?;
    #[cfg(feature = "smol")]
    measured(&Flavour::of::<smol_flavours::OwnExecutor>())?;
    #[cfg(feature = "sim")]
    measured(&Flavour::of::<sim_flavour::Sim>())?;
    Ok(())
}
