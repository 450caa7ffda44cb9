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
use crate::task::lifecycle::supervise::Supervised;
use crate::task::settings::configured::Configured;
use crate::task::view::canceller::{Cancellation, Canceller};
use crate::tree::children::{cancel, release};
use crate::tree::current::note;
use crate::tree::node::{Shared, TaskRef};
use crate::tree::priority::{is_used, lend};
use crate::tree::state::State;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::status::TaskStatus;

type JoinOf<T, R> = <R as Runtime>::Join<GuardedResult<T>>;

/// A task that was spawned, and its result to come.
///
/// Awaiting it gives the result once the work, everything that it spawned and their destructors are done. Await
/// `&mut task` to keep the handle, for instance in a `select`.
///
/// # Drop
///
/// Dropping the handle asks the task to stop ([`CancelLevel::Kill`], cause [`CancelCause::HandleDropped`]) and
/// returns at once; a drop before the work's first poll is reported through `tracing`, since it is mostly a handle
/// that was forgotten. [`detach`](Self::detach) lets it run on.
///
/// # Cancel safety
///
/// An await of `&mut task` can be dropped and begun again; nothing is lost.
#[must_use = "dropping the handle cancels the task: await it, keep it, or call `detach`"]
pub struct Task<T: Send + 'static, R: Runtime> {
    /// `None` where no runtime was found for it.
    task: Option<Arc<Shared<R>>>,
    /// Where it was spawned.
    place: &'static Location<'static>,
    outcome: Outcome<T, R>,
}

enum Outcome<T: Send + 'static, R: Runtime> {
    Coming(JoinOf<T, R>),
    /// Its executor has dropped it; what it had started elsewhere may still be there.
    Leaving(Option<EventListener>),
    Refused(Box<Refused>),
    Taken,
}

/// A task that could not be started. Boxed: handles are many, and these are few.
struct Refused {
    error: Option<AsyncTaskError>,
    /// The task, where there is no runtime that it could be of.
    without_runtime: Option<TaskRef>,
}

// Join handles are `Unpin` by contract, and nothing else is pinned.
impl<T: Send + 'static, R: Runtime> Unpin for Task<T, R> {}

