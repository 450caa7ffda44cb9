//! The sender: the order and the concurrency in which sources are read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_channel::{Receiver, Sender, WeakSender};
use futures_lite::future::or;

use crate::run::read::chunk_sender::{ChunkSender, Numbering, ROW_BITS, Stop};
use crate::run::read::preflight::{check_all, files};
use crate::run::read::source_reader::{Job, Jobs, ReadError, SourceReader, cancellation_requested};
use crate::run::shared::control::Control;
use crate::run::shared::message::Message;
use crate::run::shared::overdue::Part;
use crate::run::shared::scale::ActiveLimit;
use crate::run::shared::turn::{Position, Turn};
use crate::source::plan::Plan;
use crate::source::strategy::SenderStrategy;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Aimd, Load, WINDOW};
use sweet_async_core::extend::{Configured, InPlace, SpawnSite, spawn};
use sweet_async_core::internals::Plain;

/// The number of chunks of a source that wait for the sources before it.
const AHEAD: usize = 2;

/// Reads and sends all sources. Returns the error that ended this early, if there is one.
pub(crate) async fn send(
    mut plans: Vec<Plan>,
    queue: Sender<Message>,
    control: Arc<Control>,
) -> Option<ReadError> {
    let cancelled = async {
        match cancellation_requested().await {
            Stop::Failed(error) | Stop::Source(error) => Err(error),
            Stop::NotWanted => Ok(Vec::new()),
        }
    };
    let checked = check_all(&control.runtime, files(&plans), control.policy.skips_sources());
    let lengths = match or(checked, cancelled).await {
        Ok(lengths) => lengths,
        Err(error) => return Some(ReadError::of_none(error)),
    };
    for (index, length) in lengths {
        if let Some(plan) = plans.get_mut(index) {
            plan.set_length(length);
        }
    }
    control.counters.set_lengths(plans.iter().map(Plan::length));
    match control.sender {
        SenderStrategy::Parallel { sources } => in_parallel(plans, queue, control, (sources, sources)).await,
        SenderStrategy::Adaptive { min, max } => in_parallel(plans, queue, control, (min, max)).await,
        SenderStrategy::Serial | SenderStrategy::Batched { .. } => {
            let has_turns = control.has_turns;
            let jobs = jobs(plans, || (queue.clone(), None));
            let chunk_sender = ChunkSender::new(queue, control, Numbering::Running, has_turns);
            SourceReader::new(jobs, Arc::new(ActiveLimit::new(1)), 0, chunk_sender).work().await
        }
    }
}

/// Reads `min` to `max` sources at the same time, each by a task of its own.
async fn in_parallel(
    plans: Vec<Plan>,
    queue: Sender<Message>,
    control: Arc<Control>,
    (min, max): (usize, usize),
) -> Option<ReadError> {
    let most = 1 << (u64::BITS - ROW_BITS);
    if plans.len() > most {
        let reason = format!("of {} sources none can be read beside another: {most} can", plans.len());
        return Some(ReadError::of_none(AsyncTaskError::config(reason)));
    }
    let max = max.min(plans.len());
    let mut parts = Vec::new();
    let jobs = jobs(plans, || {
        if !control.has_turns {
            return (queue.clone(), None);
        }
        let (part, ahead) = async_channel::bounded(AHEAD);
        let (begins, turn) = async_channel::bounded(1);
        parts.push((begins, ahead));
        (part, Some(turn))
    });
    let configured = Configured::part_of(control.name.clone());
    let active_limit = Arc::new(ActiveLimit::new(min));
    let spawn_reader = |index| {
        let chunk_sender = ChunkSender::new(queue.clone(), control.clone(), Numbering::BySource, false);
        let reader = SourceReader::new(jobs.clone(), active_limit.clone(), index, chunk_sender);
        let spawn_request = SpawnSite::part().request(Some(&configured));
        let overdue = control.overdue.clone();
        let body = move || Part::new(reader.work(), overdue);
        spawn(control.runtime.clone(), spawn_request, InPlace::<_, _, _, Plain>::new(body))
    };
    let readers: Vec<_> = (0..max).map(spawn_reader).collect();
    let unread_from = jobs.unread_from();
    drop(jobs);
    let adapts = adapt((min, max), &active_limit, &control, queue.downgrade());
    let reads = async {
        in_order(parts, queue).await;
        let mut failed = Vec::new();
        for reader in readers {
            failed.extend(reader.await.unwrap_or_else(|error| Some(ReadError::of_none(error))));
        }
        // A source before the one that has failed may have been left earlier than that.
        let position = unread_from.load(Ordering::Relaxed);
        let first = failed.into_iter().min_by_key(|failed| failed.source)?;
        Some(ReadError { position: first.position.min(position), ..first })
    };
    or(reads, adapts).await
}

/// Adapts the number of sources that are read at the same time to the queue, forever: an empty queue wants
/// more, a full one has enough. Ends only with the runtime.
async fn adapt(
    (min, max): (usize, usize),
    active_limit: &ActiveLimit,
    control: &Control,
    queue: WeakSender<Message>,
) -> Option<ReadError> {
    if min >= max {
        return std::future::pending().await;
    }
    let mut number = Aimd::new(min, max);
    loop {
        if let Err(ended) = control.runtime.sleep(WINDOW).await {
            return Some(ReadError::of_none(ended));
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
            active_limit.set(sources);
        }
    }
}

/// Forwards the chunks that were read ahead, one source after the other. Workers wait for the turn of their
/// chunk, so a chunk must not be queued before those whose turn is earlier: all workers might wait for it.
///
/// The sender in each part is dropped when the turn of its source has come.
async fn in_order(parts: Vec<(Sender<()>, Receiver<Message>)>, queue: Sender<Message>) {
    let mut next_turn = Position::first();
    for (begins, part) in parts {
        drop(begins);
        while let Ok(mut message) = part.recv().await {
            message.turn = Some(Turn::after(&mut next_turn));
            if queue.send(message).await.is_err() {
                return;
            }
        }
    }
}

/// The queue for the chunks of a source, and its turn where it has one.
type Destination = (Sender<Message>, Option<Receiver<()>>);

fn jobs(plans: Vec<Plan>, mut destination: impl FnMut() -> Destination) -> Arc<Jobs> {
    let job = |(source, plan)| {
        let (queue, turn) = destination();
        Job { source, plan, queue, turn }
    };
    Arc::new(Jobs::new((0..).zip(plans).map(job).collect()))
}
