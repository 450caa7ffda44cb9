//! The coordinator: starts sender and workers, watches the clock, waits for their end and adds up.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::or;

use crate::collect::calls::Calls;
use crate::outcome::failure::TooManyErrors;
use crate::outcome::final_event::FinalEvent;
use crate::outcome::final_event::Summary;
use crate::outcome::names::Names;
use crate::outcome::progress::Counters;
use crate::policy::ErrorStrategy;
use crate::run::read::sender::send;
use crate::run::shared::control::{Control, Settings};
use crate::run::shared::counters::{Kept, OnReject, Policy, reject_late};
use crate::run::shared::limit::Limit;
use crate::run::shared::overdue::{Part, Passing};
use crate::run::shared::scale::{Gate, scale};
use crate::run::work::handler::Handler;
use crate::run::work::slot::Slot;
use crate::run::work::worker::{Workers, work};
use crate::source::Plan;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, Handle, InPlace, SpawnSite, TaskRef, caught, spawn, timed_out};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{Fallible, Plain};

/// How often progress is told.
const TICK: Duration = Duration::from_millis(100);

/// How a pipeline ended, and what its handler makes of it.
pub(crate) struct Outcome<E> {
    /// The final event.
    pub(crate) told: Result<FinalEvent, AsyncTaskError>,
    pub(crate) summary: FinalEvent,
    pub(crate) end: E,
}

/// Why a pipeline has ended.
enum Ended {
    /// All was handled, or rejected as the strategy says.
    Whole,
    /// More rows were rejected than it permits.
    TooManyErrors,
    Failed(AsyncTaskError),
}

impl Ended {
    /// What is told of it.
    fn told(self, summary: &FinalEvent) -> Result<FinalEvent, AsyncTaskError> {
        match self {
            Self::Whole => Ok(summary.clone()),
            Self::TooManyErrors => Err(AsyncTaskError::failure(TooManyErrors::new(summary.clone()))),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Runs a pipeline to its end, as the work of `task`, which is polled here. Nothing of it is left when this returns, but for
/// blocking work that had started where its time was up, of which the error says so.
pub(crate) async fn run<T, R, H>(
    runtime: &R,
    task: &TaskRef,
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
    // At the limit there is a final event all the same, so that this ends the work, and not whoever polls the task.
    task.control.mind_limit();
    let (min, max) = settings.workers(runtime);
    counters.begin(runtime.now());
    let control = Arc::new(Control {
        runtime: runtime.clone(),
        task: task.control.id(),
        name: task.control.name(),
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
        overdue: Arc::default(),
    });
    let calls: Vec<_> = (0..max).map(|worker| Arc::new(Calls::of_worker(worker))).collect();
    let slots = match caught(|| handler.locals(&calls)) {
        Ok(locals) => locals.into_iter().zip(calls).map(|(local, calls)| Slot::new(local, calls)).collect(),
        Err(panic) => {
            let (_, end) = handler.close(Vec::new(), &control.names).await;
            return Outcome { told: Err(panic), summary: FinalEvent::default(), end };
        }
    };
    let retrying = match &settings.strategy {
        ErrorStrategy::Retry(retrying) => Some(retrying.clone()),
        _ => None,
    };
    let (gate, blocking) = (Gate::new(min), settings.blocking);
    let crew = Arc::new(Workers { handler, slots, retrying, blocking, gate, control: control.clone() });
    // Two chunks for each worker: one to go on with at once, one for when the sender is late.
    let (sender, queue) = async_channel::bounded(settings.queue.unwrap_or(max * 2));
    let named = Configured::part_of(control.name.clone());
    let birth = || SpawnSite::part().birth(Some(&named));
    let hands: Vec<_> = (0..max)
        .map(|index| {
            let (crew, queue, overdue) = (crew.clone(), queue.clone(), control.overdue.clone());
            let body = move || Part::new(work(crew, index, queue), overdue);
            spawn(runtime.clone(), birth(), InPlace::<_, _, _, Fallible<AsyncTaskError>>::new(body))
        })
        .collect();
    let scaled = scale((min, max), &crew.gate, &control, queue.downgrade());
    // The sender must find the queue closed once all workers are gone.
    drop(queue);
    let sending = control.clone();
    let body = move || {
        let overdue = sending.overdue.clone();
        Part::new(send(plans, sender, sending), overdue)
    };
    let mut sending = spawn(runtime.clone(), birth(), InPlace::<_, _, _, Plain>::new(body));
    // Dropped before the sender: a worker that is killed is not to take the queue's end for that of the source.
    let mut hands = hands;
    // And this before both.
    let parts = hands.iter().map(Handle::task_ref).chain([Handle::task_ref(&sending)]).flatten().collect();
    let _passing = Passing { overdue: control.overdue.clone(), parts };

    let mut failed = None;
    let ended = async {
        for hand in &mut hands {
            if let Err(error) = hand.await {
                failed = Some(error);
            }
        }
        Ok((&mut sending).await)
    };
    let clocks = or(overdue(task, &control), report(settings, &control));
    let unwanted = async {
        crew.handler.unwanted().await;
        control.limit.stop_at(0);
        std::future::pending().await
    };
    let watched = or(ended, or(or(scaled, unwanted), clocks)).await;
    if !task.control.has_passed_limit() {
        task.control.release_limit(false);
    }
    let stopped = match watched {
        Ok(sent) => {
            let sent = sent.unwrap_or_else(Some).map(|error| own_cancellation(task, error));
            failed = failed.or(sent);
            None
        }
        // Its time was up, or who is told of its progress panicked: everything is stopped.
        Err(mut error) => {
            let ends: Vec<_> = hands.iter().map(|hand| hand.cancel(CancelLevel::Kill)).collect();
            sending.cancel(CancelLevel::Kill).await;
            for end in ends {
                end.await;
            }
            let is_left = control.overdue.is_left(runtime).await;
            if let (AsyncTaskError::Timeout(timeout), true) = (&mut error, is_left) {
                timeout.left_running();
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
    let summary = FinalEvent::from(Summary { duplicates: H::duplicates(&end), ..summary });
    Outcome { told: ended.told(&summary), summary, end }
}

/// The sender has heard from its task that it is to stop: that is what the task was asked.
fn own_cancellation(task: &TaskRef, error: AsyncTaskError) -> AsyncTaskError {
    let is_asked = error.is_cancelled() && task.control.asked().is_some();
    if is_asked { task.control.cancelled() } else { error }
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

/// Ends once the limit of the task has passed, which may be moved meanwhile. A task that minds its limit is polled then.
async fn overdue<R: Runtime, O>(task: &TaskRef, control: &Control<R>) -> Result<O, AsyncTaskError> {
    let is_overdue = || task.control.own_deadline().is_some_and(|deadline| task.runtime.clock() >= deadline);
    std::future::poll_fn(|_| if is_overdue() { Poll::Ready(()) } else { Poll::Pending }).await;
    task.control.release_limit(true);
    control.overdue.pass();
    Err(timed_out(&task.control, false))
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
