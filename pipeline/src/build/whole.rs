//! A complete pipeline as a task: spawned, or in place as a part of its caller.

use std::any::Any;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::build::upstream::{Parts, Upstream};
use crate::outcome::final_event::FinalEvent;
use crate::outcome::progress::Counters;
use crate::policy::RetryEvents;
use crate::run::handle::coordinator::{Outcome, run};
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::shared::control::Settings;
use crate::run::work::erased::DynHandler;
use crate::run::work::handlers::handler::Handler;
use crate::run::work::typed::TypedHandler;
use crate::source::plan::Plan;
use crate::source::sources::Sources;
use crate::source::strategy::SenderStrategy;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, InPlace, SpawnSite, TaskRef, as_part_of, caught};
use sweet_async_core::extend::{InPlaceTask, Registered};
use sweet_async_core::internals::Fallible;
use sweet_async_core::retry::Retry;
use sweet_async_core::runtime::{DynRuntime, RuntimeSource};
use sweet_async_core::task::{Task, TaskContext};

/// The end of a pipeline: the final event and, if it has started, the summary and the handler's result.
pub(crate) type End<E> = (Result<FinalEvent, AsyncTaskError>, Option<(FinalEvent, E)>);

/// A running pipeline.
pub(crate) type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A pipeline before its start: its settings, and the handler of its events. `sender` names the sources once
/// the pipeline starts, and has the stages.
pub(crate) struct Whole<T, S, F, H> {
    pub(crate) source: S,
    pub(crate) settings: Settings,
    pub(crate) retrying: Option<RetryEvents<T>>,
    pub(crate) sender: F,
    pub(crate) handler: H,
}

impl<T, S, F, H> Whole<T, S, F, H>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T>,
    H: Handler<T>,
{
    /// Checks the settings, names the sources, and returns the pipeline's work. From here on the pipeline has
    /// no type of its own.
    pub(crate) fn start(
        self,
        runtime: &S::Runtime,
        task: TaskRef,
        counters: Arc<Counters>,
    ) -> Result<Work, AsyncTaskError> {
        let Self { settings, retrying, sender, handler, .. } = self;
        let Parts { sender, chain, retrying } = sender.split(retrying);
        let retry = retrying.as_ref().map(|retrying| retrying.retry.clone());
        let handler = Box::new(TypedHandler::new(chain, handler, retrying));
        let (mut sender, strategy) = (Some(sender), settings.sender);
        let mut name = |sources: &mut Sources<F::Row>| {
            if let Some(sender) = sender.take() {
                sender(sources);
            }
        };
        let mut plans = || plans(&mut name, strategy);
        start(DynRuntime::new(runtime), task, counters, settings, retry.as_ref(), handler, &mut plans)
    }

    /// Runs the pipeline as part of the caller: see [`in_place`].
    pub(crate) async fn in_place(self, spawn_site: &'static Location<'static>) -> End<H::End>
    where
        F: Send + 'static,
    {
        let (source, configured) = (self.source.clone(), self.settings.task.clone());
        in_place(source, configured, self.boxed(), spawn_site).await
    }

    /// As [`in_place`](Self::in_place), for a sender that may borrow from the caller. The task around it is then
    /// compiled for this pipeline.
    pub(crate) async fn in_place_unboxed(self, spawn_site: &'static Location<'static>) -> End<H::End> {
        let (source, configured) = (self.source.clone(), self.settings.task.clone());
        let start = |runtime: &S::Runtime, task, counters| self.start(runtime, task, counters);
        in_place(source, configured, start, spawn_site).await
    }

    /// The start of the pipeline, without its type.
    pub(crate) fn boxed(self) -> Start<S::Runtime>
    where
        F: Send + 'static,
    {
        Box::new(|runtime, task, counters| self.start(runtime, task, counters))
    }

    /// Starts the pipeline now: see [`spawn`].
    #[track_caller]
    pub(crate) fn spawn<U, E>(self, finish: E) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        F: Send + 'static,
        E: FnOnce(End<H::End>) -> Result<U, AsyncTaskError> + Send + 'static,
    {
        let (source, configured) = (self.source.clone(), self.settings.task.clone());
        spawn(source, configured, self.boxed(), Box::new(finish))
    }
}

