//! The faults to survive that are measured by the memory, threads and descriptors of the process. In a file
//! of their own, one after the other, so that no other test is measured too.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

use conformance::reliability::{Scale, rows};
use conformance::{Failure, Harness, Outcome};

#[cfg(feature = "sim")]
#[path = "flavours/sim.rs"]
mod sim_flavour;
#[cfg(feature = "smol")]
#[path = "flavours/smol.rs"]
mod smol_flavours;
#[cfg(feature = "tokio")]
#[path = "flavours/tokio.rs"]
mod tokio_flavours;

fn measured<H: Harness>() -> Outcome {
    for row in rows::<H>().into_iter().filter(|row| row.measures_process) {
        (row.run)(Scale::Test)
            .map_err(|error| Failure::msg(format!("row {} ({}): {error:?}", row.number, H::NAME)))?;
    }
    Ok(())
}

#[test]
fn threads_descriptors_and_memory_are_where_they_were() -> Outcome {
    #[cfg(feature = "tokio")]
    measured::<tokio_flavours::CurrentThread>()?;
    #[cfg(feature = "tokio")]
    measured::<tokio_flavours::MultiThread>()?;
    #[cfg(feature = "smol")]
    measured::<smol_flavours::Global>()?;
    #[cfg(feature = "smol")]
    measured::<smol_flavours::OneThread>()?;
    #[cfg(feature = "smol")]
    measured::<smol_flavours::ManyThreads>()?;
    #[cfg(feature = "smol")]
    measured::<smol_flavours::OwnExecutor>()?;
    #[cfg(feature = "sim")]
    measured::<sim_flavour::Sim>()?;
    Ok(())
}
