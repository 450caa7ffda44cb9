//! The coordinator: starts sender and workers, watches the clock, waits for their end and adds up.

use std::sync::Arc;
use std::time::Duration;

use futures_lite::future::or;

use super::control::{Control, Settings};
use super::handler::Handler;
use super::limit::Limit;
use super::scale::{Gate, scale};
use super::sender::send;
use super::slot::Slot;
use super::tally::{Kept, OnReject, Policy, reject_late};
use super::worker::{Crew, work};
use crate::cancel::CancelLevel;
use crate::error::{AsyncTaskError, TimeoutError};
use crate::pipeline::collector::Calls;
use crate::pipeline::event::Summary;
use crate::pipeline::names::Names;
use crate::pipeline::progress::Counters;
use crate::pipeline::sources::Plan;
use crate::pipeline::{ErrorStrategy, FinalEvent, TooManyErrors};
use crate::runtime::Runtime;
use crate::task::{Birthplace, Configured, Fallible, InPlace, Plain, TaskId, caught, spawn};
use crate::time::Sleep;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// How a pipeline ended, and what its handler makes of it.
pub(crate) struct Outcome<E> {
    pub(crate) ended: Ended,
    pub(crate) summary: Summary,
    pub(crate) end: E,
}

/// Why a pipeline has ended.
pub(crate) enum Ended {
    /// All was handled, or rejected as the strategy says.
    Whole,
    /// More rows were rejected than it permits.
    TooManyErrors,
    Failed(AsyncTaskError),
}

