//! Work that is repeated by a schedule: the builder, and the start of the whole and of each run.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::error::{AsyncTaskError, BoxError};
use crate::panic::caught;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::{Policies, register};
use crate::task::builder::recurring::Recurring;
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::group::runs::{BeginRun, OnFailure, Repeated, repeat};
use crate::task::handle::run::Run;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::task::lifecycle::in_place::InPlaceTask;
use crate::task::lifecycle::spawn::{Kind, SpawnSite};
use crate::task::settings::configured::Configured;
use crate::task::view::context::TaskContext;
use crate::task::work::kinds::{Again, Async, Fallible, IntoAsyncResult, Work};
use crate::time::Schedule;

/// Describes work that is repeated by a schedule. See [`TaskBuilder::repeat`].
#[must_use = "a builder does nothing until `run` or `spawn`"]
pub struct Repeat<T, S, P, W> {
    builder: TaskBuilder<T, S, P, W>,
    schedule: Schedule,
    on_failure: OnFailure,
}

// By hand: a value need not be clonable, nor have a text.
impl<T, S: Clone, P: Clone, W> Clone for Repeat<T, S, P, W> {
    fn clone(&self) -> Self {
        let Self { builder, schedule, on_failure } = self;
        Self { builder: builder.clone(), schedule: schedule.clone(), on_failure: *on_failure }
    }
}

impl<T, S: fmt::Debug, P: fmt::Debug, W> fmt::Debug for Repeat<T, S, P, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { builder, schedule, on_failure } = self;
        f.debug_struct("Repeat")
            .field("builder", builder)
            .field("schedule", schedule)
            .field("on_failure", on_failure)
            .finish()
    }
}

impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Repeats the work at the times of `schedule`; the work must be callable again. Each run is a task of
    /// its own, with an id and a status, below the task whose handle [`Repeat::spawn`] returns:
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime, Schedule, TaskBuilder};
    /// # async fn fetch(url: &str) -> Result<(), std::io::Error> { let _ = url; Ok(()) }
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let url = String::from("http://example");
    /// let builder = TaskBuilder::<(), _>::new(runtime.clone()).name("fetch").timeout(5.seconds()).retry(2);
    /// let task = builder.repeat(Schedule::every(1.minutes()).take(3)).spawn(move || {
    ///     let url = url.clone();
    ///     async move { fetch(&url).await }
    /// });
    /// let report = task.await?;
    /// assert_eq!((report.runs, report.failures), (3, 0));
    /// # Ok(()) }
    /// ```
    ///
    /// The earlier settings of the builder are those of each run: time limits, retries, breaker, limiter,
    /// recovery, values. The name, the priority, the grace period, and the records (timestamps, metrics, a
    /// span, a UUID) are those of each run and of the whole, too. The whole ends with its schedule
    /// ([`Schedule::take`], [`Schedule::until`]), with the deadline of a task around it, or by a
    /// cancellation.
    pub fn repeat(self, schedule: Schedule) -> Repeat<T, S, P, W> {
        Repeat { builder: self, schedule, on_failure: OnFailure::default() }
    }
}

impl<T, S, P, W> Repeat<T, S, P, W> {
    /// Sets what becomes of the whole when a run fails; by default, the schedule goes on.
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }
}

