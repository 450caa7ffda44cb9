//! Runs one case: on a thread of its own, with a time limit, so that a hang is a failure with a name.

use std::future::Future;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::{CASE_THREAD, Facts, Harness, Outcome};

/// Far beyond what any case takes on a busy machine: only a hang reaches it.
const LIMIT: Duration = Duration::from_secs(90);

/// Runs an asynchronous case, inside the flavour's `block_on`.
pub fn driven<H: Harness, F>(name: &'static str, case: fn(H::Runtime, Facts) -> F) -> Outcome
where
    F: Future<Output = Outcome> + 'static,
{
    owned::<H, _>(name, move |harness: H| harness.block_on(case(harness.runtime(), Facts::of::<H>()))?)
}

/// Runs a case that holds the flavour itself, and drives what it likes on it.
pub fn owned<H: Harness, C: FnOnce(H) -> Outcome + Send + 'static>(name: &'static str, case: C) -> Outcome {
    let (done, ended) = channel();
    let body = move || {
        let outcome = H::start().context("the harness did not start").and_then(case);
        // Nobody listens any more only where the limit has passed.
        let _ = done.send(outcome);
    };
    thread::Builder::new().name(CASE_THREAD.into()).spawn(body)?;
    match ended.recv_timeout(LIMIT) {
        Ok(outcome) => outcome.with_context(|| format!("{name} ({})", H::NAME)),
        Err(RecvTimeoutError::Timeout) => bail!("{name} ({}): no end after {LIMIT:?}: it hangs", H::NAME),
        Err(RecvTimeoutError::Disconnected) => bail!("{name} ({}): the case panicked", H::NAME),
    }
}
