//! The state of one node of a batch, and what the node holds. The transitions are in `batch`, where they are
//! drawn.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::Cause;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{Batch, NodeRef};
use crate::execution::cancel_request::CancelRequest;
use crate::status::NodeStatus;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Values;
use sweet_async_core::extend::{TaskRef, caught};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskStatus;

/// Not started: dependencies have not ended, or the batch has not begun. The initial state.
pub(crate) const WAITING: u8 = 0;
/// Its task was made, and has not begun: it waits for a permit, or for its first poll.
pub(crate) const STARTED: u8 = 1;
/// Its work has begun.
pub(crate) const RUNNING: u8 = 2;
/// Ended with a value. This state and those that follow are final.
pub(crate) const COMPLETED: u8 = 3;
/// Ended with an error that is no cancellation.
pub(crate) const FAILED: u8 = 4;
/// Ended by a cancellation, before or after it began.
pub(crate) const CANCELLED: u8 = 5;
/// Ended since a dependency did not succeed. It was neither started nor cancelled.
pub(crate) const SKIPPED: u8 = 6;

/// A function that starts the task of a node. It returns `None` where there is no task.
pub(crate) type Work<R> = Box<dyn FnOnce(NodeRef<R>) -> Option<TaskRef> + Send>;

/// A time that is not set: the node has not begun, or not ended.
const UNSET: u64 = u64::MAX;

/// The contents of a node besides its state.
pub(crate) enum Contents<R: Runtime> {
    /// It was not started. This is its work.
    Work(Work<R>),
    /// Its task is being made. This is the cancellation that was requested meanwhile, for the time after
    /// that.
    Starting(Option<Box<CancelRequest>>),
    /// Its task was made, and has not ended.
    Task(TaskRef),
    /// It has ended, with this error if it has one.
    Ended(Option<Arc<AsyncTaskError>>),
}

/// One node of a batch.
pub(crate) struct NodeState<R: Runtime> {
    pub(crate) name: Arc<str>,
    pub(crate) state: AtomicU8,
    /// The number of dependencies that are not met, and one more until the batch begins. A dependency that
    /// has not ended as the edge demands stays counted.
    pub(crate) unmet: AtomicU32,
    /// The index of its first link. Its links end where those of the next node begin.
    pub(crate) first_link: u32,
    /// When it began, in nanoseconds from the epoch of the orchestrator; `UNSET` if it has not.
    pub(crate) began: AtomicU64,
    /// When it ended, likewise.
    pub(crate) ended: AtomicU64,
    /// A lock, since contents are moved in and out by the thread that the state entitles to it. Only a
    /// request for cancellation and a query of the status or the error wait for it.
    contents: Mutex<Contents<R>>,
    /// The cause of a skip. It is set before the state.
    cause: OnceLock<Cause>,
    /// Nodes of later batches that wait for this one. A lock, allocated only where there are such nodes:
    /// taken once for each, and once at the end.
    pub(crate) later_dependents: OnceLock<Box<Mutex<Vec<LaterDependent<R>>>>>,
    pub(crate) values: Option<Arc<Values>>,
}

/// A node of a later batch that waits for a node of an earlier one.
pub(crate) struct LaterDependent<R: Runtime> {
    pub(crate) batch: Arc<Batch<R>>,
    pub(crate) link: Link,
}

/// A dependent of a node, and the condition of the dependency.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) to: u32,
    pub(crate) policy: EdgePolicy,
}

