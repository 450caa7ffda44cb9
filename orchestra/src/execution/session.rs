//! A session: the orchestration as a task. Everything that is started is below it, and it ends with the last
//! of that.
//!
//! ```text
//!  Session.task        spawned: has the name, the limit and the span, and is cancelled with the orchestrator
//!  ├─ Session.scope    in place: takes tasks from any thread until it has ended, as a scope does
//!  │  ├─ attendant     its body: begins batches, waits until nothing is left, changes the concurrency
//!  │  └─ the tasks of all batches
//!  └─ ad-hoc tasks, each begun by its caller, which so has its handle at once
//! ```
//!
//! At most two sessions take batches at the same time. That of the graph is part of the task that has started
//! it. That of ad-hoc tasks is part of no task, since each of those has a caller of its own. Whatever stops
//! the first also cancels the tasks of the second.

use std::future::poll_fn;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use concurrent_queue::ConcurrentQueue;

use crate::OrchestratorError;
use crate::execution::autoscale::scale;
use crate::execution::batch::Batch;
use crate::execution::cancel_request::CancelRequest;
use crate::execution::progress::Progress;
use crate::execution::session_kind::{SessionKind, TraceFields};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, TaskRef, caught};
use sweet_async_core::extend::{
    InPlaceTask, Kind, OnComplete, Registered, SpawnRequest, cancel_because, children, mode, release,
};
use sweet_async_core::metrics::MetricsMode;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{TaskContext, TaskStatus};

/// The orchestrator of a session, which knows its batches and records its end.
pub(crate) trait SessionOwner<R: Runtime>: Send + Sync {
    /// Keeps `session` from taking batches from now on. False if it has some that have not ended.
    fn close_if_idle(&self, session: &Arc<Session<R>>) -> bool;

    /// As [`close_if_idle`](Self::close_if_idle), whatever the session has left.
    fn close_session(&self, session: &Arc<Session<R>>);

    /// The batches that `session` was given.
    fn batches(&self, session: &Arc<Session<R>>) -> Vec<Arc<Batch<R>>>;

    /// The session of ad-hoc tasks that takes batches.
    fn ad_hoc_session(&self) -> Option<Arc<Session<R>>>;

    /// True if `task` is a task of this orchestrator, or below one: its permit covers the ad-hoc tasks that
    /// it runs.
    fn contains(&self, task: &TaskRef) -> bool;

    /// Counts out a session of which nothing is left.
    fn session_ended(&self, session: &Session<R>, task: &TaskRef);
}

/// A count that all threads change, in a cache line of its own: beside it they read other fields.
#[repr(align(64))]
struct SharedCount(AtomicUsize);

/// One period in which the orchestrator is at work.
pub(crate) struct Session<R: Runtime> {
    pub(crate) owner: Arc<dyn SessionOwner<R>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) kind: SessionKind,
    pub(crate) runtime: R,
    task: OnceLock<TaskRef>,
    scope: OnceLock<TaskRef>,
    /// The batches that are to begin.
    intake: ConcurrentQueue<Arc<Batch<R>>>,
    /// The number of tasks in added batches that have not ended, and one more until
    /// [`release_initial_count`](Self::release_initial_count).
    active: SharedCount,
    /// Set when the attendant has been dropped, or the runtime takes nothing more. Nothing is started after
    /// that.
    stopping: AtomicBool,
    /// Set when a task was cancelled because the session was stopping.
    has_cancelled_tasks: AtomicBool,
    waker: AtomicWaker,
    /// Set once no batch can be added, and everything that had not begun was cancelled.
    is_abandoned: AtomicBool,
    /// Set when the scope was released, so that it can end. Until then it is held as by one more task: tasks
    /// report their ends right after these, and a waiter for the end of the session must find all of them
    /// reported.
    is_scope_released: AtomicBool,
    /// Set when the graceful cancellation of this session was passed on to the ad-hoc tasks.
    is_cancel_passed_on: AtomicBool,
    /// Set when it becomes the session that takes batches. Read and written with the registry locked.
    pub(crate) is_current: AtomicBool,
    /// The error with which it ended before its tasks had.
    pub(crate) stop_error: OnceLock<Arc<AsyncTaskError>>,
}

