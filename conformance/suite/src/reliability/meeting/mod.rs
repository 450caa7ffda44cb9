//! Combinations of features: each pair of values of the dimensions in `table`, with each fault, and one set of
//! invariants for all.
//!
//! - `table`: the dimensions
//! - `refusals`: the combinations that cannot exist, rule by rule
//! - `pairs`: the choice that has each possible pair, and others by chance
//! - `number`, `input`: the rows, and the sources that give them
//! - `work`, `ledger`: the functions of the user's, and the ledger of their calls
//! - `places`: files, sinks, queues and policies that a run uses
//! - `messages`: the messages that values were published as
//! - `stages`, `receivers`, `ends`, `drive`: the pipeline of a combination, and the handle of its run
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
mod ledger;
mod messages;
mod number;
mod pairs;
mod places;
mod receivers;
mod refusals;
mod run;
mod stages;
mod table;
mod tasks;
mod work;

use pairs::{by_chance, cover, refused};
use table::{Combination, Fault};

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// The rows at which a pipeline is stopped, if the fault is a stop.
const TRIGGERS: [u64; 3] = [0, 9, 21];

/// The most failures that are shown.
const SHOWN: usize = 50;

/// The number of runs of each combination of the choice, and of combinations by chance.
struct Size {
    runs: u64,
    by_chance: u64,
}

fn size(flavour: &Flavour, scale: Scale) -> Size {
    match (scale, flavour.seeds > 1) {
        (Scale::Test, true) => Size { runs: 5, by_chance: 1_000 },
        (Scale::Test, false) => Size { runs: 1, by_chance: 100 },
        (Scale::Full, true) => Size { runs: 300, by_chance: 300_000 },
        (Scale::Full, false) => Size { runs: 30, by_chance: 20_000 },
    }
}

/// Row 23: each combination ends, every row that was read is counted, nothing is handled twice or after the end,
/// order is kept where it is promised, each lease and permit is given back, files are whole or as they were, and
/// exactly what succeeded was collected or published. Combinations that cannot exist are refused: see
/// [`refusals`]. Of tasks: see [`tasks`].
pub(super) fn features_meet(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let Size { runs, by_chance: chances } = size(flavour, scale);
    let (cover, mut tried, mut failures) = (cover(), 0, Vec::new());
    let mut try_once = |combination: Combination, seed| {
        // A shutdown would end what other cases run on the same executor.
        if flavour.never_ends && combination.fault == Fault::Shutdown {
            return true;
        }
        tried += 1;
        let held = once(flavour, combination, seed);
        if let Err(failure) = &held {
            failures.push(format!("{combination:?}, seed {seed}: {failure:#}"));
        }
        held.is_ok()
    };
    for combination in &cover.combinations {
        (0..runs).all(|seed| try_once(*combination, seed));
    }
    for combination in refused().iter().flatten() {
        try_once(*combination, 0);
    }
    for seed in 0..chances {
        try_once(by_chance(seed), seed);
    }
    ensure!(refused().iter().all(|of_rule| !of_rule.is_empty()), "a rule refuses nothing");
    if failures.is_empty() {
        let of_tasks = tasks::policies_meet(flavour, scale)?;
        let (pairs, impossible) = (cover.pairs, cover.refused);
        let (combinations, refused) = (cover.combinations.len(), refused().iter().flatten().count());
        return Ok(format!(
            "{pairs} pairs in {combinations} combinations, {impossible} that cannot be, {refused} refused, \
             {tried} runs; {of_tasks}"
        ));
    }
    let (failed, first) = (failures.len(), failures.get(..failures.len().min(SHOWN)).unwrap_or_default());
    bail!("{failed} of {tried} runs failed:\n{}", first.join("\n"))
}

fn once(flavour: &Flavour, combination: Combination, seed: u64) -> Outcome {
    let harness = flavour.start_with(seed)?;
    let rt = harness.runtime();
    harness.block_on(async {
        let trigger = TRIGGERS.get(seed as usize % TRIGGERS.len()).copied().unwrap_or_default();
        let ran = run::run(&rt, combination, trigger).await?;
        if combination.refusal().is_some() {
            return check::refused(combination, &ran);
        }
        check::check(&rt, combination, &ran).await
    })?
}