impl<R: Runtime> NodeState<R> {
    /// A node that waits for `unmet` others, and whose links begin at `first_link`.
    pub(crate) fn new(
        name: Arc<str>,
        work: Work<R>,
        values: Option<Arc<Values>>,
        unmet: usize,
        first_link: u32,
    ) -> Self {
        Self {
            name,
            state: AtomicU8::new(WAITING),
            // And one for the beginning of its batch.
            unmet: AtomicU32::new(u32::try_from(unmet).unwrap_or(u32::MAX - 1) + 1),
            first_link,
            began: AtomicU64::new(UNSET),
            ended: AtomicU64::new(UNSET),
            contents: Mutex::new(Contents::Work(work)),
            cause: OnceLock::new(),
            later_dependents: OnceLock::new(),
            values,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Contents<R>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves the state from `WAITING` to `state`. False if another thread has moved it before.
    pub(crate) fn leave_waiting(&self, state: u8) -> bool {
        self.state.compare_exchange(WAITING, state, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// As [`leave_waiting`](Self::leave_waiting), to a final state, with an error if there is one. The work
    /// is dropped here, since its destructors are the user's.
    pub(crate) fn end_early(&self, state: u8, error: Option<AsyncTaskError>) -> bool {
        if self.state.load(Ordering::SeqCst) != WAITING {
            return false;
        }
        // Both under the lock: a thread that finds the final state also finds the error.
        let mut contents = self.lock();
        if !self.leave_waiting(state) {
            return false;
        }
        let work = std::mem::replace(&mut *contents, Contents::Ended(error.map(Arc::new)));
        drop(contents);
        let _ = caught(|| drop(work));
        true
    }

    /// Skips the node. The cause is set first, so that a thread that sees the skip finds it.
    pub(crate) fn skip(&self, cause: Cause) -> bool {
        let _ = self.cause.set(cause);
        self.end_early(SKIPPED, None)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.load(Ordering::SeqCst) >= COMPLETED
    }

    /// The cause for which a dependent by `policy` is not to begin, now that this node has ended.
    pub(crate) fn blocks(&self, policy: EdgePolicy) -> Option<Cause> {
        if policy == EdgePolicy::AnyEnd {
            return None;
        }
        match self.state.load(Ordering::SeqCst) {
            COMPLETED => None,
            SKIPPED => self.cause.get().cloned().or_else(|| Some(self.as_cause(false))),
            state => Some(self.as_cause(state == CANCELLED)),
        }
    }

    fn as_cause(&self, cancelled: bool) -> Cause {
        Cause { task: self.name.clone(), cancelled }
    }

    pub(crate) fn status(&self) -> NodeStatus {
        match self.state.load(Ordering::SeqCst) {
            COMPLETED => NodeStatus::Completed,
            FAILED => NodeStatus::Failed,
            CANCELLED => NodeStatus::Cancelled,
            SKIPPED => {
                let cause = self.cause.get().cloned();
                NodeStatus::Skipped { cause: cause.unwrap_or_else(|| self.as_cause(false)) }
            }
            RUNNING => match self.task().map(|task| task.control.status()) {
                Some(TaskStatus::PendingCancellation) => NodeStatus::PendingCancellation,
                _ => NodeStatus::Running,
            },
            _ => NodeStatus::Pending,
        }
    }

    /// Its task, while it has one.
    pub(crate) fn task(&self) -> Option<TaskRef> {
        match &*self.lock() {
            Contents::Task(task) => Some(task.clone()),
            _ => None,
        }
    }

    pub(crate) fn error(&self) -> Option<Arc<AsyncTaskError>> {
        match &*self.lock() {
            Contents::Ended(error) => error.clone(),
            _ => None,
        }
    }

    /// The times at which it began and ended, from the epoch of the orchestrator.
    pub(crate) fn times(&self) -> (Option<Duration>, Option<Duration>) {
        let time = |nanos: &AtomicU64| {
            Some(nanos.load(Ordering::Relaxed)).filter(|nanos| *nanos != UNSET).map(Duration::from_nanos)
        };
        (time(&self.began), time(&self.ended))
    }

    /// The time that it took, if it was run to its end.
    pub(crate) fn took(&self) -> Option<Duration> {
        let (began, ended) = self.times();
        Some(ended?.saturating_sub(began?))
    }
}
