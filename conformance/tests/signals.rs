//! The end of a program by real signals. In a file of its own, with one test: signals go to the whole
//! process, so the flavours take turns.
#![cfg(all(unix, any(feature = "tokio", feature = "smol")))]

#[cfg(feature = "smol")]
#[path = "flavours/smol.rs"]
mod smol_flavours;
#[cfg(feature = "tokio")]
#[path = "flavours/tokio.rs"]
mod tokio_flavours;

use std::future::pending;
use std::pin::pin;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_channel::{Receiver, Sender, bounded};
use conformance::{Failure, Harness, Outcome, run};
use futures_lite::future::{poll_once, yield_now};
use sweet_async::runtime::{Ended, Signal};
use sweet_async::{AsyncTask, DurationExt as _, Runtime, RuntimeError, Termination};

/// Far longer than a test may take: no test waits for its end.
const LONG: Duration = Duration::from_secs(60 * 60);

/// Long too, and short enough for a test to see that it was waited for.
const MEASURABLE: Duration = Duration::from_secs(60);

trait Terminating: Harness<Runtime: Termination> {
    /// Runs `main` until it ends or the process receives a signal.
    fn until_terminated<F: Future>(&self, grace: Duration, main: F) -> Result<Ended<F::Output>, Failure> {
        Ok(self.block_on(self.runtime().run_until_terminated(grace, main))??)
    }
}

impl<H: Harness<Runtime: Termination>> Terminating for H {}

/// Sends `signal` to this process. It has been sent when this returns, and not necessarily received.
fn send(signal: Signal) -> Outcome {
    let name = match signal {
        Signal::Interrupt => "-INT",
        _ => "-TERM",
    };
    let status = Command::new("kill").args([name, &std::process::id().to_string()]).status()?;
    ensure!(status.success(), "kill says {status}");
    Ok(())
}

/// Starts a task without a handle that never ends by itself. The receiver is closed once its work is dropped.
fn stubborn<R: Runtime>(rt: &R) -> Receiver<()> {
    let (alive, dropped) = bounded::<()>(1);
    let task = AsyncTask::to::<()>().on(rt).spawn(|| async move {
        let _alive: Sender<()> = alive;
        pending::<()>().await
    });
    task.detach();
    dropped
}

fn one_task_was_killed<T>(ended: &Ended<T>, dropped: &Receiver<()>) -> Outcome {
    let left = matches!(ended.shutdown, Err(RuntimeError::TasksLeft { tasks: 1, blocking: 0, .. }));
    ensure!(left, "{:?}", ended.shutdown);
    ensure!(futures_lite::future::block_on(dropped.recv()).is_err(), "its work is never dropped");
    Ok(())
}

fn a_main_future_that_watches_for_it_ends_by_itself(harness: &impl Terminating, signal: Signal) -> Outcome {
    let rt = harness.runtime();
    let (done, ends) = bounded(1);
    let ended = harness.until_terminated(LONG, async {
        let watching = rt.clone();
        let detached = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            watching.root().closing().await;
            yield_now().await;
            let _ = done.try_send(());
        });
        detached.detach();
        // The listening begins before the first poll of this future.
        send(signal)?;
        rt.root().closing().await;
        yield_now().await;
        Ok::<_, Failure>("served")
    })?;
    ended.shutdown?;
    ensure!(ended.output.context("dropped")?? == "served");
    ensure!(ended.signal == Some(signal));
    ends.try_recv().context("the detached task was not waited for")?;
    ensure!(!rt.is_running());
    Ok(())
}

fn one_that_ignores_it_is_dropped_after_the_grace(harness: &impl Terminating, signal: Signal) -> Outcome {
    let rt = harness.runtime();
    let task_dropped = stubborn(&rt);
    let (alive, main_dropped) = bounded::<()>(1);
    let grace = 50.millis();
    let begun = Instant::now();
    let ended = harness.until_terminated(grace, async {
        let _alive: Sender<()> = alive;
        if let Err(error) = send(signal) {
            return error;
        }
        pending().await
    })?;
    ensure!(ended.output.is_none(), "{:?}", ended.output);
    ensure!(ended.signal == Some(signal) && begun.elapsed() >= grace);
    ensure!(main_dropped.is_closed());
    one_task_was_killed(&ended, &task_dropped)
}