/// The sources that `sender` names. The strategy must be able to read them.
fn plans<T: Send + 'static>(
    sender: &mut dyn FnMut(&mut Sources<T>),
    strategy: SenderStrategy,
) -> Result<Vec<Plan>, AsyncTaskError> {
    let mut sources = Sources::new();
    caught(|| sender(&mut sources))?;
    let plans = sources.into_plans()?;
    strategy.suits(&plans)?;
    Ok(plans)
}

/// The part of [`Whole::start`] that is compiled once for all pipelines. `plans` is called once at most.
fn start(
    runtime: DynRuntime,
    task: TaskRef,
    counters: Arc<Counters>,
    settings: Settings,
    retry: Option<&Retry>,
    handler: Box<dyn DynHandler>,
    plans: &mut dyn FnMut() -> Result<Vec<Plan>, AsyncTaskError>,
) -> Result<Work, AsyncTaskError> {
    settings.check()?;
    retry.map_or(Ok(()), Retry::check)?;
    if settings.event_timeout.is_some_and(|limit| limit != Duration::MAX) && !handler.can_be_timed() {
        return Err(AsyncTaskError::config(
            "event_timeout needs an asynchronous receiver or stage: synchronous code cannot be interrupted, and a fold \
             and what is pulled have no receiver",
        ));
    }
    if !handler.can_retry() && retry.is_some() {
        return Err(AsyncTaskError::config(
            "a pulled pipeline has no receiver to call again, and neither has one whose values are listed, written, \
             forwarded or published: give it one, or another ErrorStrategy than Retry",
        ));
    }
    if let Some(setting) = settings.guards.setting().filter(|_| !handler.can_retry()) {
        return Err(AsyncTaskError::config(format!(
            "a pulled pipeline has no receiver whose calls {setting} could be around, and neither has one \
             whose values are listed, written, forwarded or published: give it one, or leave the setting out",
        )));
    }
    if let Some((guard, setting)) = ahead_of_guards(&settings, &*handler) {
        return Err(AsyncTaskError::config(format!(
            "{guard} is around whole attempts at a row, and {setting} runs the stages of rows ahead of the \
             receiver's calls: leave out one of them",
        )));
    }
    if handler.has_keys() && settings.ordered {
        return Err(AsyncTaskError::config(
            "key_by keeps the source order of each key, and ordered that of all events: use one of them",
        ));
    }
    if handler.has_keys() && settings.batches.is_some() {
        return Err(AsyncTaskError::config(
            "key_by does not order batches, which hold events of many keys: leave out one of them",
        ));
    }
    if handler.has_stages() && settings.take.is_some() {
        return Err(AsyncTaskError::config(
            "`take` counts the events of rows, and stages make others of them: leave out `take` or the stages, or \
             let the receiver return `ControlFlow::Break(())`",
        ));
    }
    if settings.concurrent.is_some() && !handler.awaits_stages() {
        return Err(AsyncTaskError::config(
            "concurrent needs an asynchronous stage: synchronous stages of one worker run one after the other",
        ));
    }
    if handler.has_stages() && settings.batches.is_some() && retry.is_some() {
        return Err(AsyncTaskError::config(
            "a batch of values that stages have made cannot be retried: leave out `batched` or the stages, or use \
             another ErrorStrategy than Retry",
        ));
    }
    let plans = plans()?;
    if !handler.is_final() && plans.iter().any(|plan| matches!(plan, Plan::Queue(_))) {
        return Err(AsyncTaskError::config(
            "a pulled pipeline reads no queue, and neither does one that writes a file, since it does not know in time what \
             becomes of its events: give it a receiver",
        ));
    }
    Ok(Box::pin(async move { run(&runtime, &task, &settings, counters, plans, handler).await }))
}

/// A policy around whole attempts, and the setting by which stages run ahead of the receiver's calls, if both are
/// set. An attempt is then in two parts, and a permit that was held from the one to the other would keep an earlier
/// row from its turn. A batch is one call.
fn ahead_of_guards(settings: &Settings, handler: &dyn DynHandler) -> Option<(&'static str, &'static str)> {
    let guard = settings.guards.around_whole()?;
    let has_one_worker = settings.receivers.is_some_and(|strategy| strategy.range().1 == 1);
    let setting = match settings {
        _ if !handler.has_stages() => return None,
        Settings { batches: Some(_), .. } => return None,
        Settings { concurrent: Some(2..), .. } => "`concurrent`",
        _ if has_one_worker => return None,
        _ if handler.has_keys() => "`key_by`",
        Settings { ordered: true, .. } => "`ordered`",
        _ => return None,
    };
    Some((guard, setting))
}

