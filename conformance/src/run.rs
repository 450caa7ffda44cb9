//! The runner of one case. It uses a thread of its own and a time limit, so that a hang is a failure with a
//! name, and runs the case once for each seed of the flavour, so that a failure can be repeated.

use std::num::ParseIntError;
use std::ops::Range;
use std::str::FromStr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::erased::Running;
use crate::{CASE_THREAD, Facts, Failure, Harness, Outcome};

/// The variable that sets one seed, to run a failed case again with that seed alone.
const SEED: &str = "CONFORMANCE_SEED";

/// The variable that sets the number of seeds for each case, in place of the flavour's own number and however
/// long that takes. It has no effect on a flavour with one seed, nor where the variable for one seed is set.
pub const SEEDS: &str = "CONFORMANCE_SEEDS";

/// A case whose own type is erased. The runner is then compiled once for each flavour, and not again for each
/// of its cases.
type AnyCase<H> = Box<dyn Fn(H) -> Outcome + Send>;

/// Runs an asynchronous case, inside the flavour's `block_on`.
pub fn driven<H: Harness>(name: &'static str, case: fn(H::Runtime, Facts) -> Running) -> Outcome {
    on_its_thread(
        name,
        Box::new(move |harness: H| harness.block_on(case(harness.runtime(), Facts::of::<H>()))?),
    )
}

/// Runs a case that holds the flavour itself, and drives on it whatever it needs.
pub fn owned<H: Harness, C: Fn(H) -> Outcome + Send + 'static>(name: &'static str, case: C) -> Outcome {
    on_its_thread(name, Box::new(case))
}

fn on_its_thread<H: Harness>(name: &'static str, case: AnyCase<H>) -> Outcome {
    let (done, ended) = channel();
    let (seeds, patience) = seeds::<H>()?;
    let body = move || {
        let begun = Instant::now();
        let outcome = seeds.into_iter().take_while(|_| begun.elapsed() < patience).try_for_each(|seed| {
            let outcome = H::start_with(seed).context("the harness did not start").and_then(&case);
            if H::SEEDS > 1 {
                return outcome
                    .with_context(|| format!("with seed {seed}; to have it again, set {SEED}={seed}"));
            }
            outcome
        });
        // The receiver is dropped only where the limit has passed.
        let _ = done.send(outcome);
    };
    thread::Builder::new().name(CASE_THREAD.into()).spawn(body)?;
    match ended.recv_timeout(H::LIMIT) {
        Ok(outcome) => outcome.with_context(|| format!("{name} ({})", H::NAME)),
        Err(RecvTimeoutError::Timeout) => {
            bail!("{name} ({}): no end after {:?}: it hangs", H::NAME, H::LIMIT)
        }
        Err(RecvTimeoutError::Disconnected) => bail!("{name} ({}): the case panicked", H::NAME),
    }
}

/// Returns the seeds to run, and the time after which no further one is begun.
fn seeds<H: Harness>() -> Result<(Range<u64>, Duration), Failure> {
    if H::SEEDS > 1 {
        if let Some(seed) = number::<u64>(SEED)? {
            return Ok((seed..seed.saturating_add(1), Duration::MAX));
        }
        if let Some(seeds) = number::<u64>(SEEDS)? {
            return Ok((0..seeds, Duration::MAX));
        }
    }
    Ok((0..H::SEEDS, H::PATIENCE))
}

/// Returns the number that a variable of the environment is set to.
pub(crate) fn number<N: FromStr<Err = ParseIntError>>(variable: &str) -> Result<Option<N>, Failure> {
    let Ok(text) = std::env::var(variable) else { return Ok(None) };
    text.parse().map(Some).with_context(|| format!("{variable} is to be a number, not {text:?}"))
}
