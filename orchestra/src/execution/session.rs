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
//! A session owns its intake. A thread enters the session before it adds a batch, and learns by this that the
//! session takes nothing more: it then begins another one. So the end of a session is decided by its own count
//! of tasks, in one step.
//!
//! At most two sessions take batches at the same time. That of the graph is part of the task that has started
//! it. That of ad-hoc tasks is part of no task, since each of those has a caller of its own. Whatever stops
//! the first also cancels the tasks of the second.

use std::future::poll_fn;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use crate::OrchestratorError;
use crate::execution::autoscale::scale;
use crate::execution::batch::Batch;
use crate::execution::intake::{Closed, Intake};
#[cfg(feature = "durable")]
use crate::execution::kept::{Opening, report_failures};
use crate::execution::progress::Progress;
use crate::execution::session_kind::{SessionKind, TraceFields};
use crate::execution::session_state::{Entry, SessionState};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, TaskRef, caught};
use sweet_async_core::extend::{
    InPlaceTask, Kind, OnComplete, Registered, SpawnRequest, cancel_because, children,
};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{TaskContext, TaskStatus};

/// One period in which the orchestrator is at work: its state, which its tasks share, and its batches.
pub(crate) struct Session<R: Runtime> {
    pub(crate) state: Arc<SessionState<R>>,
    intake: Intake<Batch<R>>,
}

impl<R: Runtime> Session<R> {
    /// Starts a session, without anything to do. It ends once the entry is dropped and no task is left.
    /// `on_end` is then called with its state and its task.
    pub(crate) fn start(
        (progress, runtime): (&Arc<Progress>, R),
        (settings, fields): (&Configured, &TraceFields),
        (kind, site): (SessionKind, &'static Location<'static>),
        on_end: impl FnOnce(&SessionState<R>, &TaskRef) + Send + 'static,
    ) -> (Arc<Self>, Entry<R>) {
        let task_kind = match kind {
            SessionKind::Graph => Kind::Spawned,
            SessionKind::AdHoc => Kind::Apart,
        };
        let (state, entry) = SessionState::new(progress, kind, runtime.clone());
        let session = Arc::new(Self { state: state.clone(), intake: Intake::open() });
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
        state.set_task(&registered.inside);
        let own = session.clone();
        let make = move |_: &R, _: &R, context: TaskContext| {
            own.state.hold_scope(context.task_ref());
            attend(own, abandon)
        };
        let scope = InPlaceTask::new(make, runtime, Configured::default(), site);
        registered.launch_notifying(scope, End { state, on_end });
        (session, entry)
    }

    pub(crate) fn task(&self) -> Option<&TaskRef> {
        self.state.task()
    }

    /// Adds a batch of the caller's entry. Its tasks count from now on, also if the intake is closed
    /// meanwhile: the caller then cancels them.
    pub(crate) fn add_batch(&self, _: &Entry<R>, batch: &Arc<Batch<R>>) -> Result<(), Closed> {
        self.state.add_tasks(batch.len());
        self.intake.add(batch)
    }

    /// Takes no more batches, and cancels everything that has not begun.
    fn abandon(&self) {
        self.state.stop();
        let batches = self.intake.close();
        // A batch is counted before it is added: after a normal end there is nothing to look for.
        if !self.state.is_idle() {
            batches.iter().for_each(Batch::cancel_waiting);
        }
        self.state.close();
    }

