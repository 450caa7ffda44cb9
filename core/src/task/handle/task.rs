//! The handle of a spawned task.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_listener::EventListener;

use crate::error::{AsyncTaskError, SpawnError};
use crate::runtime::erased::DynRuntime;
use crate::runtime::{Join, LocalScope, Runtime};
use crate::task::lifecycle::guarded_result::GuardedResult;
use crate::task::lifecycle::on_complete::{Reporting, Reports, erased};
use crate::task::lifecycle::spawn::{Registered, SpawnRequest, without_runtime};
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::lifecycle::supervised::Supervised;
use crate::task::settings::configured::Configured;
use crate::task::view::canceller::{Cancellation, Canceller};
use crate::tree::children::{cancel, handle_dropped, release};
use crate::tree::current::note;
use crate::tree::node::{Shared, TaskRef};
use crate::tree::priority::{is_used, lend};
use crate::tree::state::State;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::status::TaskStatus;

type JoinOf<T, R> = <R as Runtime>::Join<GuardedResult<T>>;

/// A spawned task: a future of its result.
///
/// Awaiting it gives the result once the work, everything that it spawned and their destructors are done.
/// Await `&mut task` to keep the handle, for instance in a `select`.
///
/// # Drop
///
/// Dropping the handle cancels the task ([`CancelLevel::Kill`], cause [`CancelCause::HandleDropped`]) and
/// returns at once. A drop before the work's first poll is reported through `tracing`, since the handle was
/// most likely forgotten. [`detach`](Self::detach) lets the task run on.
///
/// # Cancel safety
///
/// An await of `&mut task` can be dropped and begun again; nothing is lost.
#[must_use = "dropping the handle cancels the task: await it, keep it, or call `detach`"]
pub struct Task<T: Send + 'static, R: Runtime> {
    /// `None` if no runtime was found for it.
    task: Option<Arc<Shared<R>>>,
    /// The source location of its spawn.
    location: &'static Location<'static>,
    outcome: Outcome<T, R>,
}

enum Outcome<T: Send + 'static, R: Runtime> {
    Running(JoinOf<T, R>),
    /// Its executor has dropped it; its descendants may not have ended yet.
    Dropped(Option<EventListener>),
    Refused(Box<Refused>),
    Taken,
}

/// A task that could not be started. Boxed: handles are many, and these are few.
struct Refused {
    error: Option<AsyncTaskError>,
    /// The record of the task, if there is no runtime for it.
    without_runtime: Option<TaskRef>,
}

// Join handles are `Unpin` by contract, and nothing else is pinned.
impl<T: Send + 'static, R: Runtime> Unpin for Task<T, R> {}

