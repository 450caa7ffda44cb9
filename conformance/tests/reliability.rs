//! The faults to survive, at a hundredth of their size, on every flavour; `examples/report` runs them whole.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

use conformance::reliability::{ROWS, Scale};
use conformance::{Failure, Flavour, Outcome};

#[macro_use]
mod flavours;

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

macro_rules! survive {
    ($backend:ident $name:ident $harness:ty) => {
        #[test]
        fn $name() -> Outcome {
            all(&Flavour::of::<$harness>())
        }
    };
}

on_each_flavour! { survive }
