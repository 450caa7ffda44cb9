//! Runtimes that come and go leave nothing behind. In a file of its own, since it counts what the process has.
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

fn cycles<H: Harness>() -> Outcome {
    let row = rows::<H>().into_iter().find(|row| row.number == 20);
    let row = row.ok_or_else(|| Failure::msg("there is no such row"))?;
    (row.run)(Scale::Test).map(drop)
}

#[test]
fn threads_descriptors_and_memory_are_where_they_were() -> Outcome {
    #[cfg(feature = "tokio")]
    cycles::<tokio_flavours::CurrentThread>()?;
    #[cfg(feature = "tokio")]
    cycles::<tokio_flavours::MultiThread>()?;
    #[cfg(feature = "smol")]
    cycles::<smol_flavours::Global>()?;
    #[cfg(feature = "smol")]
    cycles::<smol_flavours::OneThread>()?;
    #[cfg(feature = "smol")]
    cycles::<smol_flavours::ManyThreads>()?;
    #[cfg(feature = "smol")]
    cycles::<smol_flavours::OwnExecutor>()?;
    #[cfg(feature = "sim")]
    cycles::<sim_flavour::Sim>()?;
    Ok(())
}
