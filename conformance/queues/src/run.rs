//! The tests of an engine, and the run of those that the command line asks for. Each case has a thread of its own and
//! a time limit, so that a hang is a failure with a name.

use std::process::ExitCode;
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use anyhow::{Context as _, bail};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::bench::Bench;
use crate::erased::AnyQueue;
use crate::list::{Body, LIST};
use crate::{Outcome, QueueHarness};

/// The tests of one engine.
pub struct QueueTrials(Vec<Trial>);

/// Returns the tests of the engine `H`, which is called `name` in their names.
pub fn queue_trials<H: QueueHarness>(name: &str) -> QueueTrials {
    let is_ignored = H::unavailable().is_some();
    let trial = |case: &(&'static str, Body)| {
        let (case, body) = *case;
        let run = move || {
            if let Some(reason) = H::unavailable() {
                return Err(Failed::from(reason));
            }
            on_its_thread::<H>(case, body).map_err(|error| Failed::from(format!("{error:?}")))
        };
        Trial::test(format!("{name}::{case}"), run).with_ignored_flag(is_ignored)
    };
    QueueTrials(LIST.iter().map(trial).collect())
}

/// Runs the tests of all engines, as the arguments of the command line say.
pub fn run_queue_trials(engines: Vec<QueueTrials>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        // libtest reads the variable, libtest-mimic does not.
        let threads = std::env::var("RUST_TEST_THREADS").ok().and_then(|threads| threads.parse().ok());
        arguments.test_threads = threads.filter(|threads| *threads > 0);
    }
    let trials = engines.into_iter().flat_map(|engine| engine.0).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Runs the case `topic::case` on the engine `H`.
///
/// # Errors
///
/// The reason for which the case has failed; there is no case of this name.
pub fn queue_case<H: QueueHarness>(case: &str) -> Outcome {
    let found = LIST.iter().find(|(name, _)| *name == case);
    let (name, body) = *found.with_context(|| format!("there is no case {case:?}"))?;
    on_its_thread::<H>(name, body)
}

fn on_its_thread<H: QueueHarness>(name: &'static str, body: Body) -> Outcome {
    let (done, ended) = channel();
    // The receiver is dropped only where the limit has passed.
    let run = move || {
        let outcome = (0..H::SEEDS).try_for_each(|seed| {
            let outcome = run::<H>(seed, body);
            if H::SEEDS > 1 { outcome.with_context(|| format!("with seed {seed}")) } else { outcome }
        });
        drop(done.send(outcome));
    };
    thread::Builder::new().name("queue-case".into()).spawn(run)?;
    match ended.recv_timeout(H::LIMIT) {
        Ok(outcome) => outcome.with_context(|| name.to_owned()),
        Err(RecvTimeoutError::Timeout) => bail!("{name}: no end after {:?}: it hangs", H::LIMIT),
        Err(RecvTimeoutError::Disconnected) => bail!("{name}: the case panicked"),
    }
}

fn run<H: QueueHarness>(seed: u64, body: Body) -> Outcome {
    let harness = Rc::new(H::start(seed).context("the harness did not start")?);
    let opening = harness.clone();
    let bench = Bench {
        runtime: harness.runtime(),
        short: H::SHORT,
        virtual_time: H::VIRTUAL_TIME,
        claim_waits: H::CLAIM_WAITS,
        opener: Box::new(move |name| {
            let (harness, name) = (opening.clone(), name.to_owned());
            Box::pin(async move { Ok(AnyQueue::new(harness.open(&name).await?)) })
        }),
    };
    let whole = async {
        let outcome = body(&bench).await;
        drop(bench);
        let cleaned = harness.clean().await;
        outcome.and(cleaned.context("what was left is not removed"))
    };
    harness.block_on(whole)?
}