    /// Begins the batches that have been added, once `poll_open` is ready. Ready once nothing is left and no batch
    /// can be added.
    fn poll(
        &self,
        cx: &mut Context<'_>,
        poll_open: &mut impl FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<()> {
        // Before the intake is read: a batch that is added after that finds this waker.
        self.state.register(cx.waker());
        if self.intake.has_new() {
            ready!(poll_open(cx));
            self.intake.take_new().iter().for_each(Batch::begin);
        }
        if self.state.close_if_idle() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// The passing on of a cancellation of the graph's session to the ad-hoc tasks.
#[derive(Default)]
struct CancelForwarder {
    /// A graceful cancellation was passed on. It excludes that it is passed on again, to tasks that were run
    /// after it.
    has_forwarded: bool,
}

impl CancelForwarder {
    /// Passes a cancellation that was requested on, a graceful one once.
    fn forward<R: Runtime>(&mut self, session: &SessionState<R>) {
        match session.requested_cancel() {
            None => {}
            Some((CancelLevel::Graceful, _)) if self.has_forwarded => {}
            // With `Requested` as the cause, and not `ParentCancelled`: only then does each have a grace
            // period of its own, at whose end it is killed.
            Some((CancelLevel::Graceful, _)) => {
                self.has_forwarded = true;
                cancel_ad_hoc(session, CancelLevel::Graceful, CancelCause::Requested);
            }
            Some((level, cause)) => cancel_ad_hoc(session, level, cause),
        }
    }
}

/// Cancels the ad-hoc tasks, if `session` is that of the graph, with the reason of its own cancellation.
fn cancel_ad_hoc<R: Runtime>(session: &SessionState<R>, level: CancelLevel, cause: CancelCause) {
    let parent = match session.kind {
        SessionKind::Graph => session.progress.ad_hoc_parent(),
        SessionKind::AdHoc => None,
    };
    let reason = session.task().and_then(|task| task.control.reason());
    let below = parent.iter().flat_map(children);
    // The attendant is in place, and only waits for them.
    for task in below.filter(|task| !task.control.is_in_place()) {
        cancel_because(&task, level, cause, reason);
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
            let state = &self.session.state;
            let (level, cause) =
                state.requested_cancel().unwrap_or((CancelLevel::Kill, CancelCause::ParentEnded));
            cancel_ad_hoc(state, level.max(CancelLevel::Kill), cause);
        }
    }
}

/// The attendant: the body of the session's scope.
async fn attend<R: Runtime>(
    session: Arc<Session<R>>,
    mut abandon: AbandonOnDrop<R>,
) -> Result<(), AsyncTaskError> {
    let state = &session.state;
    let before = state.progress.failures.total();
    let mut forwarder = CancelForwarder::default();
    #[cfg(feature = "durable")]
    let mut opening = Opening::of(state);
    #[cfg(feature = "durable")]
    let mut poll_open = |cx: &mut Context<'_>| opening.poll(cx);
    #[cfg(not(feature = "durable"))]
    let mut poll_open = |_: &mut Context<'_>| Poll::Ready(());
    let attendant = poll_fn(|cx| {
        forwarder.forward(state);
        session.poll(cx, &mut poll_open)
    });
    let concurrency = &state.progress.concurrency;
    match concurrency.range {
        Some(range) => {
            let ended = || state.progress.ended.load(Ordering::Relaxed);
            let scaling = scale(range, concurrency, ended, &state.runtime);
            futures_lite::future::or(attendant, scaling).await
        }
        None => attendant.await,
    }
    // A kill in the middle of the last poll may have ended the last task, and so the attendant, which would
    // otherwise have been dropped.
    forwarder.forward(state);
    let result = state.result(before);
    #[cfg(feature = "durable")]
    let result = opening.result().and(result);
    #[cfg(feature = "durable")]
    report_failures(state).await;
    abandon.is_done = true;
    drop(abandon);
    result
}

/// The end of a session.
struct End<R: Runtime, F> {
    state: Arc<SessionState<R>>,
    on_end: F,
}

impl<R: Runtime, F> OnComplete<()> for End<R, F>
where
    F: FnOnce(&SessionState<R>, &TaskRef) + Send + 'static,
{
    fn on_complete(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let stopped = result.err().and_then(|error| {
            let failed = error.downcast_ref::<OrchestratorError>().is_some();
            (!failed || task.control.status() == TaskStatus::Cancelled).then(|| Arc::new(error))
        });
        if let Some(error) = stopped {
            let _ = self.state.stop_error.set(error);
        }
        (self.on_end)(&self.state, task);
    }
}
