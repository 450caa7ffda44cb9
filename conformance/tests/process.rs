//! The faults to survive that are measured by the memory, threads and descriptors of the process. In a file
//! of their own, one after the other, so that no other test is measured too.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

use conformance::reliability::{ROWS, Scale};
use conformance::{Failure, Flavour, Outcome};

#[macro_use]
mod flavours;

fn measured(flavour: &Flavour) -> Outcome {
    for row in ROWS.iter().filter(|row| row.measures_process) {
        (row.run)(flavour, Scale::Test).map_err(|error| {
            Failure::msg(format!("row {} ({}): {error:?}", row.number, flavour.facts.name))
        })?;
    }
    Ok(())
}

macro_rules! measure {
    ($backend:ident $name:ident $harness:ty) => {
        measured(&Flavour::of::<$harness>())?;
    };
}

#[test]
fn threads_descriptors_and_memory_return_to_the_baseline() -> Outcome {
    on_each_flavour! { measure }
    Ok(())
}
