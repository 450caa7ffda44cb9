//! The runner of one case. It uses a thread of its own and a time limit, so that a hang is a failure with a
//! name, and runs the case once for each seed of the flavour, so that a failure can be repeated.

use std::future::Future;
use std::num::ParseIntError;
use std::ops::Range;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::library::DynRuntime;
use anyhow::{Context as _, bail};

use crate::{CASE_THREAD, Facts, Failure, Flavour, Harness, Outcome, Started};

/// The variable that sets one seed, to run a failed case again with that seed alone.
const SEED: &str = "CONFORMANCE_SEED";

/// The variable that sets the number of seeds for each case, in place of the flavour's own number and however
/// long that takes. It has no effect on a flavour with one seed, nor where the variable for one seed is set.
pub const SEEDS: &str = "CONFORMANCE_SEEDS";

/// The future of a case.
pub type Running = Pin<Box<dyn Future<Output = Outcome>>>;

/// A case with the start of its flavour, from a seed. The runner knows no other types, and is compiled once.
type AnyCase = Box<dyn Fn(u64) -> Outcome + Send>;

const NOT_STARTED: &str = "the harness did not start";

/// Runs an asynchronous case on the erased runtime, inside the flavour's `block_on`.
pub fn driven(flavour: Flavour, name: &'static str, case: fn(DynRuntime, Facts) -> Running) -> Outcome {
    let on_seed = move |seed: u64| -> Outcome {
        let harness = flavour.start_with(seed).context(NOT_STARTED)?;
        harness.block_on(case(harness.runtime(), flavour.facts))?
    };
    on_its_thread(name, flavour.limits, Box::new(on_seed))
}

/// Runs an asynchronous case on the backend's own type, inside the flavour's `block_on`.
pub fn typed<H: Harness>(name: &'static str, case: fn(H::Runtime, Facts) -> Running) -> Outcome {
    with_harness::<H>(name, move |harness| harness.block_on(case(harness.runtime(), Facts::of::<H>()))?)
}

/// Runs a case that holds what was started, and drives on it whatever it needs.
pub fn owned(flavour: Flavour, name: &'static str, case: fn(Started) -> Outcome) -> Outcome {
    let on_seed = move |seed: u64| flavour.start_with(seed).context(NOT_STARTED).and_then(case);
    on_its_thread(name, flavour.limits, Box::new(on_seed))
}

/// As [`owned`], for a case about the type of the harness, which it holds as such.
pub fn with_harness<H: Harness>(name: &'static str, case: impl Fn(H) -> Outcome + Send + 'static) -> Outcome {
    let on_seed = move |seed: u64| H::start_with(seed).context(NOT_STARTED).and_then(&case);
    on_its_thread(name, Limits::of::<H>(), Box::new(on_seed))
}

/// The part of a flavour that the runner needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    flavour: &'static str,
    seeds: u64,
    patience: Duration,
    limit: Duration,
}

impl Limits {
    pub(crate) fn of<H: Harness>() -> Self {
        Self { flavour: H::NAME, seeds: H::SEEDS, patience: H::PATIENCE, limit: H::LIMIT }
    }

    /// Returns the seeds to run, and the time after which no further one is begun.
    fn seeds(self) -> Result<(Range<u64>, Duration), Failure> {
        if self.seeds > 1 {
            if let Some(seed) = number::<u64>(SEED)? {
                return Ok((seed..seed.saturating_add(1), Duration::MAX));
            }
            if let Some(seeds) = number::<u64>(SEEDS)? {
                return Ok((0..seeds, Duration::MAX));
            }
        }
        Ok((0..self.seeds, self.patience))
    }
}

fn on_its_thread(name: &'static str, limits: Limits, case: AnyCase) -> Outcome {
    let (done, ended) = channel();
    let (seeds, patience) = limits.seeds()?;
    let body = move || {
        let begun = Instant::now();
        let outcome = seeds.into_iter().take_while(|_| begun.elapsed() < patience).try_for_each(|seed| {
            let outcome = case(seed);
            if limits.seeds > 1 {
                return outcome
                    .with_context(|| format!("with seed {seed}; to have it again, set {SEED}={seed}"));
            }
            outcome
        });
        // The receiver is dropped only where the limit has passed.
        let _ = done.send(outcome);
    };
    thread::Builder::new().name(CASE_THREAD.into()).spawn(body)?;
    let Limits { flavour, limit, .. } = limits;
    match ended.recv_timeout(limit) {
        Ok(outcome) => outcome.with_context(|| format!("{name} ({flavour})")),
        Err(RecvTimeoutError::Timeout) => bail!("{name} ({flavour}): no end after {limit:?}: it hangs"),
        Err(RecvTimeoutError::Disconnected) => bail!("{name} ({flavour}): the case panicked"),
    }
}

/// Returns the number that a variable of the environment is set to.
pub(crate) fn number<N: FromStr<Err = ParseIntError>>(variable: &str) -> Result<Option<N>, Failure> {
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    text.parse().map(Some).with_context(|| format!("{variable} is to be a number, not {text:?}"))
}
