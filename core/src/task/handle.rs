//! The handle of a spawned task.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use event_listener::EventListener;

use super::control::{Shared, TaskRef, share};
use super::parcel::Parcel;
use super::supervise::Supervised;
use super::{TaskId, TaskStatus};
use crate::cancel::{CancelCause, CancelLevel, CancellationResult};
use crate::error::{AsyncTaskError, SpawnError};
use crate::runtime::{DynRuntime, Join, LocalScope, Runtime, adopt};

type JoinOf<T, R> = <R as Runtime>::Join<Parcel<T>>;

/// A task that was spawned, and its result to come.
///
/// Awaiting it gives the result once the work, everything that it spawned and their destructors are done. Await
/// `&mut task` to keep the handle, for instance in a `select`.
///
/// [`AsyncTaskError::Shutdown`] is the exception: an executor that goes away drops the task without waiting for what the
/// task had started elsewhere.
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
    parent: Option<TaskRef>,
    outcome: Outcome<T, R>,
}

enum Outcome<T: Send + 'static, R: Runtime> {
    Coming(JoinOf<T, R>),
    Refused(Box<Refused>),
    Taken,
}

/// A task that could not be started. Boxed: handles are many, and these are few.
struct Refused {
    id: TaskId,
    error: Option<AsyncTaskError>,
}

impl Refused {
    fn new(id: TaskId, error: AsyncTaskError) -> Box<Self> {
        Box::new(Self { id, error: Some(error) })
    }
}

// Join handles are `Unpin` by contract, and nothing else is pinned.
impl<T: Send + 'static, R: Runtime> Unpin for Task<T, R> {}

/// Starts `body` as a task of `runtime`, a child of the task that is being polled here.
///
/// `body` has dropped all of its work by the time it is ready.
pub(crate) fn spawn<B, T, R>(runtime: R, name: Option<Arc<str>>, body: B) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
    T: Send + 'static,
    R: Runtime,
{
    start(runtime, name, body, |runtime, supervised| runtime.spawn(supervised))
}

/// As [`spawn`], on the thread of the local scope that is being polled here.
pub(crate) fn spawn_local<B, T>(
    scope: &Rc<LocalScope>,
    name: Option<Arc<str>>,
    body: B,
) -> Task<T, DynRuntime>
where
    B: Future<Output = Result<T, AsyncTaskError>> + 'static,
    T: Send + 'static,
{
    start(scope.runtime.clone(), name, body, |_, supervised| Ok(scope.spawn(supervised)))
}

fn start<B, T, R>(
    runtime: R,
    name: Option<Arc<str>>,
    body: B,
    spawn: impl FnOnce(&R, Supervised<B, T>) -> Result<JoinOf<T, R>, SpawnError>,
) -> Task<T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    T: Send + 'static,
    R: Runtime,
{
    let task = share(runtime, name);
    let inside: TaskRef = task.clone();
    let parent = adopt(&inside);
    let root = task.runtime.root();
    root.task_begun(&inside);
    let admitted = root.admits(inside.is_child_here(parent.as_ref()));
    let supervised = Supervised::new(body, inside, parent.clone());
    let spawned = if admitted {
        spawn(&task.runtime, supervised)
    } else {
        // Dropped unfinished, it does its own bookkeeping, as when the executor refuses it.
        drop(supervised);
        Err(SpawnError::Shutdown)
    };
    let outcome = match spawned {
        Ok(join) => Outcome::Coming(join),
        Err(error) => Outcome::Refused(Refused::new(task.control.id, error.into())),
    };
    Task { task: Some(task), parent, outcome }
}

