//! Combinations of features: each source, mode, end, receiver and error strategy with each fault, and one set
//! of invariants for all.
//!
//! - `table`: the dimensions, and the pairs that cannot exist
//! - `input`, `work`: the sources and receivers, and the ledger of what they did
//! - `ends`, `drive`: the pipeline of a combination, and the handle of its run
//! - `run`: one combination, run once
//! - `check`: the invariants
//! - `tasks`: the table of tasks, whose features and invariants are others

/// Declares one dimension of the table: an enum and the list of its values.
macro_rules! dimension {
    ($(#[$doc:meta])* $name:ident { $($value:ident)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($value),+ }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$value),+];
        }
    };
}

mod check;
mod drive;
mod ends;
mod flaky_queue;
mod input;
mod run;
mod table;
mod tasks;
mod work;

use table::{Combination, Refusal};

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// The rows at which a pipeline is stopped, if the fault is a stop.
const TRIGGERS: [u64; 3] = [0, 9, 24];

/// A choice of combinations, the number of seeds for a flavour with seeds, and the number of runs for one
/// without.
struct Size {
    combinations: Vec<Combination>,
    seeds: u64,
    times: u64,
}

fn sizes(scale: Scale) -> Vec<Size> {
    let all = || Combination::all().collect();
    match scale {
        Scale::Test => vec![Size { combinations: Combination::pairwise(), seeds: 200, times: 3 }],
        Scale::Full => vec![
            Size { combinations: Combination::pairwise(), seeds: 1_000, times: 100 },
            Size { combinations: all(), seeds: 100, times: 6 },
        ],
    }
}

/// Row 23: each combination ends, every row that was read is counted, nothing is handled twice, each lease is
/// settled or given back, and exactly what succeeded was collected. The pairs that cannot exist are those of
/// [`Combination::refusal`]. Of tasks: see [`tasks`].
pub(super) fn features_meet(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let (mut tried, mut runs, mut failures) = (0, 0, Vec::new());
    for Size { combinations, seeds, times } in sizes(scale) {
        let written = |one: &Combination| !matches!(one.refusal(), Some(Refusal::Type(_)));
        for combination in combinations.into_iter().filter(written) {
            tried += 1;
            for seed in 0..if flavour.seeds > 1 { seeds } else { times } {
                runs += 1;
                if let Err(failure) = once(flavour, combination, seed) {
                    failures.push(format!("{combination:?}, seed {seed}: {failure:#}"));
                    break;
                }
            }
        }
    }
    if failures.is_empty() {
        let of_tasks = tasks::policies_meet(flavour, scale)?;
        return Ok(format!("{tried} combinations, {runs} runs; {of_tasks}"));
    }
    bail!("{} of {tried} combinations failed:\n{}", failures.len(), failures.join("\n"))
}

fn once(flavour: &Flavour, combination: Combination, seed: u64) -> Outcome {
    let harness = flavour.start_with(seed)?;
    let rt = harness.runtime();
    harness.block_on(async {
        let trigger = TRIGGERS.get(seed as usize % TRIGGERS.len()).copied().unwrap_or_default();
        let ran = run::run(&rt, combination, trigger).await?;
        if combination.refusal() == Some(Refusal::Config) {
            return check::refused(&ran);
        }
        check::check(&rt, combination, &ran).await
    })?
}