impl Ended {
    /// What is told of it.
    pub(crate) fn told(self, summary: &FinalEvent) -> Result<FinalEvent, AsyncTaskError> {
        match self {
            Self::Whole => Ok(summary.clone()),
            Self::TooManyErrors => Err(AsyncTaskError::failure(TooManyErrors::new(summary.clone()))),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Runs a pipeline to its end. Nothing of it is left when this returns, but for a read that a source stalls.
pub(crate) async fn run<T, R, H>(
    runtime: &R,
    task: TaskId,
    settings: &Settings<T>,
    counters: Arc<Counters>,
    plans: Vec<Plan<T>>,
    handler: H,
) -> Outcome<H::End>
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    let (min, max) = settings.workers(runtime);
    counters.begin(runtime.now());
    let control = Arc::new(Control {
        runtime: runtime.clone(),
        task,
        name: settings.name.clone(),
        limit: Limit::none(),
        policy: Policy {
            on_reject: OnReject::from(&settings.strategy),
            max_errors: settings.max_errors,
            fail_after: settings.fail_after,
            keep_raw: settings.keep_raw,
        },
        event_timeout: settings.event_timeout,
        batches: settings.batches,
        counters,
        kept: concurrent_queue::ConcurrentQueue::unbounded(),
        names: Names::new(plans.iter().map(Plan::name).collect(), handler.keeps_places()),
        sender: settings.sender,
        // It was seen to be sound when the settings were checked.
        rate: settings.limiter().ok().flatten(),
        ordered: settings.ordered,
        idle: event_listener::Event::new(),
    });
    let calls: Vec<_> = (0..max).map(|worker| Arc::new(Calls::of_worker(worker))).collect();
    let slots = match caught(|| handler.locals(&calls)) {
        Ok(locals) => locals.into_iter().zip(calls).map(|(local, calls)| Slot::new(local, calls)).collect(),
        Err(panic) => {
            let (_, end) = handler.close(Vec::new(), &control.names).await;
            return Outcome { ended: Ended::Failed(panic), summary: Summary::default(), end };
        }
    };
    let retrying = match &settings.strategy {
        ErrorStrategy::Retry(retrying) => Some(retrying.clone()),
        _ => None,
    };
    let (gate, blocking) = (Gate::new(min), settings.blocking);
    let crew = Arc::new(Crew { handler, slots, retrying, blocking, gate, control: control.clone() });
    // Two chunks for each worker: one to go on with at once, one for when the sender is late.
    let (sender, queue) = async_channel::bounded(settings.queue.unwrap_or(max * 2));
    let named = Configured::part_of(settings.name.clone(), settings.values.clone()).metered(settings.metrics);
    let birth = || Birthplace::here().birth(Some(&named));
    let hands: Vec<_> = (0..max)
        .map(|index| {
            let (crew, queue) = (crew.clone(), queue.clone());
            let body = InPlace::<_, _, _, Fallible<AsyncTaskError>>::new(move || work(crew, index, queue));
            spawn(runtime.clone(), birth(), body)
        })
        .collect();
    let scaled = scale((min, max), &crew.gate, &control, queue.downgrade());
    // The sender must find the queue closed once all workers are gone.
    drop(queue);
    let sending = control.clone();
    let mut sending =
        spawn(runtime.clone(), birth(), InPlace::<_, _, _, Plain>::new(move || send(plans, sender, sending)));
    // Dropped before the sender: a worker that is killed is not to take the queue's end for that of the source.
    let mut hands = hands;

    let mut failed = None;
    let ended = async {
        for hand in &mut hands {
            if let Err(error) = hand.await {
                failed = Some(error);
            }
        }
        Ok((&mut sending).await)
    };
    let clocks = or(overdue(runtime, settings, &control), report(settings, &control));
    let unwanted = async {
        crew.handler.unwanted().await;
        control.limit.stop_at(0);
        std::future::pending().await
    };
    let watched = or(ended, or(or(scaled, unwanted), clocks)).await;
    let stopped = match watched {
        Ok(sent) => {
            failed = failed.or(sent.unwrap_or_else(Some));
            None
        }
        // Its time was up, or who is told of its progress panicked: everything is stopped.
        Err(error) => {
            let ends: Vec<_> = hands.iter().map(|hand| hand.cancel(CancelLevel::Kill)).collect();
            sending.cancel(CancelLevel::Kill).await;
            for end in ends {
                end.await;
            }
            Some(error)
        }
    };
    let locals = crew.slots.iter().filter_map(Slot::take).collect();
    let (late, end) = crew.handler.close(locals, &control.names).await;
    let mut kept: Vec<Kept> = control.kept.try_iter().collect();
    if stopped.is_none() {
        reject_late(&control, late.rejected);
        kept.extend(control.kept.try_iter());
        failed = failed.or(late.panic);
    }
    control.counters.end(runtime.now());
    let stopped = tell(settings, &control).err().or(stopped);
    let (ended, summary) = sum_up(&control, kept, stopped, failed);
    Outcome { ended, summary, end }
}

fn sum_up<R: Runtime>(
    control: &Control<R>,
    kept: Vec<Kept>,
    stopped: Option<AsyncTaskError>,
    failed: Option<AsyncTaskError>,
) -> (Ended, Summary) {
    let (errors, stop) = Kept::merge(kept, &control.policy);
    let progress = control.counters.progress(control.runtime.now());
    let too_many = control.policy.fail_after.is_some_and(|most| progress.rejected >= most);
    // A row's error comes before what else failed: all that was sent before that stands before it in the source.
    let ended = match (stopped, stop) {
        (Some(error), _) => Ended::Failed(error),
        (None, Some(stop)) => Ended::Failed(stop.error),
        (None, None) if too_many => Ended::TooManyErrors,
        (None, None) => failed.map_or(Ended::Whole, Ended::Failed),
    };
    (ended, Summary { progress, duplicates: 0, errors, sources: control.names.named().to_vec() })
}

/// Ends with the timeout, if there is one.
async fn overdue<T, R: Runtime, O>(
    runtime: &R,
    settings: &Settings<T>,
    control: &Control<R>,
) -> Result<O, AsyncTaskError> {
    let Some(limit) = settings.timeout else { return std::future::pending().await };
    if !limit.is_zero() {
        Sleep::until(runtime, control.counters.started().and_then(|started| started.checked_add(limit)))
            .await?;
    }
    Err(TimeoutError::overall(settings.name.clone(), limit, 1, false, None))
}

/// Tells progress, for ever; ends only with a panic of the one who is told, or with the runtime.
async fn report<T, R: Runtime, O>(settings: &Settings<T>, control: &Control<R>) -> Result<O, AsyncTaskError> {
    if settings.progress.is_none() {
        return std::future::pending().await;
    }
    loop {
        control.runtime.sleep(TICK).await?;
        tell(settings, control)?;
    }
}

fn tell<T, R: Runtime>(settings: &Settings<T>, control: &Control<R>) -> Result<(), AsyncTaskError> {
    let Some(progress) = &settings.progress else { return Ok(()) };
    caught(|| progress(control.counters.progress(control.runtime.now())))
}