impl<T: Send + 'static, R: Runtime> Task<T, R> {
    /// A task for which no runtime was found: it has failed with `error`.
    pub(crate) fn refused(error: AsyncTaskError) -> Self {
        Self { task: None, parent: None, outcome: Outcome::Refused(Refused::new(TaskId::next(), error)) }
    }

    /// The task's id.
    pub fn id(&self) -> TaskId {
        match (&self.task, &self.outcome) {
            (Some(task), _) => task.control.id,
            (None, Outcome::Refused(refused)) => refused.id,
            // Without a task it was refused, and stays so.
            (None, _) => TaskId::from_u64(0),
        }
    }

    /// The task's name, if it was given one.
    pub fn name(&self) -> Option<Arc<str>> {
        self.task.as_ref()?.control.name()
    }

    /// Where the task is in its life. A terminal status means that nothing of it is left.
    pub fn status(&self) -> TaskStatus {
        self.task.as_ref().map_or(TaskStatus::Failed, |task| task.control.status())
    }

    /// Asks the task to stop, at once; await the returned future to know that it has, and what became of the work.
    /// Dropping that future takes nothing back.
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        self.canceller().cancel(level)
    }

    /// A handle that can only ask the task to stop: clonable, and free to outlive this one.
    pub fn canceller(&self) -> Canceller {
        Canceller { task: self.task.clone().map(|task| task as TaskRef) }
    }

    /// Lets the task run on without a handle: its result is dropped, and the task that spawned it does not wait for
    /// it. It still belongs to its runtime's root scope: [`Runtime::active_task_count`] counts it, and
    /// [`Runtime::shutdown`] waits for it.
    pub fn detach(mut self) {
        if let Outcome::Coming(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) {
            if let Some(task) = &self.task
                && task.control.detach()
                && let Some(parent) = &self.parent
            {
                parent.control.child_ended();
                let orphan: TaskRef = task.clone();
                task.runtime.root().list_orphan(&orphan);
            }
            join.detach();
        }
    }
}

const TAKEN: AsyncTaskError = AsyncTaskError::InvalidState("the result of this task was taken before");

impl<T: Send + 'static, R: Runtime> Future for Task<T, R> {
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.outcome {
            Outcome::Coming(join) => match std::task::ready!(Pin::new(join).poll(cx)) {
                Some(parcel) => parcel.open(),
                None => {
                    Err(self.task.as_ref().map_or(AsyncTaskError::Shutdown, |task| task.control.cancelled()))
                }
            },
            Outcome::Refused(refused) => return Poll::Ready(Err(refused.error.take().unwrap_or(TAKEN))),
            Outcome::Taken => Err(TAKEN),
        };
        self.outcome = Outcome::Taken;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static, R: Runtime> Drop for Task<T, R> {
    fn drop(&mut self) {
        let Outcome::Coming(join) = std::mem::replace(&mut self.outcome, Outcome::Taken) else { return };
        let Some(control) = self.task.as_ref().map(|task| &task.control) else { return };
        if control.status() == TaskStatus::Pending {
            tracing::warn!(
                task.id = control.id.as_u64(),
                task.name = control.name().as_deref(),
                "task handle dropped before the task's first poll, which cancels it; await the handle, keep it, or \
                 call detach()"
            );
        }
        control.abandon();
        control.kill(CancelCause::HandleDropped);
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

/// Asks one task to stop. Clonable; holding it keeps nothing running.
#[derive(Clone)]
pub struct Canceller {
    task: Option<TaskRef>,
}

impl Canceller {
    /// As [`Task::cancel`].
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        match (level, &self.task) {
            (CancelLevel::Kill, Some(task)) => task.control.kill(CancelCause::Requested),
            (CancelLevel::Kill, None) => {}
        }
        Cancellation { task: self.task.clone(), listener: None }
    }

    /// As [`Task::status`].
    pub fn status(&self) -> TaskStatus {
        status(self.task.as_ref())
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.task.as_ref().map(|task| task.control.id);
        f.debug_struct("Canceller").field("id", &id).field("status", &self.status()).finish()
    }
}

/// A task that could not be started has failed.
fn status(task: Option<&TaskRef>) -> TaskStatus {
    task.map_or(TaskStatus::Failed, |task| task.control.status())
}

/// The end of a task that was asked to stop: ready once nothing of it is left.
///
/// # Cancel safety
///
/// It can be dropped at any time; the request stands.
pub struct Cancellation {
    task: Option<TaskRef>,
    listener: Option<EventListener>,
}

impl Future for Cancellation {
    type Output = CancellationResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancellationResult> {
        let this = &mut *self;
        let Some(task) = &this.task else {
            return Poll::Ready(CancellationResult { status: TaskStatus::Failed, cause: None });
        };
        if this.listener.is_none() {
            this.listener = task.control.wait();
        }
        if let Some(listener) = &mut this.listener {
            std::task::ready!(Pin::new(listener).poll(cx));
        }
        Poll::Ready(task.control.cancellation_result())
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("status", &status(self.task.as_ref())).finish_non_exhaustive()
    }
}
