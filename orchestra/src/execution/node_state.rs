//! The state of one node of a batch, and what the node holds: its work `W`, then its task; and the nodes `D`
//! of later batches that wait for it.
//!
//! ```text
//!  WAITING ── start ──► STARTED ── begin ──► RUNNING ── settle ──► COMPLETED | FAILED | CANCELLED
//!     │                    └─ settle: ended before it has a permit ────► FAILED | CANCELLED
//!     ├── restore: a durable run has kept its output ───────────► RESTORED
//!     ├── skip: a needed dependency has not succeeded ──────────► SKIPPED
//!     └── cancel_waiting: cancelled, or the session is stopping ► CANCELLED
//! ```
//!
//! 1. One exchange of the state decides which way a node leaves `WAITING`.
//! 2. From `STARTED` on, only the node's own task moves the state.
//! 3. A final state is never left.
//! 4. `unmet` comes to 0 once, and the caller of that step starts the node. A dependency that has not ended as
//!    the edge demands stays counted, so that such a node is skipped or cancelled, and never started.
//! 5. The contents are replaced before a thread can find the new state without them: on leaving `WAITING` both
//!    change under the lock, and at the end the contents first. So a thread that finds a final state finds the
//!    error, and one that finds `SKIPPED` finds the cause.
//! 6. A later dependent is added before the state is read, and the end moves the state before it takes the
//!    later dependents. Both are read-modify-writes, as is all that happens to the state between them: so the
//!    second of the two sees what the first did. The one that takes a dependent out of the list notifies it,
//!    so that it is notified once.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::Cause;
use crate::edge_policy::EdgePolicy;
use crate::execution::cancel_request::CancelRequest;
use crate::status::NodeStatus;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Values;
use sweet_async_core::extend::{TaskRef, caught};
use sweet_async_core::task::TaskStatus;

/// Not started: dependencies have not ended, or the batch has not begun. The initial state.
const WAITING: u8 = 0;
/// Its task was made, and has not begun: it waits for a permit, or for its first poll.
const STARTED: u8 = 1;
/// Its work has begun.
const RUNNING: u8 = 2;
/// Ended with a value. This state and those that follow are final.
const COMPLETED: u8 = 3;
/// Ended with an error that is no cancellation.
const FAILED: u8 = 4;
/// Ended by a cancellation, before or after it began.
const CANCELLED: u8 = 5;
/// Ended since a dependency did not succeed. It was neither started nor cancelled.
const SKIPPED: u8 = 6;
/// Completed in an earlier start of its run. It was not started.
const RESTORED: u8 = 7;

/// The way in which the task of a node has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskEnd {
    Completed,
    Failed,
    Cancelled,
}

/// A time that is not set: the node has not begun, or not ended.
const UNSET: u64 = u64::MAX;

/// The contents of a node besides its state.
enum Contents<W> {
    /// It was not started. This is its work.
    Work(W),
    /// Its task is being made. This is the cancellation that was requested meanwhile, for the time after
    /// that.
    Starting(Option<Box<CancelRequest>>),
    /// Its task was made, and has not ended.
    Task(TaskRef),
    /// It has ended, with this error if it has one.
    Ended(Option<Arc<AsyncTaskError>>),
}

/// One node of a batch.
pub(crate) struct NodeState<W, D> {
    pub(crate) name: Arc<str>,
    state: AtomicU8,
    /// The number of dependencies that are not met, and one more until the batch begins (4).
    unmet: AtomicU32,
    /// The index of its first link. Its links end where those of the next node begin.
    pub(crate) first_link: u32,
    /// When it began, in nanoseconds from the epoch of the orchestrator; `UNSET` if it has not.
    began: AtomicU64,
    /// When it ended, likewise.
    ended: AtomicU64,
    /// A lock, since contents are moved in and out by the thread that the state entitles to it. Only a
    /// request for cancellation and a query of the status or the error wait for it.
    contents: Mutex<Contents<W>>,
    /// The cause of a skip. It is set before the state (5).
    cause: OnceLock<Cause>,
    /// Nodes of later batches that wait for this one (6). A lock, allocated only where there are such nodes:
    /// taken once for each, and once at the end.
    later_dependents: OnceLock<Box<Mutex<Vec<D>>>>,
    pub(crate) values: Option<Arc<Values>>,
}

