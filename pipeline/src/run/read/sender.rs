//! The sender: which sources are read when.

use std::sync::Arc;

use async_channel::{Receiver, Sender, WeakSender};
use futures_lite::future::or;

use crate::run::read::chunk_sender::{ChunkSender, Numbering, ROW_BITS, Stop};
use crate::run::read::preflight::{files, look};
use crate::run::read::source_reader::{Job, Jobs, SourceReader, told};
use crate::run::shared::control::Control;
use crate::run::shared::message::{Message, Turn};
use crate::run::shared::overdue::Part;
use crate::run::shared::scale::Gate;
use crate::source::Plan;
use crate::source::strategy::SenderStrategy;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Aimd, Load, WINDOW};
use sweet_async_core::extend::{Configured, InPlace, SpawnSite, spawn};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::Plain;

/// Chunks of a source that wait for the sources before it.
const AHEAD: usize = 2;

/// Sends everything; says why it ended early, if it did.
pub(crate) async fn send<T, R>(
    mut plans: Vec<Plan<T>>,
    queue: Sender<Message<T>>,
    control: Arc<Control<R>>,
) -> Option<AsyncTaskError>
where
    T: Send + 'static,
    R: Runtime,
{
    let told = async {
        match told().await {
            Stop::Failed(error) => Err(error),
            Stop::NotWanted => Ok(Vec::new()),
        }
    };
    let lengths = match or(look(&control.runtime, files(&plans)), told).await {
        Ok(lengths) => lengths,
        Err(error) => return Some(error),
    };
    for (place, length) in lengths {
        if let Some(plan) = plans.get_mut(place) {
            plan.set_length(length);
        }
    }
    control.counters.expect(plans.iter().map(Plan::length));
    match control.sender {
        SenderStrategy::Parallel { sources } => in_parallel(plans, queue, control, (sources, sources)).await,
        SenderStrategy::Adaptive { min, max } => in_parallel(plans, queue, control, (min, max)).await,
        SenderStrategy::Serial | SenderStrategy::Batched { .. } => {
            let in_line = control.ordered;
            let jobs = jobs(plans, || (queue.clone(), None));
            let outlet = ChunkSender::new(queue, control, Numbering::Running, in_line);
            SourceReader::new(jobs, Arc::new(Gate::new(1)), 0, outlet).work().await.map(|(_, error)| error)
        }
    }
}

/// Reads so many sources at the same time, each by a task of its own.
async fn in_parallel<T, R>(
    plans: Vec<Plan<T>>,
    queue: Sender<Message<T>>,
    control: Arc<Control<R>>,
    (min, max): (usize, usize),
) -> Option<AsyncTaskError>
where
    T: Send + 'static,
    R: Runtime,
{
    let most = 1 << (u64::BITS - ROW_BITS);
    if plans.len() > most {
        let reason = format!("of {} sources none can be read beside another: {most} can", plans.len());
        return Some(AsyncTaskError::config(reason));
    }
    let max = max.min(plans.len());
    let mut parts = Vec::new();
    let jobs = jobs(plans, || {
        if !control.ordered {
            return (queue.clone(), None);
        }
        let (part, ahead) = async_channel::bounded(AHEAD);
        let (begins, turn) = async_channel::bounded(1);
        parts.push((begins, ahead));
        (part, Some(turn))
    });
    let named = Configured::part_of(control.name.clone());
    let gate = Arc::new(Gate::new(min));
    let lane = |index| {
        let outlet = ChunkSender::new(queue.clone(), control.clone(), Numbering::BySource, false);
        let lane = SourceReader::new(jobs.clone(), gate.clone(), index, outlet);
        let (birth, overdue) = (SpawnSite::part().birth(Some(&named)), control.overdue.clone());
        let body = move || Part::new(lane.work(), overdue);
        spawn(control.runtime.clone(), birth, InPlace::<_, _, _, Plain>::new(body))
    };
    let lanes: Vec<_> = (0..max).map(lane).collect();
    drop(jobs);
    let adapts = adapt((min, max), &gate, &control, queue.downgrade());
    let reads = async {
        in_order(parts, queue).await;
        let mut failed = Vec::new();
        for lane in lanes {
            failed.extend(lane.await.unwrap_or_else(|error| Some((u32::MAX, error))));
        }
        failed.into_iter().min_by_key(|(source, _)| *source).map(|(_, error)| error)
    };
    or(reads, adapts).await
}

/// Changes how many sources are read at the same time as the queue says, for ever: one that is empty wants more, one that
/// is full has enough. Ends only with the runtime.
async fn adapt<T, R: Runtime>(
    (min, max): (usize, usize),
    gate: &Gate,
    control: &Control<R>,
    queue: WeakSender<Message<T>>,
) -> Option<AsyncTaskError> {
    if min >= max {
        return std::future::pending().await;
    }
    let mut number = Aimd::new(min, max);
    loop {
        if let Err(ended) = control.runtime.sleep(WINDOW).await {
            return Some(ended);
        }
        let Some(queue) = queue.upgrade() else { continue };
        let (before, waiting) = (number.now(), queue.len());
        let load = match waiting {
            0 => Load::Spare,
            _ if queue.is_full() => Load::Congested,
            _ => Load::Steady,
        };
        let sources = number.step(load);
        if sources != before {
            tracing::debug!(task.id = %control.task, sources, before, waiting, "a pipeline changes how many sources it reads");
            gate.set(sources);
        }
    }
}

/// Sends on what was read ahead, one source after the other: a worker that waits for its turn must not stand before the
/// one whose turn it is.
///
/// With each part goes a sender that is dropped when its turn has come.
async fn in_order<T>(parts: Vec<(Sender<()>, Receiver<Message<T>>)>, queue: Sender<Message<T>>) {
    let mut line = Turn::line();
    for (begins, part) in parts {
        drop(begins);
        while let Ok(mut message) = part.recv().await {
            message.turn = Some(Turn::behind(&mut line));
            if queue.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// Where a source's chunks go, and its turn, where it has one.
type Destination<T> = (Sender<Message<T>>, Option<Receiver<()>>);

fn jobs<T>(plans: Vec<Plan<T>>, mut outlet: impl FnMut() -> Destination<T>) -> Arc<Jobs<T>> {
    let job = |(source, plan)| {
        let (queue, turn) = outlet();
        Job { source, plan, queue, turn }
    };
    Arc::new(Jobs::new((0..).zip(plans).map(job).collect()))
}
