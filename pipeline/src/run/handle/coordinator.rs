//! The coordinator of one pipeline. It starts the sender and the workers, watches the time limit, waits until
//! all of them have ended, and sums up.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::or;

use crate::collect::worker::calls::Calls;
use crate::outcome::final_event::FinalEvent;
use crate::outcome::final_event::Summary;
use crate::outcome::names::Names;
use crate::outcome::progress::Counters;
use crate::outcome::too_many_errors::TooManyErrors;
use crate::queue::QueueError;
use crate::run::handle::reject_writing::RejectWriting;
use crate::run::read::sender::send;
use crate::run::read::source_reader::ReadError;
use crate::run::shared::control::{Control, Settings};
use crate::run::shared::counters::reject_deferred;
use crate::run::shared::limit::Limit;
use crate::run::shared::overdue::{Part, PassLimitOnDrop};
use crate::run::shared::reject_queue::RejectQueue;
use crate::run::shared::rejection::{KeptErrors, MergedErrors, Policy};
use crate::run::shared::scale::{ActiveLimit, scale};
use crate::run::work::completion::Completion;
use crate::run::work::erased::{Closed, DynHandler};
use crate::run::work::keys::Keys;
use crate::run::work::worker::{Workers, work};
use crate::source::plan::Plan;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, Handle, InPlace, SpawnSite, TaskRef, caught, spawn, timed_out};
use sweet_async_core::internals::{Fallible, Plain};
use sweet_async_core::runtime::{DynRuntime, Runtime as _};

/// The interval between two progress reports.
const TICK: Duration = Duration::from_millis(100);

/// The result of a pipeline: its final event, its summary, and the value that its handler made of the events.
pub(crate) struct Outcome {
    /// The final event: the summary, or the error that ended the pipeline.
    pub(crate) final_event: Result<FinalEvent, AsyncTaskError>,
    pub(crate) summary: FinalEvent,
    /// The handler's `End`.
    pub(crate) end: Box<dyn Any + Send>,
}

/// The reason for the end of a pipeline.
enum Ended {
    /// All rows were handled, or rejected as the strategy permits.
    Completed,
    /// The number of rejected rows reached `fail_after`.
    TooManyErrors,
    Failed(AsyncTaskError),
}

impl Ended {
    /// The final event for this end.
    fn into_final_event(self, summary: &FinalEvent) -> Result<FinalEvent, AsyncTaskError> {
        match self {
            Self::Completed => Ok(summary.clone()),
            Self::TooManyErrors => Err(AsyncTaskError::failure(TooManyErrors::new(summary.clone()))),
            Self::Failed(error) => Err(error),
        }
    }
}

