//! Runtimes, termination: signalled twice, at any two moments, a program reports the tasks that it killed.
//! On one thread it reports exactly those.

use std::pin::pin;

use crate::library::runtime::Signal;
use crate::library::{Canceller, DynRuntime, RuntimeError, TaskId, Termination as _};
use async_channel::{Receiver, Sender, unbounded};

use crate::kit::prelude::*;
use crate::kit::signalled::with_signals;

/// The reaction of a task to a shutdown, and the number of polls that it takes.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Ignores,
    Watches(usize),
    Cooperates(usize),
    Counts(usize),
    WaitsForAChild,
}

const KINDS: [Kind; 9] = [
    Kind::Ignores,
    Kind::Watches(0),
    Kind::Watches(3),
    Kind::Cooperates(1),
    Kind::Cooperates(4),
    Kind::Counts(0),
    Kind::Counts(2),
    Kind::Counts(5),
    Kind::WaitsForAChild,
];

/// Receives the canceller of each task that was started, to find its end.
type Cancellers = Sender<(TaskId, Canceller)>;

async fn yields(times: usize) {
    for _ in 0..times {
        yield_now().await;
    }
}

fn start(rt: &DynRuntime, kind: Kind, started: &Cancellers) {
    let (inner, below) = (rt.clone(), started.clone());
    let task = AsyncTask::to::<()>().on(rt).spawn_with(move |cx| async move {
        match kind {
            Kind::Ignores => pending().await,
            Kind::Counts(times) => yields(times).await,
            Kind::Watches(times) => {
                inner.root().closing().await;
                yields(times).await;
            }
            Kind::Cooperates(times) => {
                cx.cancelled().await;
                yields(times).await;
            }
            Kind::WaitsForAChild => {
                let mut child = AsyncTask::to::<()>().on(&inner).spawn(pending::<()>);
                // Not if it was refused, since the shutdown had come before it.
                if poll_once(&mut child).await.is_none() {
                    let _ = below.try_send((child.id(), child.canceller()));
                    let _ = child.await;
                }
            }
        }
    });
    let _ = started.try_send((task.id(), task.canceller()));
    task.detach();
}

/// The tasks that were killed, and the number of those that ended by themselves.
async fn ends(started: Receiver<(TaskId, Canceller)>) -> Result<(Vec<TaskId>, usize), Failure> {
    let (mut killed, mut others) = (Vec::new(), 0);
    while let Ok((id, task)) = started.try_recv() {
        let end = task.cancel(CancelLevel::Kill).await;
        match end.status() {
            TaskStatus::Cancelled => {
                killed.push(id);
            }
            TaskStatus::Completed => others += 1,
            other => bail!("{other}"),
        }
    }
    Ok((killed, others))
}

/// The polls of the whole before which the signals are sent, and the number of yields after which the main
/// future ends, if at all.
type Moments = (usize, usize, Option<usize>);

/// Sends signals at these moments, and checks the report.
pub(crate) async fn signalled_at(rt: DynRuntime, (first, second, main): Moments, is_exact: bool) -> Outcome {
    let ((signalled_rt, sender), (start_one, started)) = (with_signals(&rt), unbounded());
    KINDS.into_iter().for_each(|kind| start(&rt, kind, &start_one));
    let main = async move {
        match main {
            Some(times) => yields(times).await,
            None => pending().await,
        }
    };
    let mut run = pin!(signalled_rt.run_until_terminated(1.hours(), main));
    let mut poll = 0;
    let end = loop {
        if poll == first {
            sender.try_send(Signal::Terminate)?;
        }
        if poll == second {
            sender.try_send(Signal::Interrupt)?;
        }
        if let Some(end) = poll_once(&mut run).await {
            break end?;
        }
        if poll > second {
            break run.await?;
        }
        poll += 1;
        yield_now().await;
    };
    drop(start_one);
    let (killed, others) = ends(started).await?;
    ensure!(end.signal == Some(Signal::Terminate), "{:?}", end.signal);
    let Err(RuntimeError::TasksLeft { tasks, blocking: 0, named, .. }) = end.shutdown else {
        bail!("{} were killed, and it says {:?}", killed.len(), end.shutdown)
    };
    // With threads, some may end by themselves between the limit and the kill, and a child may be killed
    // before its parent has sent it here.
    let most = if is_exact { killed.len() } else { killed.len() + others + 1 };
    ensure!((killed.len()..=most).contains(&tasks), "{tasks} in place of {killed:?}");
    let unknown = named.iter().find(|task| is_exact && !killed.contains(&task.id));
    ensure!(unknown.is_none(), "{unknown:?} was not killed");
    Ok(())
}

/// Calls `run` for each pair of moments, to run it on a runtime of its own, with seeds from `seed` on.
/// Returns the number of calls.
pub(crate) fn sweep(
    moments: usize,
    seed: u64,
    run: impl Fn(u64, Moments) -> Outcome,
) -> Result<u64, Failure> {
    let mut rows = 0;
    for (first, second) in (0..moments).flat_map(|first| (first..moments).map(move |second| (first, second)))
    {
        for main in [None, Some(0), Some(2), Some(5)] {
            run(seed + rows, (first, second, main)).with_context(|| {
                format!("signals at {first} and {second}, its main future ends at {main:?}")
            })?;
            rows += 1;
        }
    }
    Ok(rows)
}

pub fn the_report_names_the_killed_tasks(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    if flavour.never_ends {
        return Ok(());
    }
    let swept = sweep(5, 0, |seed, at| {
        let harness = flavour.start_with(seed)?;
        harness.block_on(signalled_at(harness.runtime(), at, flavour.facts.polls_on_caller))?
    });
    swept.map(drop)
}