impl<R: Runtime> Session<R> {
    /// Starts a session, without anything to do.
    pub(crate) fn start(
        (progress, owner): (&Arc<Progress>, Arc<dyn SessionOwner<R>>),
        runtime: R,
        (settings, fields): (&Configured, &TraceFields),
        (kind, site): (SessionKind, &'static Location<'static>),
    ) -> Arc<Self> {
        let task_kind = match kind {
            SessionKind::Graph => Kind::Spawned,
            SessionKind::AdHoc => Kind::Apart,
        };
        let session = Arc::new(Self {
            owner,
            progress: progress.clone(),
            kind,
            runtime: runtime.clone(),
            task: OnceLock::new(),
            scope: OnceLock::new(),
            intake: ConcurrentQueue::unbounded(),
            // The caller adds a batch first, and then calls `release_initial_count`.
            active: SharedCount(AtomicUsize::new(1)),
            stopping: AtomicBool::new(false),
            has_cancelled_tasks: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            is_abandoned: AtomicBool::new(false),
            is_scope_released: AtomicBool::new(false),
            is_cancel_passed_on: AtomicBool::new(false),
            is_current: AtomicBool::new(false),
            stop_error: OnceLock::new(),
        });
        let request = SpawnRequest { kind: task_kind, location: site, settings: Some(settings) };
        let abandon = AbandonOnDrop { session: session.clone(), is_done: false };
        let registered = Registered::new(runtime.clone(), request);
        let control = &registered.inside.control;
        control.mark_orchestral();
        if let Some(trace) = control.trace() {
            // A subscriber is foreign code.
            let add = |(key, value): &(Arc<str>, Arc<str>)| trace.add(control.span().as_deref(), key, value);
            let _ = caught(|| fields.iter().for_each(add));
        }
        let _ = session.task.set(registered.inside.clone());
        let (own, end) = (session.clone(), End(session.clone()));
        let make = move |_: &R, _: &R, context: TaskContext| {
            context.task_ref().control.child_started();
            let _ = own.scope.set(context.task_ref().clone());
            attend(own, abandon)
        };
        let scope = InPlaceTask::new(make, runtime, Configured::default(), site);
        registered.launch_notifying(scope, end);
        session
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

    /// The ad-hoc tasks that have not ended.
    fn tasks(&self) -> Vec<TaskRef> {
        let below = self.task.get().map(children).unwrap_or_default();
        // The attendant is in place, and only waits for them.
        below.into_iter().filter(|task| !task.control.is_in_place()).collect()
    }

    /// Adds a batch, while the registry is locked.
    pub(crate) fn add(&self, batch: Arc<Batch<R>>) {
        // Counted first: the attendant does not end before a batch that it has not seen.
        self.count(batch.len());
        let _ = self.intake.push(batch);
    }

    /// Counts tasks that the caller begins itself, while the registry is locked.
    pub(crate) fn count(&self, tasks: usize) {
        self.active.0.fetch_add(tasks, Ordering::SeqCst);
    }

    /// Wakes the attendant, after the registry is unlocked: there is something to begin, or to check.
    pub(crate) fn wake(&self) {
        // A waker may be foreign code.
        let _ = caught(|| self.waker.wake());
    }

    /// Gives up the count that the session began with: its batch has been added, or none will be.
    pub(crate) fn release_initial_count(&self) {
        self.active.0.fetch_sub(1, Ordering::SeqCst);
        self.wake();
        self.release_scope_if_done();
    }

    /// Lets the scope end, once nothing is left. SeqCst throughout: `abandon` sets its flag and then reads
    /// the count, the last task lowers the count and then reads the flag, so that one of the two sees both.
    fn release_scope_if_done(&self) {
        if self.is_abandoned.load(Ordering::SeqCst)
            && self.active.0.load(Ordering::SeqCst) == 0
            && let Some(scope) = self.scope.get()
            && !self.is_scope_released.swap(true, Ordering::SeqCst)
        {
            release(scope);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.active.0.load(Ordering::SeqCst) == 0 && self.intake.is_empty()
    }

    pub(crate) fn node_ended(&self) {
        // Only the controller of the concurrency reads it, and all threads would write it.
        if self.progress.concurrency.range.is_some() {
            self.progress.ended.fetch_add(1, Ordering::Relaxed);
        }
        self.progress.notify();
        // SeqCst: pairs with the attendant's load, so that the effects of the task happen before the end of
        // the session.
        if self.active.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.wake();
            self.release_scope_if_done();
        }
    }

    pub(crate) fn task_failed(&self, task: &Arc<str>, error: &Arc<AsyncTaskError>) {
        self.progress.failures.add(task, error);
    }

    /// Keeps anything from being started from now on.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Takes no more batches, and cancels everything that has not begun.
    fn abandon(self: &Arc<Self>) {
        self.stop();
        // First no batch can be added any more, then the nodes that would never be started are cancelled.
        self.owner.close_session(self);
        if self.active.0.load(Ordering::SeqCst) > 0 {
            self.owner.batches(self).iter().for_each(Batch::cancel_waiting);
            while let Ok(batch) = self.intake.pop() {
                batch.cancel_waiting();
            }
        }
        self.is_abandoned.store(true, Ordering::SeqCst);
        self.release_scope_if_done();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        // SeqCst: pairs with a shutdown, which closes the orchestrator before it looks for tasks. A task that
        // it does not find sees this.
        self.stopping.load(Ordering::SeqCst) || self.progress.is_closed() || self.requested_cancel().is_some()
    }

    /// The cancellation that was requested, and its cause.
    fn requested_cancel(&self) -> Option<(CancelLevel, CancelCause)> {
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

    /// Passes a cancellation of the graph's session on to the ad-hoc tasks, with its reason.
    fn cancel_ad_hoc(&self, level: CancelLevel, cause: CancelCause) {
        let ad_hoc = match self.kind {
            SessionKind::Graph => self.owner.ad_hoc_session(),
            SessionKind::AdHoc => None,
        };
        let reason = self.task.get().and_then(|task| task.control.reason());
        for task in ad_hoc.iter().flat_map(|session| session.tasks()) {
            cancel_because(&task, level, cause, reason);
        }
    }

    /// Passes a cancellation that was requested on to the ad-hoc tasks, a graceful one once.
    fn pass_on_cancel(&self) {
        match self.requested_cancel() {
            None => {}
            Some((CancelLevel::Graceful, _)) if self.is_cancel_passed_on.swap(true, Ordering::Relaxed) => {}
            // With `Requested` as the cause, and not `ParentCancelled`: only then does each have a grace
            // period of its own, at whose end it is killed.
            Some((CancelLevel::Graceful, _)) => {
                self.cancel_ad_hoc(CancelLevel::Graceful, CancelCause::Requested);
            }
            Some((level, cause)) => self.cancel_ad_hoc(level, cause),
        }
    }

    /// True once it takes no batches any more: its task was refused or has ended, or the runtime takes
    /// nothing more.
    pub(crate) fn has_stopped(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Records that a task was cancelled because the session is stopping.
    pub(crate) fn record_cancelled_task(&self) {
        self.has_cancelled_tasks.store(true, Ordering::Relaxed);
    }

    /// Nanoseconds from the epoch of the orchestrator, which the first call sets.
    pub(crate) fn elapsed(&self) -> u64 {
        let now = self.runtime.now();
        let epoch = self.progress.epoch.get_or_init(|| now);
        u64::try_from(now.saturating_duration_since(*epoch).as_nanos()).unwrap_or(u64::MAX - 1)
    }

    /// Begins the batches that have been added. Ready once nothing is left and no batch can be added.
    fn poll(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.pass_on_cancel();
        loop {
            self.waker.register(cx.waker());
            while let Ok(batch) = self.intake.pop() {
                batch.begin();
            }
            if self.active.0.load(Ordering::SeqCst) > 0 {
                return Poll::Pending;
            }
            if self.owner.close_if_idle(self) {
                return Poll::Ready(());
            }
        }
    }

    /// The result of the orchestration as a task.
    fn result(&self, failures_before: u64) -> Result<(), AsyncTaskError> {
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

/// The end of the attendant: part of its body, and dropped with it, before running tasks are killed and
/// before the end is reported.
struct AbandonOnDrop<R: Runtime> {
    session: Arc<Session<R>>,
    /// True once nothing that was started is left.
    is_done: bool,
}

impl<R: Runtime> Drop for AbandonOnDrop<R> {
    fn drop(&mut self) {
        self.session.abandon();
        if !self.is_done {
            let (level, cause) =
                self.session.requested_cancel().unwrap_or((CancelLevel::Kill, CancelCause::ParentEnded));
            self.session.cancel_ad_hoc(level.max(CancelLevel::Kill), cause);
        }
    }
}

/// The attendant: the body of the session's scope.
async fn attend<R: Runtime>(
    session: Arc<Session<R>>,
    mut abandon: AbandonOnDrop<R>,
) -> Result<(), AsyncTaskError> {
    let before = session.progress.failures.total();
    let attendant = poll_fn(|cx| session.poll(cx));
    let concurrency = &session.progress.concurrency;
    match concurrency.range {
        Some(range) => {
            let ended = || session.progress.ended.load(Ordering::Relaxed);
            let scaling = scale(range, concurrency, ended, &session.runtime);
            futures_lite::future::or(attendant, scaling).await
        }
        None => attendant.await,
    }
    // A kill in the middle of the last poll may have ended the last task, and so the attendant, which would
    // otherwise have been dropped.
    session.pass_on_cancel();
    let result = session.result(before);
    abandon.is_done = true;
    drop(abandon);
    result
}

/// The end of a session.
struct End<R: Runtime>(Arc<Session<R>>);

impl<R: Runtime> OnComplete<()> for End<R> {
    fn on_complete(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let stopped = result.err().and_then(|error| {
            let failed = error.downcast_ref::<OrchestratorError>().is_some();
            (!failed || task.control.status() == TaskStatus::Cancelled).then(|| Arc::new(error))
        });
        if let Some(error) = stopped {
            let _ = self.0.stop_error.set(error);
        }
        self.0.owner.session_ended(&self.0, task);
    }
}