/// Starts `body` as a task of `runtime`.
///
/// `body` has dropped all of its work by the time it is ready.
pub fn spawn<B, T, R>(runtime: R, birth: SpawnRequest<'_>, body: B) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
{
    spawn_with(runtime, birth, |_, _| body)
}

/// As [`spawn`], with a body that is made once the task is known.
pub fn spawn_with<B, T, R>(
    runtime: R,
    birth: SpawnRequest<'_>,
    body: impl FnOnce(&R, &Registered<R>) -> B,
) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
{
    start(
        runtime,
        birth,
        |runtime, born| erased(body(runtime, born)),
        |runtime, supervised| runtime.spawn(supervised),
    )
}

/// As [`spawn_with`]; `ended` is dropped once the task has ended and that is booked everywhere, before its handle gives the
/// result. It learns of the task when that is started.
pub fn spawn_reporting<B, T, R, E>(
    runtime: R,
    birth: SpawnRequest<'_>,
    body: impl FnOnce(&R, &Registered<R>) -> B,
    ended: E,
) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
    E: Reports,
{
    start(
        runtime,
        birth,
        |runtime, born| erased(body(runtime, born)),
        |runtime, supervised| runtime.spawn(Reporting::new(supervised, ended)),
    )
}

/// As [`spawn`], on the thread of the local scope that is being polled here.
pub(crate) fn spawn_local<B, T>(
    scope: &Rc<LocalScope>,
    birth: SpawnRequest<'_>,
    body: impl FnOnce(&Registered<DynRuntime>) -> B,
) -> Task<T, DynRuntime>
where
    B: Future<Output = Result<T, AsyncTaskError>> + 'static,
    T: Send + 'static,
{
    start(scope.runtime.clone(), birth, |_, born| body(born), |_, supervised| Ok(scope.spawn(supervised)))
}

fn start<B, T, R>(
    runtime: R,
    birth: SpawnRequest<'_>,
    body: impl FnOnce(&R, &Registered<R>) -> B,
    spawn: impl FnOnce(&R, Supervised<B, T, R>) -> Result<JoinOf<T, R>, SpawnError>,
) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    T: Send + 'static,
    R: Runtime,
{
    let place = birth.place;
    let born = Registered::new(runtime, birth);
    let admitted = born.task.runtime.root().admits(born.inside.is_child_here(born.parent.as_ref()));
    let body = body(&born.task.runtime, &born);
    let Registered { task, inside, parent, is_taken } = born;
    let supervised = Supervised::new(body, inside, parent);
    // Dropped unfinished, it does its own bookkeeping, as when the executor refuses it.
    let spawned = match (is_taken, admitted) {
        (true, true) => spawn(&task.runtime, supervised).map_err(AsyncTaskError::from),
        (true, false) => Err(AsyncTaskError::Shutdown),
        (false, _) => Err(AsyncTaskError::InvalidState("the scope has ended, and takes no more tasks")),
    };
    let outcome = match spawned {
        Ok(join) => Outcome::Coming(join),
        Err(error) => Outcome::Refused(Box::new(Refused { error: Some(error), without_runtime: None })),
    };
    Task { task: Some(task), place, outcome }
}

impl<T: Send + 'static, R: Runtime> Task<T, R> {
    /// A task for which no runtime was found: it has failed with `error`, which names it, and is in all else as its builder was
    /// told.
    #[track_caller]
    pub fn refused(error: AsyncTaskError, settings: &Configured) -> Self {
        let place = Location::caller();
        let task = without_runtime(place, settings);
        let error = error.not_started(task.control.name().as_ref());
        let refused = Refused { error: Some(error), without_runtime: Some(task) };
        Self { task: None, place, outcome: Outcome::Refused(Box::new(refused)) }
    }

    pub(crate) fn shared(&self) -> Option<&Arc<Shared<R>>> {
        self.task.as_ref()
    }

    /// The task; none for one that was refused.
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

    /// The task's name, if it was given one.
    pub fn name(&self) -> Option<Arc<str>> {
        match &self.task {
            Some(task) => task.control.name(),
            None => self.task_ref()?.control.name(),
        }
    }

    /// Where the task is in its life. A terminal status means that nothing of it is left.
    pub fn status(&self) -> TaskStatus {
        self.task.as_ref().map_or(TaskStatus::Failed, |task| task.control.status())
    }

    /// True once nothing of the task is left: an await of the handle does not wait.
    pub fn is_finished(&self) -> bool {
        self.status().is_terminal()
    }

    /// Asks the task to stop, at once; await the returned future to know that it has, and what became of the work.
    /// Dropping that future takes nothing back.
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        self.canceller().cancel(level)
    }

    /// Asks the task to stop for `cause`; false where there is nothing to wait for.
    pub(crate) fn stop(&self, cause: CancelCause) -> bool {
        self.task_ref().is_some_and(|task| cancel(&task, CancelLevel::Kill, cause))
    }

    /// A handle that can only ask the task to stop: clonable, and free to outlive this one.
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.task_ref())
    }

    /// Lets the task run on without a handle: its result is dropped, and the task that spawned it does not wait for
    /// it. It still belongs to its runtime's root scope: [`Runtime::active_task_count`] counts it, and
    /// [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown) waits for it.
    pub fn detach(mut self) {
        if let Outcome::Coming(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) {
            if let Some(task) = &self.task {
                let orphan: TaskRef = task.clone();
                // Looked up first: a detached task has no parent any more.
                let parent = orphan.parent();
                if task.control.detach() && orphan.parent.is_some() {
                    parent.as_ref().inspect(|parent| release(parent));
                    task.runtime.root().list_orphan(&orphan);
                }
            }
            join.detach();
        }
    }

    /// Who polls this waits for the task.
    fn lend(&self) {
        if is_used()
            && let Some(task) = self.task_ref()
        {
            lend(&task);
        }
    }

    /// Leaves the task to the scope that it is a member of.
    pub(crate) fn leave_to_scope(mut self) {
        if let Outcome::Coming(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) {
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
        if let Outcome::Coming(join) = &mut this.outcome {
            match Pin::new(join).poll(cx) {
                Poll::Pending => {
                    note(this.place);
                    this.lend();
                    return Poll::Pending;
                }
                Poll::Ready(Some(parcel)) => {
                    this.outcome = Outcome::Taken;
                    return Poll::Ready(parcel.open());
                }
                Poll::Ready(None) => this.outcome = Outcome::Leaving(None),
            }
        }
        let result = match &mut this.outcome {
            Outcome::Leaving(listener) => {
                let Some(task) = &this.task else { return Poll::Ready(Err(AsyncTaskError::Shutdown)) };
                std::task::ready!(task.control.poll_change(listener, State::is_gone, cx));
                Err(task.control.cancelled())
            }
            Outcome::Refused(refused) => return Poll::Ready(Err(refused.error.take().unwrap_or(TAKEN))),
            Outcome::Taken | Outcome::Coming(_) => Err(TAKEN),
        };
        this.outcome = Outcome::Taken;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static, R: Runtime> Drop for Task<T, R> {
    fn drop(&mut self) {
        let Outcome::Coming(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) else { return };
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
        self.stop(CancelCause::HandleDropped);
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