/// The start of a pipeline as the work of a task of this runtime.
pub(crate) type Start<R> = Box<dyn FnOnce(&R, TaskRef, Arc<Counters>) -> Result<Work, AsyncTaskError> + Send>;

/// The summary and the handler's result, which is an `E`.
fn ended<E: 'static>(outcome: Option<Ended>) -> Option<(FinalEvent, E)> {
    let Ended { summary, end } = outcome?;
    // The cast does not fail: the pipeline's own handler has made the result.
    end.downcast().ok().map(|end| (summary, *end))
}

/// The summary of a pipeline that has started, and its handler's result without the type.
struct Ended {
    summary: FinalEvent,
    end: Box<dyn Any + Send>,
}

/// Runs a pipeline as part of the caller. It is a task in place, so it has an id and all the settings of a
/// task.
pub(crate) async fn in_place<S, B, D>(
    source: S,
    configured: Configured,
    start: B,
    spawn_site: &'static Location<'static>,
) -> End<D>
where
    S: RuntimeSource,
    B: FnOnce(&S::Runtime, TaskRef, Arc<Counters>) -> Result<Work, AsyncTaskError>,
    D: Send + 'static,
{
    let mut end = None;
    let slot = &mut end;
    let make = move |_: &S, runtime: &S::Runtime, context: TaskContext| {
        let task = context.task_ref().clone();
        // The sender closure is part of the task as well.
        let started = as_part_of(&task, || start(runtime, task.clone(), Arc::default()));
        work_in_place(task, started, slot)
    };
    let final_event = InPlaceTask::<_, S, _, FinalEvent>::new(make, source, configured, spawn_site).await;
    (final_event, ended(end))
}

/// The work of a pipeline in place. Boxed, so that the task around it has one type of work, and is not
/// compiled for each pipeline.
fn work_in_place(
    task: TaskRef,
    started: Result<Work, AsyncTaskError>,
    slot: &mut Option<Ended>,
) -> Pin<Box<dyn Future<Output = Result<FinalEvent, AsyncTaskError>> + Send + '_>> {
    Box::pin(async move {
        let Outcome { final_event, summary, end } = started?.await;
        *slot = Some(Ended { summary, end });
        as_requested(&task, final_event)
    })
}

/// The function that makes the result of a task of its pipeline's end.
pub(crate) type Finish<D, U> = Box<dyn FnOnce(End<D>) -> Result<U, AsyncTaskError> + Send>;

/// Starts a pipeline now, as a task of its own. `finish` makes the task's result of the pipeline's end. Without
/// types of the pipeline, so that the task around it is compiled once for each type of result.
#[track_caller]
pub(crate) fn spawn<S, D, U>(
    source: S,
    configured: Configured,
    start: Start<S::Runtime>,
    finish: Finish<D, U>,
) -> EmittingTask<U, S::Runtime>
where
    S: RuntimeSource,
    D: Send + 'static,
    U: Send + 'static,
{
    let counters = Arc::<Counters>::default();
    let registered = match source.into_runtime() {
        Ok(runtime) => Registered::new(runtime, SpawnSite::here().request(Some(&configured))),
        Err(error) => return EmittingTask::new(Task::refused(error, &configured), counters),
    };
    let (runtime, task) = (registered.task.runtime.clone(), registered.inside.clone());
    let counts = counters.clone();
    let work = move || async move {
        let end = match start(&runtime, task.clone(), counts) {
            Ok(work) => {
                let Outcome { final_event, summary, end } = work.await;
                (final_event, ended(Some(Ended { summary, end })))
            }
            Err(error) => (Err(error), None),
        };
        as_requested(&task, finish(end))
    };
    let task = registered.launch(InPlace::<_, _, U, Fallible<AsyncTaskError>>::new(work));
    EmittingTask::new(task, counters)
}

/// A pipeline that ends with the cancellation that was requested has stopped as requested, and has not
/// failed.
fn as_requested<U>(task: &TaskRef, result: Result<U, AsyncTaskError>) -> Result<U, AsyncTaskError> {
    let error = match result {
        Err(AsyncTaskError::Cancelled { level, cause, .. })
            if task.control.asked() == Some((level, cause)) =>
        {
            task.control.stop_as_asked()
        }
        Err(error) if error.is_shutdown() && task.control.asked().is_some() => task.control.stop_as_asked(),
        result => return result,
    };
    Err(error)
}