/// Signals the process, and again as soon as the first signal has arrived: at once, or at the next poll.
async fn signal_twice(rt: &impl Runtime, at_once: bool) -> Outcome {
    send(Signal::Terminate)?;
    rt.root().closing().await;
    if !at_once {
        yield_now().await;
    }
    send(Signal::Interrupt)
}

fn signalled_twice_a_main_future_that_ignores_it_is_dropped_at_once(
    harness: &impl Terminating,
    at_once: bool,
) -> Outcome {
    let rt = harness.runtime();
    let begun = Instant::now();
    let ended = harness.until_terminated(MEASURABLE, async {
        if let Err(error) = signal_twice(&rt, at_once).await {
            return error;
        }
        pending().await
    })?;
    ensure!(ended.output.is_none(), "{:?}", ended.output);
    // The report has the first signal, which began the shutdown.
    ensure!(ended.signal == Some(Signal::Terminate));
    ended.shutdown?;
    ensure!(
        begun.elapsed() < MEASURABLE,
        "after two signals it took all of its grace: {:?}",
        begun.elapsed()
    );
    Ok(())
}

fn signalled_twice_tasks_that_ignore_it_are_killed_at_once(harness: &impl Terminating) -> Outcome {
    let rt = harness.runtime();
    let dropped = stubborn(&rt);
    let (ask, asked) = bounded(1);
    let ended = harness.block_on(async {
        let main = async {
            send(Signal::Interrupt)?;
            rt.root().closing().await;
            ask.try_send(())?;
            Ok::<_, Failure>("served")
        };
        let mut run = pin!(rt.run_until_terminated(LONG, main));
        while asked.is_empty() {
            // In the poll in which the main future ends, the wait for the rest begins, and with it the
            // listening.
            ensure!(poll_once(&mut run).await.is_none(), "the detached task was not waited for");
            yield_now().await;
        }
        send(Signal::Terminate)?;
        Ok(run.await?)
    })??;
    ensure!(ended.signal == Some(Signal::Interrupt));
    one_task_was_killed(&ended, &dropped)?;
    ensure!(ended.output.context("dropped")?? == "served");
    Ok(())
}

fn signalled_twice_everything_that_ignores_it_is_killed_at_once(harness: &impl Terminating) -> Outcome {
    let rt = harness.runtime();
    let dropped = stubborn(&rt);
    let begun = Instant::now();
    let ended = harness.until_terminated(MEASURABLE, async {
        if let Err(error) = signal_twice(&rt, false).await {
            return error;
        }
        pending().await
    })?;
    ensure!(ended.output.is_none() && ended.signal == Some(Signal::Terminate));
    one_task_was_killed(&ended, &dropped)?;
    ensure!(
        begun.elapsed() < MEASURABLE,
        "after two signals it took all of its grace: {:?}",
        begun.elapsed()
    );
    Ok(())
}

/// Both signals are there before the next poll, and neither may be lost.
fn signalled_twice_in_one_poll_everything_is_killed_at_once(harness: &impl Terminating) -> Outcome {
    let rt = harness.runtime();
    let dropped = stubborn(&rt);
    let begun = Instant::now();
    let ended = harness.until_terminated(MEASURABLE, async {
        for signal in [Signal::Terminate, Signal::Interrupt] {
            if let Err(error) = send(signal) {
                return error;
            }
        }
        pending().await
    })?;
    ensure!(ended.output.is_none() && ended.signal.is_some());
    one_task_was_killed(&ended, &dropped)?;
    ensure!(begun.elapsed() < MEASURABLE, "one of two was lost: {:?}", begun.elapsed());
    Ok(())
}