impl<T: Send + 'static, S: RuntimeSource, P: Policies<T>, W> Repeat<T, S, P, W> {
    /// Starts now, on the runtime, as a task of its own. Its value, once the schedule is over, is the report
    /// of the runs. The value of a run is dropped: work that gives something sends it somewhere.
    ///
    /// A graceful cancellation ends the wait for the next run at once, and is passed on to the runs that are
    /// under way. Once these have ended, the report is the value of the task: its counts are not lost. A kill
    /// stops them, too.
    ///
    /// # Errors
    ///
    /// The handle gives [`AsyncTaskError::InvalidConfig`] at once, and not first when a run is due, for a
    /// schedule or a policy that cannot work. With [`OnFailure::Stop`], it gives the error of a run that
    /// fails; without, only an error that no further run can mend: that of an invalid setting, or of a
    /// runtime that has shut down.
    ///
    /// Cost: a run costs what the spawn of its work does, and two small allocations.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<Repeated, S::Runtime>
    where
        P: Recurring<T, M>,
        F: Fn() -> O + Send + Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<Again<F, ()>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let work = Arc::new(work);
        self.start::<M, _, _>(move |runtime: &S::Runtime, _: TaskContext| {
            M::body(Again { work: work.clone(), input: () }, runtime)
        })
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_spawn<F, O>(self, work: F) -> Task<Repeated, S::Runtime>
    where
        P: Recurring<T, Async<Fallible<BoxError>>>,
        F: Fn() -> O + Send + Sync + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.spawn::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`spawn`](Self::spawn), with work that is given the context of its run; with
    /// [`retry`](TaskBuilder::retry), that of its attempt.
    #[track_caller]
    pub fn spawn_with<F, O, M>(self, work: F) -> Task<Repeated, S::Runtime>
    where
        P: Recurring<T, M>,
        F: Fn(TaskContext) -> O + Send + Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<Again<F, TaskContext>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let work = Arc::new(work);
        self.start::<M, _, _>(move |runtime: &S::Runtime, context: TaskContext| {
            M::body(Again { work: work.clone(), input: context }, runtime)
        })
    }

    /// As [`spawn`](Self::spawn), as part of the caller, when awaited. The runs are on the executor all the
    /// same, as tasks of their own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the runs that are under way; the task around it, if there is one, does not
    /// end before they have.
    #[track_caller]
    pub fn run<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<Repeated, AsyncTaskError>>>
    where
        P: Recurring<T, M>,
        F: Fn() -> O + Send + Sync + 'static,
        O: IntoAsyncResult<T, M>,
        M: Work<Again<F, ()>, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        let (work, location) = (Arc::new(work), Location::caller());
        let begin = move |runtime: &S::Runtime, _: TaskContext| {
            M::body(Again { work: work.clone(), input: () }, runtime)
        };
        let Self { builder, schedule, on_failure } = self;
        let (source, policies) = builder.into_parts();
        let whole = settings_of_whole(policies.settings());
        let make = move |_: &S, runtime: &S::Runtime, _: TaskContext| {
            let begin_run = policies
                .check()
                .map(|()| begin_run::<T, M, _, _, _, _>(policies, runtime.clone(), location, begin));
            repeat(runtime.clone(), schedule, on_failure, begin_run, location)
        };
        Run::new(InPlaceTask::new(make, source, whole, location))
    }

    #[track_caller]
    fn start<M, B, K>(self, begin: K) -> Task<Repeated, S::Runtime>
    where
        P: Recurring<T, M>,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        K: Fn(&S::Runtime, TaskContext) -> B + Clone + Send + 'static,
    {
        let at = SpawnSite::here();
        let location = at.location;
        let Self { builder, schedule, on_failure } = self;
        let (source, policies) = builder.into_parts();
        let whole = settings_of_whole(policies.settings());
        match register::<Repeated, Configured, S>(source, &whole, at) {
            Ok(registered) => {
                let runtime = registered.task.runtime.clone();
                let checked = policies.check();
                let begin_run = checked
                    .map(|()| begin_run::<T, M, _, _, _, _>(policies, runtime.clone(), location, begin));
                registered.launch_boxed(repeat(runtime, schedule, on_failure, begin_run, location))
            }
            Err(error) => Task::refused(error, &whole),
        }
    }
}

/// The settings of the task whose children the runs are, from those of the builder.
fn settings_of_whole(settings: Option<&Configured>) -> Configured {
    let settings = settings.cloned().unwrap_or_default();
    Configured { limit: None, attempt: None, values: None, ..settings }
}

/// The beginning of each run: a task with the policies of the builder, below the task that is polled.
fn begin_run<T, M, P, R, B, K>(
    policies: P,
    runtime: R,
    location: &'static Location<'static>,
    begin: K,
) -> BeginRun
where
    T: Send + 'static,
    P: Recurring<T, M>,
    R: Runtime,
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    K: Fn(&R, TaskContext) -> B + Clone + Send + 'static,
{
    Box::new(move |number| {
        let at = SpawnSite { kind: Kind::Spawned, location, permit: None };
        let task = Recurring::<T, M>::start_run(policies.clone(), runtime.clone(), at, begin.clone());
        // If it is dropped, with the whole, the run is killed as a child of that, and not as a task whose
        // handle was forgotten.
        let task = ScopedTask::new(task);
        Box::pin(async move {
            // The destructor of the value is the user's.
            let result = task.await.and_then(|value| caught(|| drop(value)));
            (number, result)
        })
    })
}
