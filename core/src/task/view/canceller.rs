//! Cancellers, and the wait for the end of a cancelled task.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use event_listener::EventListener;

use crate::program::ext::RuntimeExt as _;
use crate::runtime::erased::DynRuntime;
use crate::time::Sleep;
use crate::tree::children::{cancel_because, children, is_busy};
use crate::tree::node::TaskRef;
use crate::tree::state::State;
use crate::vocabulary::cancel::{CancelCause, CancelLevel, CancelOutcome, CancellationResult};
use crate::vocabulary::status::TaskStatus;

/// A handle that can only cancel one task. It can be cloned, and keeps nothing running.
#[derive(Clone)]
pub struct Canceller {
    task: Option<TaskRef>,
}

impl Canceller {
    /// A canceller of `task`, or of nothing.
    #[doc(hidden)]
    pub fn new(task: Option<TaskRef>) -> Self {
        Self { task }
    }

    pub(crate) fn task_ref(&self) -> Option<TaskRef> {
        self.task.clone()
    }

    /// As [`Task::cancel`](crate::Task::cancel).
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        self.request(level, None)
    }

    /// As [`Task::cancel_because`](crate::Task::cancel_because).
    pub fn cancel_because(&self, level: CancelLevel, reason: impl Into<Arc<str>>) -> Cancellation {
        self.request(level, Some(reason.into()))
    }

    /// Cancels the task, for `reason` if there is one.
    pub(crate) fn request(&self, level: CancelLevel, reason: Option<Arc<str>>) -> Cancellation {
        let task = self.task.clone();
        let mut abandoned = false;
        if let Some(task) = &task {
            cancel_because(task, level, CancelCause::Requested, reason.as_ref());
            abandoned =
                level == CancelLevel::KillHard && !task.control.status().is_terminal() && is_busy(task);
        }
        let without = (CancelOutcome::Failure, TaskStatus::Failed);
        Cancellation { task, listener: None, abandoned, limit: None, without, also: None }
    }

    /// As [`Task::status`](crate::Task::status).
    pub fn status(&self) -> TaskStatus {
        status(self.task.as_ref())
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.task.as_ref().map(|task| task.control.id());
        f.debug_struct("Canceller").field("id", &id).field("status", &self.status()).finish()
    }
}

/// The status of `task`; a task that could not be started has failed.
fn status(task: Option<&TaskRef>) -> TaskStatus {
    task.map_or(TaskStatus::Failed, |task| task.control.status())
}

/// The end of a cancelled task: ready once nothing of it is left. With [`CancelLevel::KillHard`] it is ready
/// at once if the task, or one below it, cannot be interrupted now.
///
/// A task that awaits its own cancellation waits for itself, and ends only at the kill: there, request it and
/// do not await it.
///
/// # Cancel safety
///
/// It can be dropped at any time; the request stands.
#[must_use = "the request stands, but whether the task has stopped is known only by awaiting this; or drop it with `let _ =`"]
pub struct Cancellation {
    task: Option<TaskRef>,
    listener: Option<EventListener>,
    abandoned: bool,
    limit: Option<Pin<Box<Sleep<DynRuntime>>>>,
    /// The outcome and the status that are given without a task.
    without: (CancelOutcome, TaskStatus),
    /// Another end of the same request, which is awaited with this one.
    also: Option<Box<Also>>,
}

struct Also {
    other: Cancellation,
    /// The results of both so far.
    results: (Option<CancellationResult>, Option<CancellationResult>),
}

impl Cancellation {
    /// Waits for `other`, too. The result is that of this one, with what is stuck of both.
    pub fn and(self, other: Option<Self>) -> Self {
        let also = other.map(|other| Box::new(Also { other, results: (None, None) }));
        Self { also, ..self }
    }

    /// The cancellation of something that had not begun, and never will.
    #[doc(hidden)]
    pub fn of_nothing_begun() -> Self {
        let without = (CancelOutcome::Cancelled, TaskStatus::Cancelled);
        Self { task: None, listener: None, abandoned: false, limit: None, without, also: None }
    }

    /// Gives the task another grace period, from the time at which it has seen the request; at its end the
    /// task is killed. It stays for later requests.
    pub fn grace(self, grace: Duration) -> Self {
        let others = std::iter::successors(self.also.as_deref(), |also| also.other.also.as_deref());
        for task in others.map(|also| &also.other.task).chain([&self.task]).flatten() {
            task.control.set_grace(grace);
        }
        self
    }

    /// Waits no longer than `limit` from now, by the clock of the task's runtime: then the outcome is
    /// [`CancelOutcome::Running`], and the result names what has not ended.
    pub fn within(mut self, limit: Duration) -> Self {
        let mut each = Some(&mut self);
        while let Some(own) = each {
            own.limit = own.task.as_ref().map(|task| Box::pin(task.runtime.to_dyn().sleep(limit)));
            each = own.also.as_deref_mut().map(|also| &mut also.other);
        }
        self
    }

    fn result(&self, task: &TaskRef, outcome: CancelOutcome) -> CancellationResult {
        let stuck = match outcome {
            CancelOutcome::Running | CancelOutcome::Abandoned => stuck(task),
            _ => Vec::new(),
        };
        let (status, asked) = (task.control.status(), task.control.asked());
        CancellationResult { outcome, status, asked, reason: task.control.reason().cloned(), stuck }
    }
}

/// The tasks of the tree that have not ended, the topmost first.
fn stuck(task: &TaskRef) -> Vec<crate::vocabulary::info::TaskInfo> {
    let (mut named, mut level) = (Vec::new(), vec![task.clone()]);
    while !level.is_empty() {
        named.extend(level.iter().map(|task| task.control.info()).filter(|info| !info.status.is_terminal()));
        level = level.iter().flat_map(children).collect();
    }
    named
}

impl Future for Cancellation {
    type Output = CancellationResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancellationResult> {
        let Some(mut also) = self.also.take() else { return self.poll_own(cx) };
        let Also { other, results: (own, others) } = &mut *also;
        if own.is_none()
            && let Poll::Ready(result) = self.poll_own(cx)
        {
            *own = Some(result);
        }
        if others.is_none()
            && let Poll::Ready(result) = Pin::new(other).poll(cx)
        {
            *others = Some(result);
        }
        match (own.take(), others.take()) {
            (Some(own), Some(others)) => Poll::Ready(own.and(others)),
            results => {
                also.results = results;
                self.also = Some(also);
                Poll::Pending
            }
        }
    }
}

impl Cancellation {
    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<CancellationResult> {
        let this = self;
        let Some(task) = &this.task else {
            let (outcome, status) = this.without;
            let stuck = Vec::new();
            return Poll::Ready(CancellationResult { outcome, status, asked: None, reason: None, stuck });
        };
        if task.control.poll_change(&mut this.listener, State::is_reported, cx).is_ready() {
            return Poll::Ready(this.result(task, task.control.outcome()));
        }
        if this.abandoned {
            return Poll::Ready(this.result(task, CancelOutcome::Abandoned));
        }
        // A timer that fails means that its runtime has ended, and this limit with it.
        match this.limit.as_mut().map(|limit| limit.as_mut().poll(cx)) {
            Some(Poll::Ready(_)) => Poll::Ready(this.result(task, CancelOutcome::Running)),
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancellation").field("status", &status(self.task.as_ref())).finish_non_exhaustive()
    }
}