impl<W, D> NodeState<W, D> {
    /// A node that waits for `unmet` others, and whose links begin at `first_link`.
    pub(crate) fn new(
        name: Arc<str>,
        work: W,
        values: Option<Arc<Values>>,
        unmet: u32,
        first_link: u32,
    ) -> Self {
        Self {
            name,
            state: AtomicU8::new(WAITING),
            // And one for the beginning of its batch.
            unmet: AtomicU32::new(unmet + 1),
            first_link,
            began: AtomicU64::new(UNSET),
            ended: AtomicU64::new(UNSET),
            contents: Mutex::new(Contents::Work(work)),
            cause: OnceLock::new(),
            later_dependents: OnceLock::new(),
            values,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents<W>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a dependency as met, or the batch as begun. True if nothing is missing any more: the caller
    /// starts the node (4).
    pub(crate) fn meet_dependency(&self) -> bool {
        // AcqRel: pairs with the other decrements, so that the effects of all dependencies happen before the
        // start.
        self.unmet.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Moves the state from `WAITING` to `state`. False if another thread has moved it before (1).
    fn leave_waiting(&self, state: u8) -> bool {
        self.state.compare_exchange(WAITING, state, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Starts the node: the caller makes its task of the work, and calls [`task_made`](Self::task_made).
    /// `None` if it has left `WAITING` before.
    pub(crate) fn start(&self) -> Option<W> {
        // Under the lock (5): a thread that finds the node started also finds that its task is being made.
        let mut contents = self.lock();
        if !self.leave_waiting(STARTED) {
            return None;
        }
        match std::mem::replace(&mut *contents, Contents::Starting(None)) {
            Contents::Work(work) => Some(work),
            // Not reached: only a node that has left `WAITING` has other contents (5).
            other => {
                *contents = other;
                None
            }
        }
    }

    /// Keeps the task of a node that was started, unless it has ended. Returns the cancellation that was
    /// requested meanwhile.
    pub(crate) fn task_made(&self, task: &TaskRef) -> Option<Box<CancelRequest>> {
        let mut contents = self.lock();
        let Contents::Starting(requested) = &mut *contents else { return None };
        let requested = requested.take();
        *contents = Contents::Task(task.clone());
        requested
    }

    /// Takes a request for the cancellation of a node that was started. Returns the task that the caller is
    /// to cancel; `None` if it is still being made, or has ended.
    pub(crate) fn request_cancel(&self, request: &CancelRequest) -> Option<TaskRef> {
        match &mut *self.lock() {
            Contents::Starting(requested) => {
                // The level only rises, and the first cause stays with its reason.
                let first = requested.get_or_insert_with(|| Box::new(request.clone()));
                first.level = first.level.max(request.level);
                None
            }
            Contents::Task(task) => Some(task.clone()),
            Contents::Work(_) | Contents::Ended(_) => None,
        }
    }

    /// Records that the work begins, at this time. Called by the node's task (2).
    pub(crate) fn begin(&self, time: u64) {
        self.began.store(time, Ordering::Relaxed);
        // A swap (6), and not a store.
        self.state.swap(RUNNING, Ordering::SeqCst);
    }

    /// Records the end of the node's task, of which nothing is left (2), at this time if any task has begun.
    /// True if its work had begun.
    pub(crate) fn settle(&self, end: TaskEnd, error: Option<Arc<AsyncTaskError>>, time: Option<u64>) -> bool {
        if let Some(time) = time {
            self.ended.store(time, Ordering::Relaxed);
        }
        let task = std::mem::replace(&mut *self.lock(), Contents::Ended(error));
        // The last reference to a task drops its values, whose destructors are the user's.
        let _ = caught(|| drop(task));
        let state = match end {
            TaskEnd::Completed => COMPLETED,
            TaskEnd::Failed => FAILED,
            TaskEnd::Cancelled => CANCELLED,
        };
        self.state.swap(state, Ordering::SeqCst) == RUNNING
    }

    /// Moves a node that waits to a final state, with an error if there is one. False if it has left
    /// `WAITING` before. The work is dropped here, since its destructors are the user's.
    fn end_early(&self, state: u8, error: Option<AsyncTaskError>) -> bool {
        if self.state.load(Ordering::SeqCst) != WAITING {
            return false;
        }
        // Both under the lock (5).
        let mut contents = self.lock();
        if !self.leave_waiting(state) {
            return false;
        }
        let work = std::mem::replace(&mut *contents, Contents::Ended(error.map(Arc::new)));
        drop(contents);
        let _ = caught(|| drop(work));
        true
    }

    /// Cancels the node, if it waits: true then.
    pub(crate) fn cancel_waiting(&self, error: Option<AsyncTaskError>) -> bool {
        self.end_early(CANCELLED, error)
    }

    /// Skips the node, if it waits: true then. The cause is set first (5).
    pub(crate) fn skip(&self, cause: Cause) -> bool {
        let _ = self.cause.set(cause);
        self.end_early(SKIPPED, None)
    }

    /// Completes the node without running it, if it waits: true then.
    #[cfg(feature = "durable")]
    pub(crate) fn restore(&self) -> bool {
        self.end_early(RESTORED, None)
    }

    /// True if it has completed without being run.
    pub(crate) fn is_restored(&self) -> bool {
        self.state.load(Ordering::SeqCst) == RESTORED
    }

    /// True if its task was made, and its work has not begun.
    pub(crate) fn waits_for_permit(&self) -> bool {
        // Relaxed: asked by the node's own task, which alone moves the state from here (2).
        self.state.load(Ordering::Relaxed) == STARTED
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
            COMPLETED | RESTORED => None,
            SKIPPED => self.cause.get().cloned().or_else(|| Some(self.as_cause(false))),
            state => Some(self.as_cause(state == CANCELLED)),
        }
    }

    fn as_cause(&self, cancelled: bool) -> Cause {
        Cause { task: self.name.clone(), cancelled }
    }

    /// Adds a node of a later batch that waits for this one. Returns those that the caller is to notify: it,
    /// and others with it, if this node has ended and nothing else has notified them (6).
    pub(crate) fn add_later_dependent(&self, dependent: D) -> Vec<D> {
        let later = self.later_dependents.get_or_init(Box::default);
        later.lock().unwrap_or_else(PoisonError::into_inner).push(dependent);
        // Not a load (6).
        let has_ended = self.state.fetch_or(0, Ordering::SeqCst) >= COMPLETED;
        if has_ended { self.take_later_dependents() } else { Vec::new() }
    }

    /// The nodes of later batches that the caller is to notify of the end of this one (6).
    pub(crate) fn take_later_dependents(&self) -> Vec<D> {
        let take = |later: &Mutex<Vec<D>>| {
            std::mem::take(&mut *later.lock().unwrap_or_else(PoisonError::into_inner))
        };
        self.later_dependents.get().map(|later| take(later)).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> NodeStatus {
        match self.state.load(Ordering::SeqCst) {
            COMPLETED | RESTORED => NodeStatus::Completed,
            FAILED => NodeStatus::Failed,
            CANCELLED => NodeStatus::Cancelled,
            SKIPPED => {
                let cause = self.cause.get().cloned();
                NodeStatus::Skipped { cause: cause.unwrap_or_else(|| self.as_cause(false)) }
            }
            // The reference stays in its place: to drop a clone may run a destructor, and the caller may hold a
            // lock.
            RUNNING => match &*self.lock() {
                Contents::Task(task) if task.control.status() == TaskStatus::PendingCancellation => {
                    NodeStatus::PendingCancellation
                }
                _ => NodeStatus::Running,
            },
            _ => NodeStatus::Pending,
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