/// Runs a pipeline to its end, as the work of `task`, which is polled here.
///
/// Nothing of the pipeline is left when this returns, with one exception: at the time limit, blocking work
/// that has started keeps running. The error says so.
pub(crate) async fn run(
    runtime: &DynRuntime,
    task: &TaskRef,
    settings: &Settings,
    counters: Arc<Counters>,
    plans: Vec<Plan>,
    mut handler: Box<dyn DynHandler>,
) -> Outcome {
    // There is a final event at the limit as well. So the work ends here at the limit, and is not dropped by
    // the task's own deadline.
    task.control.mind_limit();
    let (min, max) = settings.workers(runtime);
    // One worker handles all rows in the order in which their chunks come.
    let by_key = handler.has_keys() && max > 1;
    let chunks_by_key = by_key || (handler.has_keys() && settings.sender.reads_at_once());
    counters.begin(runtime.now());
    let (rejects, rejected_rows) = settings.rejects.as_ref().map(|_| RejectQueue::new()).unzip();
    let control = Arc::new(Control {
        runtime: runtime.clone(),
        task: task.control.id(),
        name: task.control.name(),
        limit: Limit::new(settings.take),
        policy: Policy {
            on_reject: settings.on_reject.clone(),
            on_source_error: settings.on_source_error,
            max_errors: settings.max_errors,
            fail_after: settings.fail_after,
            keep_raw: settings.keep_raw,
        },
        event_timeout: settings.event_timeout,
        guards: settings.guards.clone(),
        batches: settings.batches,
        counters,
        kept: concurrent_queue::ConcurrentQueue::unbounded(),
        rejects,
        names: Names::new(plans.iter().map(Plan::name).collect(), handler.reports_positions()),
        sender: settings.sender,
        // The rate was checked with the other settings, so building the limiter does not fail.
        rate: settings.limiter().ok().flatten(),
        has_turns: settings.ordered || chunks_by_key,
        concurrent: settings.concurrent.unwrap_or(1),
        idle: event_listener::Event::new(),
        overdue: Arc::default(),
        unread_queues: AtomicUsize::new(plans.iter().filter(|plan| matches!(plan, Plan::Queue(_))).count()),
    });
    let calls = (0..max).map(|worker| Arc::new(Calls::of_worker(worker))).collect();
    if let Err(panic) = caught(|| handler.open(calls)) {
        let Closed { end, .. } = handler.close(&control.names).await;
        return Outcome { final_event: Err(panic), summary: FinalEvent::default(), end };
    }
    let begun = async { Ok(handler.begin(runtime).await) };
    if let Err(error) = or(begun, overdue(task, &control)).await.flatten() {
        let Closed { end, .. } = handler.close(&control.names).await;
        return Outcome { final_event: Err(error), summary: FinalEvent::default(), end };
    }
    let workers = Arc::new(Workers {
        // One worker has nothing to run in parallel, unless it runs several rows at the same time.
        stages_ahead: handler.has_stages() && (control.has_turns && max > 1 || control.concurrent > 1),
        keys: by_key.then(Keys::new),
        handler: handler.into(),
        blocking: settings.blocking,
        active_limit: ActiveLimit::new(min),
        control: control.clone(),
    });
    // Two chunks for each worker: one to go on with at once, and one for a sender that is late.
    let (sender, queue) = async_channel::bounded(settings.queue.unwrap_or(max * 2));
    let configured = Configured::part_of(control.name.clone());
    let spawn_request = || SpawnSite::part().request(Some(&configured));
    let worker_tasks: Vec<_> = (0..max)
        .map(|index| {
            let (workers, queue, overdue) = (workers.clone(), queue.clone(), control.overdue.clone());
            let body = move || Part::new(work(workers, index, queue), overdue);
            spawn(runtime.clone(), spawn_request(), InPlace::<_, _, _, Fallible<AsyncTaskError>>::new(body))
        })
        .collect();
    let scaled = scale((min, max), &workers.active_limit, &control, queue.downgrade());
    // The sender must find the queue closed once all workers have ended.
    drop(queue);
    let sender_control = control.clone();
    let body = move || {
        let overdue = sender_control.overdue.clone();
        Part::new(send(plans, sender, sender_control), overdue)
    };
    let mut sender_task = spawn(runtime.clone(), spawn_request(), InPlace::<_, _, _, Plain>::new(body));
    // Dropped before the sender: a worker that is killed must not take the closed queue for the end of the
    // sources.
    let mut worker_tasks = worker_tasks;
    // Dropped before both: it passes the time limit on to them.
    let parts =
        worker_tasks.iter().map(Handle::task_ref).chain([Handle::task_ref(&sender_task)]).flatten().collect();
    let _pass_limit = PassLimitOnDrop { overdue: control.overdue.clone(), parts };

    let mut reject_writing = RejectWriting::new(settings.rejects.clone(), rejected_rows, &control);
    let mut failed = None;
    let ended = async {
        for worker in &mut worker_tasks {
            if let Err(error) = worker.await {
                failed = Some(error);
            }
        }
        Ok((&mut sender_task).await)
    };
    let clocks = or(overdue(task, &control), report(settings, &control));
    let unwanted = async {
        workers.handler.unwanted().await;
        control.limit.stop_at(0);
        std::future::pending().await
    };
    let watched = or(ended, or(or(scaled, unwanted), or(clocks, reject_writing.run()))).await;
    if !task.control.has_passed_limit() {
        task.control.release_limit(false);
    }
    let stopped = match watched {
        Ok(sent) => {
            let sent = sent.unwrap_or_else(|error| Some(ReadError::of_none(error)));
            let sent = sent.filter(|failed| counts(&control, failed));
            failed = failed.or(sent.map(|failed| own_cancellation(task, failed.error)));
            None
        }
        // The time limit has passed, the progress callback panicked, or rejected rows cannot be written:
        // everything is stopped.
        Err(mut error) => {
            let ends: Vec<_> = worker_tasks.iter().map(|worker| worker.cancel(CancelLevel::Kill)).collect();
            sender_task.cancel(CancelLevel::Kill).await;
            for end in ends {
                end.await;
            }
            let is_still_running = control.overdue.is_still_running(runtime).await;
            if let (AsyncTaskError::Timeout(timeout), true) = (&mut error, is_still_running) {
                timeout.left_running();
            }
            Some(error)
        }
    };
    let Closed { deferred, duplicates, end } = workers.handler.close(&control.names).await;
    let mut kept: Vec<KeptErrors> = control.kept.try_iter().collect();
    if stopped.is_none() {
        reject_deferred(&control, deferred.rejected);
        kept.extend(control.kept.try_iter());
        failed = failed.or(deferred.failure);
    }
    // Also of a pipeline that has failed: the rows rejected until then may explain it.
    let unwritten = reject_writing.finish(runtime).await.err();
    control.counters.end(runtime.now());
    let stopped = report_once(settings, &control).err().or(stopped);
    failed = failed.or(unwritten);
    let (ended, summary) = sum_up(&control, kept, stopped, failed);
    let summary = FinalEvent::from(Summary { duplicates, ..summary });
    let final_event = ended.into_final_event(&summary);
    // Only the completion is under the limit again, which `overdue` watches.
    if !task.control.has_passed_limit() {
        task.control.mind_limit();
    }
    let completion = Completion {
        succeeded: final_event.is_ok(),
        is_whole: summary.failed_sources() == 0 && control.unread_queues.load(Ordering::Relaxed) == 0,
        rejected: summary.rejected(),
    };
    let completed = async { Ok(workers.handler.complete(runtime, completion).await) };
    let completed = or(completed, overdue(task, &control)).await.flatten();
    if !task.control.has_passed_limit() {
        task.control.release_limit(false);
    }
    // The error of a pipeline that has failed before is the first.
    let final_event = final_event.and_then(|summary| completed.map(|()| summary));
    Outcome { final_event, summary, end }
}

