//! The faults to survive, at a hundredth of their size, on every flavour; `examples/report` runs them whole.
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

/// Runs each row that this flavour has the threads for, except for the rows that measure the process, which
/// other tests share: see `process.rs`.
fn all(flavour: &Flavour) -> Outcome {
    let mut run = 0;
    for row in ROWS.iter().filter(|row| !row.measures_process && (flavour.has_threads || !row.needs_threads))
    {
        (row.run)(flavour, Scale::Test).map_err(|error| {
            Failure::msg(format!("row {} ({}): {error:?}", row.number, flavour.facts.name))
        })?;
        run += 1;
    }
    anyhow::ensure!(run >= 8, "{run} rows");
    Ok(())
}

macro_rules! flavours {
    ($($feature:literal $name:ident $harness:ty)+) => {$(
        #[cfg(feature = $feature)]
        #[test]
        fn $name() -> Outcome {
            all(&Flavour::of::<$harness>())
        }
    )+};
}

flavours! {
    "tokio" tokio_current_thread tokio_flavours::CurrentThread
    "tokio" tokio_multi_thread tokio_flavours::MultiThread
    "smol" smol_global smol_flavours::Global
    "smol" smol_one_thread smol_flavours::OneThread
    "smol" smol_many_threads smol_flavours::ManyThreads
    "smol" smol_own_executor smol_flavours::OwnExecutor
    "sim" sim sim_flavour::Sim
}