/// Starts `body` as a task of `runtime`.
///
/// `body` is dropped as soon as it is ready, within the task.
pub fn spawn<B, T, R>(runtime: R, request: SpawnRequest<'_>, body: B) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
{
    Registered::new(runtime, request).launch(body)
}

impl<R: Runtime> Registered<R> {
    /// Starts the task with `body`, on the executor.
    pub fn launch<B, T>(self, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
    {
        let (unstarted, life) = self.split();
        unstarted.start(Supervised::<_, T, R>::new(erased(body), life))
    }

    /// As [`launch`](Self::launch), with `body` in a box: the supervision of the task, and the executor's
    /// part, are then compiled once for each type of result and not for each body. For bodies with policies
    /// around the work, beside which a box costs little.
    pub fn launch_boxed<B, T>(self, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
    {
        let body: Pin<Box<dyn Future<Output = Result<T, AsyncTaskError>> + Send>> = Box::pin(body);
        let (unstarted, life) = self.split();
        unstarted.start(Supervised::<_, T, R>::new(body, life))
    }

    /// As [`launch`](Self::launch); `reports` is notified of the task before it is started, and is dropped
    /// once the end is recorded everywhere, before the handle gives the result.
    pub fn launch_reporting<B, T, E>(self, body: B, reports: E) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        E: Reports,
    {
        let (unstarted, life) = self.split();
        unstarted.start(Reporting::new(Supervised::<_, T, R>::new(erased(body), life), reports))
    }

    fn split(self) -> (Unstarted<R>, Lifecycle) {
        let Self { task, inside, parent, location, refusal } = self;
        (Unstarted { task, location, refusal }, Lifecycle::new(inside, parent))
    }
}

impl Registered<DynRuntime> {
    /// As [`launch`](Self::launch), on the thread of `scope`.
    pub(crate) fn launch_local<B, T>(self, scope: &Rc<LocalScope>, body: B) -> Task<T, DynRuntime>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + 'static,
        T: Send + 'static,
    {
        let (unstarted, life) = self.split();
        let supervised = Supervised::<B, T, DynRuntime>::new(body, life);
        let spawned = unstarted.refusal.is_none().then(|| Ok(scope.spawn(supervised)));
        unstarted.handle(spawned)
    }
}

/// A registered task without its body.
struct Unstarted<R: Runtime> {
    task: Arc<Shared<R>>,
    location: &'static Location<'static>,
    refusal: Option<AsyncTaskError>,
}

impl<R: Runtime> Unstarted<R> {
    /// Gives `future` to the executor. If it is refused, here or there, it is dropped unfinished, which ends
    /// the task.
    fn start<F, T>(self, future: F) -> Task<T, R>
    where
        F: Future<Output = GuardedResult<T>> + Send + 'static,
        T: Send + 'static,
    {
        let spawned = self.refusal.is_none().then(|| self.task.runtime.spawn(future));
        self.handle(spawned)
    }

    /// The handle of the task; `spawned` is `None` if the task was not given to the executor.
    fn handle<T: Send + 'static>(self, spawned: Option<Result<JoinOf<T, R>, SpawnError>>) -> Task<T, R> {
        let refused =
            |error| Outcome::Refused(Box::new(Refused { error: Some(error), without_runtime: None }));
        let outcome = match spawned {
            Some(Ok(join)) => Outcome::Running(join),
            Some(Err(error)) => refused(error.into()),
            None => refused(self.refusal.unwrap_or(AsyncTaskError::Shutdown)),
        };
        Task { task: Some(self.task), location: self.location, outcome }
    }
}

impl<T: Send + 'static, R: Runtime> Task<T, R> {
    /// A task for which no runtime was found. It has failed with `error`, which names it, and has the
    /// settings of its builder.
    #[doc(hidden)]
    #[track_caller]
    pub fn refused(error: AsyncTaskError, settings: &Configured) -> Self {
        Self::refused_at(Location::caller(), error, settings)
    }

    /// As [`refused`](Self::refused); `location` is that of the call of the builder.
    pub(crate) fn refused_at(
        location: &'static Location<'static>,
        error: AsyncTaskError,
        settings: &Configured,
    ) -> Self {
        let task = without_runtime(location, settings);
        let error = error.not_started(task.control.name().as_ref());
        let refused = Refused { error: Some(error), without_runtime: Some(task) };
        Self { task: None, location, outcome: Outcome::Refused(Box::new(refused)) }
    }

    /// The task, or the error with which it was refused.
    #[doc(hidden)]
    pub fn admitted(mut self) -> Result<Self, AsyncTaskError> {
        if let Outcome::Refused(refused) = &mut self.outcome {
            return Err(refused.error.take().unwrap_or(TAKEN));
        }
        Ok(self)
    }

    pub(crate) fn shared(&self) -> Option<&Arc<Shared<R>>> {
        self.task.as_ref()
    }

    /// The record of the task; `None` once the error of a task without a runtime was taken.
    #[doc(hidden)]
    pub fn task_ref(&self) -> Option<TaskRef> {
        match (&self.task, &self.outcome) {
            (Some(task), _) => Some(task.clone()),
            (None, Outcome::Refused(refused)) => refused.without_runtime.clone(),
            (None, _) => None,
        }
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        match &self.task {
            Some(task) => task.control.id(),
            // Without a runtime it was refused, and stays so.
            None => self.task_ref().map_or(TaskId::from_u64(0), |task| task.control.id()),
        }
    }

    /// The task's name, if it has one.
    pub fn name(&self) -> Option<Arc<str>> {
        match &self.task {
            Some(task) => task.control.name(),
            None => self.task_ref()?.control.name(),
        }
    }

    /// The task's status. A terminal status means that nothing of it is left.
    pub fn status(&self) -> TaskStatus {
        self.task.as_ref().map_or(TaskStatus::Failed, |task| task.control.status())
    }

    /// True once nothing of the task is left: an await of the handle does not wait.
    pub fn is_finished(&self) -> bool {
        self.status().is_terminal()
    }

    /// Requests cancellation, at once. The returned future is ready once the task has ended, and gives the
    /// outcome of its work. Dropping that future does not take the request back.
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        self.canceller().cancel(level)
    }

    /// As [`cancel`](Self::cancel), for a reason: a text of the caller's own. It is in the error of the task
    /// ([`AsyncTaskError::cancel_reason`], and the text), in its context
    /// ([`TaskContext::cancel_reason`](crate::TaskContext::cancel_reason)), in the result of its cancellation
    /// ([`CancellationResult::reason`](crate::CancellationResult::reason)), in snapshots and in traces. It is
    /// passed on with the cancellation, so that all tasks below have it, too.
    ///
    /// The reason is recorded with the cause: that of the first request stays. A later request that raises
    /// the level adds no reason, and of concurrent requests only the reason of the recorded one is ever seen.
    /// An empty reason is none.
    ///
    /// Cost: one allocation for the reason, and one or two for each task that it reaches.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, CancelLevel, Runtime, TaskBuilder};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let task = TaskBuilder::<(), _>::new(runtime.clone()).spawn(std::future::pending::<()>);
    /// let end = task.cancel_because(CancelLevel::Kill, "tenant removed").await;
    /// assert_eq!(end.reason(), Some("tenant removed"));
    /// if let Err(error) = task.await {
    ///     assert_eq!(error.to_string(), "cancelled (kill, requested): tenant removed");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn cancel_because(&self, level: CancelLevel, reason: impl Into<Arc<str>>) -> Cancellation {
        self.canceller().cancel_because(level, reason)
    }

    /// Kills the task for `cause`. False if it has ended, or was killed before.
    pub(crate) fn stop(&self, cause: CancelCause) -> bool {
        self.task_ref().is_some_and(|task| cancel(&task, CancelLevel::Kill, cause))
    }

    /// A handle that can only cancel the task. It can be cloned, and may outlive this one.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.task_ref())
    }

    /// Lets the task run on without a handle: its result is dropped, and the task that spawned it does not
    /// wait for it. It still belongs to its runtime's root scope: [`Runtime::active_task_count`] counts it,
    /// and [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown) waits for it.
    pub fn detach(mut self) {
        if let Outcome::Running(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) {
            if let Some(task) = &self.task {
                let orphan: TaskRef = task.clone();
                // Read first: a detached task has no parent any more.
                let parent = orphan.parent();
                if task.control.detach() && orphan.parent.is_some() {
                    parent.as_ref().inspect(|parent| release(parent));
                    task.runtime.root().list_orphan(&orphan);
                }
            }
            join.detach();
        }
    }

    /// Lends the task the urgency of the task that polls this handle, and so waits for it.
    fn lend(&self) {
        if is_used()
            && let Some(task) = self.task_ref()
        {
            lend(&task);
        }
    }

    /// Leaves the task to the scope that it is a member of.
    pub(crate) fn leave_to_scope(mut self) {
        if let Outcome::Running(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) {
            if let Some(task) = &self.task {
                task.control.abandon();
            }
            join.detach();
        }
    }
}