/// True if the sender's error is the pipeline's as well. Where the pipeline has enough, no more was to be
/// read. Then only two things matter: rows before its end that could not be read, where the order of the
/// sources is kept, and a queue to which the handled messages could not be reported.
fn counts(control: &Control, failed: &ReadError) -> bool {
    let Some(end) = control.limit.enough() else { return true };
    (control.has_turns && failed.position < end) || failed.error.downcast_ref::<QueueError>().is_some()
}

/// The sender reports the cancellation that it saw. The task's own cancellation error takes its place.
fn own_cancellation(task: &TaskRef, error: AsyncTaskError) -> AsyncTaskError {
    let is_requested = error.is_cancelled() && task.control.asked().is_some();
    if is_requested { task.control.cancelled() } else { error }
}

fn sum_up(
    control: &Control,
    kept: Vec<KeptErrors>,
    stopped: Option<AsyncTaskError>,
    failed: Option<AsyncTaskError>,
) -> (Ended, Summary) {
    let MergedErrors { errors, source_errors, failed_sources, stop } =
        KeptErrors::merge(kept, &control.policy, control.limit.enough());
    let progress = control.counters.progress(control.runtime.now());
    let too_many = control.policy.fail_after.is_some_and(|most| progress.rejected >= most);
    // The error of a row takes precedence over other failures: all that was sent before such a failure
    // precedes it in the source.
    let ended = match (stopped, stop) {
        (Some(error), _) => Ended::Failed(error),
        (None, Some(stop)) => Ended::Failed(stop.error),
        (None, None) if too_many => Ended::TooManyErrors,
        (None, None) => failed.map_or(Ended::Completed, Ended::Failed),
    };
    let sources = control.names.named().to_vec();
    (ended, Summary { progress, duplicates: 0, errors, source_errors, failed_sources, sources })
}

/// Ends once the time limit of the task has passed. The limit may be moved meanwhile. A task whose body keeps
/// the limit is polled at that moment.
async fn overdue<O>(task: &TaskRef, control: &Control) -> Result<O, AsyncTaskError> {
    let is_overdue = || task.control.own_deadline().is_some_and(|deadline| task.runtime.clock() >= deadline);
    std::future::poll_fn(|_| if is_overdue() { Poll::Ready(()) } else { Poll::Pending }).await;
    task.control.release_limit(true);
    control.overdue.pass();
    Err(timed_out(&task.control, false))
}

/// Reports progress forever. Ends only with a panic of the callback, or with the runtime.
async fn report<O>(settings: &Settings, control: &Control) -> Result<O, AsyncTaskError> {
    if settings.progress.is_none() {
        return std::future::pending().await;
    }
    loop {
        control.runtime.sleep(TICK).await?;
        report_once(settings, control)?;
    }
}

fn report_once(settings: &Settings, control: &Control) -> Result<(), AsyncTaskError> {
    let Some(progress) = &settings.progress else { return Ok(()) };
    caught(|| progress(control.counters.progress(control.runtime.now())))
}
