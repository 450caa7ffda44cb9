//! The state of a session that all its tasks share: their parent, their number, and whether any more may
//! begin. It knows no batch.
//!
//! The number of tasks is a state machine of its own, in [`task_count`](super::task_count). Beside it are two
//! flags, each set once and never cleared:
//!
//! - `starts_nothing` is set by [`stop`](SessionState::stop): by the attendant's drop, and by a task that the
//!   runtime has refused. From then on each node that becomes free, and each task that has not begun, is
//!   cancelled.
//! - `has_cancelled_tasks` is set before a node becomes cancelled since the session was stopping. It excludes
//!   that a session whose cancellation was requested ends as if it had come to its own end.
//!
//! 1. The scope and the session's own task end only once the count is `Done`. Until then each is held as by
//!    one more child: tasks report their ends right after these, the thread that has begun the session cancels
//!    what a session that was stopped did not take, and a waiter for the end of the session must find all of
//!    it reported.
//! 2. `stop` comes before the close of the count: a task that enters between the two is cancelled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Instant;

use futures_util::task::AtomicWaker;

use crate::execution::cancel_request::CancelRequest;
use crate::execution::progress::Progress;
use crate::execution::session_kind::SessionKind;
use crate::execution::task_count::{Left, TaskCount};
#[cfg(feature = "durable")]
use crate::execution::unreported::Unreported;
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{TaskRef, caught, mode, release};
use sweet_async_core::metrics::MetricsMode;
use sweet_async_core::runtime::Runtime;

/// One period in which the orchestrator is at work, as its tasks see it.
pub(crate) struct SessionState<R: Runtime> {
    pub(crate) progress: Arc<Progress>,
    pub(crate) kind: SessionKind,
    pub(crate) runtime: R,
    /// The session's own task. Set when it is started.
    task: OnceLock<TaskRef>,
    /// The scope inside that task. Set by its first poll.
    scope: OnceLock<TaskRef>,
    /// The tasks in added batches that have not ended, and each [`Entry`].
    tasks: TaskCount,
    starts_nothing: AtomicBool,
    has_cancelled_tasks: AtomicBool,
    /// The attendant's.
    waker: AtomicWaker,
    /// The error with which it ended before its tasks had.
    pub(crate) stop_error: OnceLock<Arc<AsyncTaskError>>,
    #[cfg(feature = "durable")]
    pub(crate) unreported: Unreported,
}

/// The right to add tasks to a session, which counts it as one more task. Not to be dropped with the registry
/// locked: it may wake the attendant, and a waker may be foreign code.
pub(crate) struct Entry<R: Runtime> {
    session: Arc<SessionState<R>>,
    /// True once one task is in its place.
    is_used: bool,
}

impl<R: Runtime> Entry<R> {
    pub(crate) fn session(&self) -> &Arc<SessionState<R>> {
        &self.session
    }

    /// Gives its place to one task, which is counted out in its stead.
    pub(crate) fn into_session(mut self) -> Arc<SessionState<R>> {
        self.is_used = true;
        self.session.clone()
    }
}

impl<R: Runtime> Drop for Entry<R> {
    fn drop(&mut self) {
        if !self.is_used {
            self.session.leave();
        }
    }
}

impl<R: Runtime> SessionState<R> {
    /// A session without tasks, and the entry of the thread that starts it.
    pub(crate) fn new(progress: &Arc<Progress>, kind: SessionKind, runtime: R) -> (Arc<Self>, Entry<R>) {
        let session = Arc::new(Self {
            progress: progress.clone(),
            kind,
            runtime,
            task: OnceLock::new(),
            scope: OnceLock::new(),
            tasks: TaskCount::held(),
            starts_nothing: AtomicBool::new(false),
            has_cancelled_tasks: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            stop_error: OnceLock::new(),
            #[cfg(feature = "durable")]
            unreported: Unreported::default(),
        });
        let entry = Entry { session: session.clone(), is_used: false };
        (session, entry)
    }

    /// Sets the session's own task, which from now on is held as by one more child (1).
    pub(crate) fn set_task(&self, task: &TaskRef) {
        task.control.child_started();
        let _ = self.task.set(task.clone());
    }

    /// Sets the scope, which from now on is held as by one more child (1).
    pub(crate) fn hold_scope(&self, scope: &TaskRef) {
        scope.control.child_started();
        let _ = self.scope.set(scope.clone());
    }

    pub(crate) fn task(&self) -> Option<&TaskRef> {
        self.task.get()
    }

    /// The parent of the tasks of batches.
    pub(crate) fn parent(&self) -> Option<&TaskRef> {
        match self.kind {
            SessionKind::Graph => self.scope.get(),
            SessionKind::AdHoc => self.task.get(),
        }
    }

    /// The mode in which its tasks are measured.
    pub(crate) fn metrics(&self) -> MetricsMode {
        self.task.get().map_or(MetricsMode::Off, mode)
    }

    /// True for a task of this session, and for all tasks below one.
    pub(crate) fn contains(&self, task: &TaskRef) -> bool {
        let is_parent = |task: &TaskRef| self.parent().is_some_and(|parent| Arc::ptr_eq(parent, task));
        std::iter::successors(Some(task.clone()), |task| task.parent()).any(|task| is_parent(&task))
    }