const TAKEN: AsyncTaskError = AsyncTaskError::InvalidState("the result of this task was taken before");

impl<T: Send + 'static, R: Runtime> Future for Task<T, R> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Outcome::Running(join) = &mut this.outcome {
            match Pin::new(join).poll(cx) {
                Poll::Pending => {
                    note(this.location);
                    this.lend();
                    return Poll::Pending;
                }
                Poll::Ready(Some(guarded)) => {
                    this.outcome = Outcome::Taken;
                    return Poll::Ready(guarded.open());
                }
                Poll::Ready(None) => this.outcome = Outcome::Dropped(None),
            }
        }
        let result = match &mut this.outcome {
            Outcome::Dropped(listener) => {
                let Some(task) = &this.task else { return Poll::Ready(Err(AsyncTaskError::Shutdown)) };
                std::task::ready!(task.control.poll_change(listener, State::is_reported, cx));
                Err(task.control.cancelled())
            }
            Outcome::Refused(refused) => return Poll::Ready(Err(refused.error.take().unwrap_or(TAKEN))),
            Outcome::Taken | Outcome::Running(_) => Err(TAKEN),
        };
        this.outcome = Outcome::Taken;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static, R: Runtime> Drop for Task<T, R> {
    fn drop(&mut self) {
        let Outcome::Running(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) else { return };
        let Some(control) = self.task.as_ref().map(|task| &task.control) else { return };
        if control.status() == TaskStatus::Pending {
            let id = control.id().field();
            tracing::warn!(
                task.id = id.value(),
                task.name = control.name().as_deref(),
                "task handle dropped before the task's first poll, which cancels it; await the handle, keep it, or \
                 call detach()"
            );
        }
        control.abandon();
        if let Some(task) = self.task_ref() {
            handle_dropped(&task);
        }
        join.detach();
    }
}

impl<T: Send + 'static, R: Runtime> fmt::Debug for Task<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
