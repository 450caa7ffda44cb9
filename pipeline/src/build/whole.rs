//! A complete pipeline as a task: spawned, or in place, as a part of its caller.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::outcome::final_event::FinalEvent;
use crate::outcome::progress::Counters;
use crate::policy::ErrorStrategy;
use crate::run::handle::coordinator::{Outcome, run};
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::shared::control::Settings;
use crate::run::work::handler::Handler;
use crate::source::Plan;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, InPlace, SpawnSite, TaskRef, as_part_of};
use sweet_async_core::extend::{InPlaceTask, Registered};
use sweet_async_core::internals::Fallible;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{Task, TaskContext};

/// The final event. If the pipeline has started: also its summary, and the handler's value.
pub(crate) type End<E> = (Result<FinalEvent, AsyncTaskError>, Option<(FinalEvent, E)>);

/// The settings of a pipeline, and the handler of its events. `plans` names the sources when the pipeline
/// starts.
pub(crate) struct Whole<T, S, P, H> {
    pub(crate) source: S,
    pub(crate) settings: Settings<T>,
    pub(crate) plans: P,
    pub(crate) handler: H,
}

impl<T, S, P, H> Whole<T, S, P, H>
where
    T: Send + 'static,
    S: RuntimeSource,
    P: FnOnce() -> Result<Vec<Plan<T>>, AsyncTaskError>,
    H: Handler<T>,
{
    /// Checks the settings, names the sources, and returns the pipeline's work.
    pub(crate) fn start(
        self,
        runtime: S::Runtime,
        task: TaskRef,
        counters: Arc<Counters>,
    ) -> Result<impl Future<Output = Outcome<H::End>> + Send, AsyncTaskError> {
        let Self { settings, plans, handler, .. } = self;
        settings.check()?;
        if settings.event_timeout.is_some_and(|limit| limit != Duration::MAX) && !handler.can_be_timed() {
            return Err(AsyncTaskError::config(
                "event_timeout needs an asynchronous receiver: synchronous code cannot be interrupted, and a fold and what is \
                 pulled have no receiver",
            ));
        }
        if !handler.is_final() && matches!(settings.strategy, ErrorStrategy::Retry(_)) {
            return Err(AsyncTaskError::config(
                "a pulled pipeline has no receiver to call again: give it one, or another ErrorStrategy than Retry",
            ));
        }
        let plans = plans()?;
        if !handler.is_final() && plans.iter().any(|plan| matches!(plan, Plan::Queue(_))) {
            return Err(AsyncTaskError::config(
                "a pulled pipeline reads no queue, since it does not know what becomes of its events: give it a receiver",
            ));
        }
        Ok(async move { run(&runtime, &task, &settings, counters, plans, handler).await })
    }

    /// Runs the pipeline as part of the caller: see [`in_place`].
    pub(crate) async fn in_place(self, spawn_site: &'static Location<'static>) -> End<H::End> {
        let (source, configured) = (self.source.clone(), self.settings.task.clone());
        in_place(
            source,
            configured,
            |runtime, task, counters| self.start(runtime, task, counters),
            spawn_site,
        )
        .await
    }

    /// Starts the pipeline now: see [`spawn`].
    #[track_caller]
    pub(crate) fn spawn<U, E>(self, finish: E) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        P: Send + 'static,
        E: FnOnce(End<H::End>) -> Result<U, AsyncTaskError> + Send + 'static,
    {
        let (source, configured) = (self.source.clone(), self.settings.task.clone());
        spawn(source, configured, |runtime, task, counters| self.start(runtime, task, counters), finish)
    }
}

/// Runs a pipeline as part of the caller. It is a task in place, so it has an id and all the settings of a
/// task.
pub(crate) async fn in_place<S, B, W, D>(
    source: S,
    configured: Configured,
    start: B,
    spawn_site: &'static Location<'static>,
) -> End<D>
where
    S: RuntimeSource,
    B: FnOnce(S::Runtime, TaskRef, Arc<Counters>) -> Result<W, AsyncTaskError>,
    W: Future<Output = Outcome<D>> + Send,
    D: Send,
{
    let mut end = None;
    let slot = &mut end;
    let make = move |_: &S, runtime: &S::Runtime, context: TaskContext| {
        let task = context.task_ref().clone();
        // The sender closure is part of the task as well.
        let started = as_part_of(&task, || start(runtime.clone(), task.clone(), Arc::default()));
        let work = async move {
            let Outcome { final_event, summary, end } = started?.await;
            *slot = Some((summary, end));
            as_requested(&task, final_event)
        };
        // Boxed: the code that makes a task of it is compiled once, and not for each pipeline.
        Box::pin(work) as Pin<Box<dyn Future<Output = _> + Send + '_>>
    };
    let final_event = InPlaceTask::<_, S, _, FinalEvent>::new(make, source, configured, spawn_site).await;
    (final_event, end)
}

/// Starts a pipeline now, as a task of its own, whose result `finish` makes of the pipeline's end.
#[track_caller]
pub(crate) fn spawn<S, B, W, D, U, E>(
    source: S,
    configured: Configured,
    start: B,
    finish: E,
) -> EmittingTask<U, S::Runtime>
where
    S: RuntimeSource,
    B: FnOnce(S::Runtime, TaskRef, Arc<Counters>) -> Result<W, AsyncTaskError> + Send + 'static,
    W: Future<Output = Outcome<D>> + Send + 'static,
    D: Send + 'static,
    U: Send + 'static,
    E: FnOnce(End<D>) -> Result<U, AsyncTaskError> + Send + 'static,
{
    let counters = Arc::<Counters>::default();
    let registered = match source.into_runtime() {
        Ok(runtime) => Registered::new(runtime, SpawnSite::here().request(Some(&configured))),
        Err(error) => return EmittingTask::new(Task::refused(error, &configured), counters),
    };
    let (runtime, task) = (registered.task.runtime.clone(), registered.inside.clone());
    let counts = counters.clone();
    let work = move || async move {
        let end = match start(runtime, task.clone(), counts) {
            Ok(work) => {
                let Outcome { final_event, summary, end } = work.await;
                (final_event, Some((summary, end)))
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
        Err(AsyncTaskError::Cancelled { level, cause }) if task.control.asked() == Some((level, cause)) => {
            task.control.stop_as_asked()
        }
        Err(error) if error.is_shutdown() && task.control.asked().is_some() => task.control.stop_as_asked(),
        result => return result,
    };
    Err(error)
}