fn one_that_ends_by_itself_has_no_signal_and_the_rest_is_joined(harness: &impl Terminating) -> Outcome {
    let rt = harness.runtime();
    let (done, ends) = bounded(2);
    let ended = harness.until_terminated(LONG, async {
        for _ in 0..2 {
            let (watching, done) = (rt.clone(), done.clone());
            let detached = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                watching.root().closing().await;
                yield_now().await;
                let _ = done.try_send(());
            });
            detached.detach();
        }
        "served"
    })?;
    ended.shutdown?;
    ensure!((ended.output, ended.signal) == (Some("served"), None));
    ensure!(ends.len() == 2, "{} detached tasks were waited for", ends.len());
    Ok(())
}

/// Runs each case on a runtime of its own. Returns the failures.
fn on<H: Terminating>(flavour: &str) -> Vec<String> {
    let mut failed = Vec::new();
    let mut case = |name: &'static str, case: fn(&H) -> Outcome| {
        if let Err(error) = run::with_harness::<H>(name, move |harness| case(&harness)) {
            failed.push(format!("{flavour}: {error:#}"));
        }
    };
    case("watches, SIGTERM", |h| a_main_future_that_watches_for_it_ends_by_itself(h, Signal::Terminate));
    case("watches, SIGINT", |h| a_main_future_that_watches_for_it_ends_by_itself(h, Signal::Interrupt));
    case("ignores, SIGTERM", |h| one_that_ignores_it_is_dropped_after_the_grace(h, Signal::Terminate));
    case("ignores, SIGINT", |h| one_that_ignores_it_is_dropped_after_the_grace(h, Signal::Interrupt));
    case("main ignores, twice", |h| {
        signalled_twice_a_main_future_that_ignores_it_is_dropped_at_once(h, false)
    });
    case("main ignores, twice in a row", |h| {
        signalled_twice_a_main_future_that_ignores_it_is_dropped_at_once(h, true)
    });
    case("tasks ignore, twice", signalled_twice_tasks_that_ignore_it_are_killed_at_once);
    case("all ignore, twice", signalled_twice_everything_that_ignores_it_is_killed_at_once);
    case("all ignore, twice in one poll", signalled_twice_in_one_poll_everything_is_killed_at_once);
    case("ends by itself", one_that_ends_by_itself_has_no_signal_and_the_rest_is_joined);
    failed
}

/// The facade's own entry, on whatever runtime it brings.
fn the_programs_own_entry_is_signalled_as_well() -> Outcome {
    use sweet_async::{Ambient, RuntimeSource as _};

    let ended = sweet_async::run_until_terminated(LONG, async {
        send(Signal::Terminate)?;
        Ambient.resolve()?.root().closing().await;
        Ok::<_, Failure>("served")
    })?;
    ended.shutdown?;
    ensure!(ended.signal == Some(Signal::Terminate) && ended.output.context("dropped")?? == "served");
    let ended = sweet_async::run_until_terminated(LONG, async { "served" })?;
    ended.shutdown?;
    ensure!((ended.output, ended.signal) == (Some("served"), None));
    Ok(())
}

#[test]
fn signals_end_a_program_gracefully_or_at_once() -> Outcome {
    let mut failed = Vec::new();
    // Tokio first: once it listens, it receives all signals of the process, for any later listener on Tokio.
    #[cfg(feature = "tokio")]
    {
        failed.extend(on::<tokio_flavours::CurrentThread>("Tokio on one thread"));
        failed.extend(on::<tokio_flavours::MultiThread>("Tokio on several threads"));
        the_programs_own_entry_is_signalled_as_well()?;
    }
    #[cfg(feature = "smol")]
    {
        failed.extend(on::<smol_flavours::OwnExecutor>("smol on an executor of the user's"));
        failed.extend(on::<smol_flavours::OneThread>("smol on one thread"));
        failed.extend(on::<smol_flavours::ManyThreads>("smol on several threads"));
        #[cfg(not(feature = "tokio"))]
        the_programs_own_entry_is_signalled_as_well()?;
        // The global executor takes nothing more after its shutdown, so it has one case, and the last.
        let case = one_that_ends_by_itself_has_no_signal_and_the_rest_is_joined;
        run::with_harness::<smol_flavours::Global>("ends by itself", move |harness| case(&harness))?;
    }
    ensure!(failed.is_empty(), "{}", failed.join("\n"));
    Ok(())
}