    /// An entry; `None` once the session takes no more tasks.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Entry<R>> {
        self.tasks.enter().then(|| Entry { session: self.clone(), is_used: false })
    }

    /// Counts the tasks of a batch. The caller holds an entry.
    pub(crate) fn add_tasks(&self, tasks: usize) {
        self.tasks.add(tasks);
    }

    /// Counts out a task, or an entry.
    fn leave(&self) {
        match self.tasks.leave() {
            Left::Others => {}
            Left::Idle => self.wake(),
            Left::Done => self.release_tasks(),
        }
    }

    /// Takes no more tasks. Those that are left are the last.
    pub(crate) fn close(&self) {
        if self.tasks.close() {
            self.release_tasks();
        }
    }

    /// As [`close`](Self::close), if nothing is left: true then.
    pub(crate) fn close_if_idle(&self) -> bool {
        let is_done = self.tasks.close_if_idle();
        if is_done {
            self.release_tasks();
        }
        is_done
    }

    /// Lets the scope and the session's task end: in the step that makes the count `Done`, which comes once
    /// (1). There is no scope where the task was dropped before its first poll.
    fn release_tasks(&self) {
        for task in self.scope.get().into_iter().chain(self.task.get()) {
            release(task);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.tasks.is_closed()
    }

    /// Sets the waker of the attendant.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Wakes the attendant: there is something to begin, or nothing is left.
    pub(crate) fn wake(&self) {
        // A waker may be foreign code.
        let _ = caught(|| self.waker.wake());
    }

    pub(crate) fn node_ended(&self) {
        // Only the controller of the concurrency reads it, and all threads would write it.
        if self.progress.concurrency.range.is_some() {
            self.progress.ended.fetch_add(1, Ordering::Relaxed);
        }
        self.leave();
        // After it has left: a waiter may look for a session that is idle.
        self.progress.tasks.notify();
    }

    pub(crate) fn task_failed(&self, task: &Arc<str>, error: &Arc<AsyncTaskError>) {
        self.progress.failures.add(task, error);
    }

    /// Keeps anything from being started from now on.
    pub(crate) fn stop(&self) {
        self.starts_nothing.store(true, Ordering::SeqCst);
    }

    /// True once nothing is started any more: its task was refused or has ended, or the runtime takes nothing
    /// more.
    pub(crate) fn starts_nothing(&self) -> bool {
        self.starts_nothing.load(Ordering::SeqCst)
    }

    /// True if what has not begun is to be cancelled.
    pub(crate) fn is_stopping(&self) -> bool {
        // SeqCst: pairs with a shutdown, which closes the orchestrator before it looks for tasks. A task that
        // it does not find sees this.
        self.starts_nothing() || self.progress.is_closed() || self.requested_cancel().is_some()
    }

    /// The cancellation that was requested, and its cause.
    pub(crate) fn requested_cancel(&self) -> Option<(CancelLevel, CancelCause)> {
        self.task.get()?.control.asked()
    }

    /// The request for which everything that has not begun is cancelled: that of the session's own task, else
    /// that for which the orchestrator was closed.
    pub(crate) fn stop_request(&self) -> CancelRequest {
        match self.task.get().and_then(|task| Some((task.control.asked()?, task.control.reason()))) {
            Some(((level, cause), reason)) => CancelRequest { level, cause, reason: reason.cloned() },
            None => CancelRequest::new(CancelLevel::Kill, self.progress.close_reason().cloned()),
        }
    }

    /// Records that a task is cancelled because the session is stopping.
    pub(crate) fn record_cancelled_task(&self) {
        // Relaxed: the task leaves after this, and the result is made after the last has left.
        self.has_cancelled_tasks.store(true, Ordering::Relaxed);
    }

    /// The time at which a task begins, in nanoseconds from the epoch of the orchestrator. The begin of the
    /// first task sets the epoch.
    pub(crate) fn begin_time(&self) -> u64 {
        let now = self.runtime.now();
        nanos_between(*self.progress.epoch.get_or_init(|| now), now)
    }

    /// Nanoseconds from the epoch of the orchestrator; `None` before its first task has begun.
    pub(crate) fn elapsed(&self) -> Option<u64> {
        Some(nanos_between(*self.progress.epoch.get()?, self.runtime.now()))
    }

    /// The result of the orchestration as a task.
    pub(crate) fn result(&self, failures_before: u64) -> Result<(), AsyncTaskError> {
        let cancelled = self.task.get().filter(|task| task.control.asked().is_some());
        // Failures of ad-hoc tasks are reported to their callers.
        let failure = match self.kind {
            SessionKind::Graph => self.progress.failures.since(failures_before),
            SessionKind::AdHoc => None,
        };
        match (cancelled, failure) {
            (Some(task), _) if self.has_cancelled_tasks.load(Ordering::Relaxed) => {
                Err(task.control.stop_as_asked())
            }
            (_, Some(failure)) => Err(failure.into()),
            _ => Ok(()),
        }
    }
}

fn nanos_between(epoch: Instant, now: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(epoch).as_nanos()).unwrap_or(u64::MAX - 1)
}
