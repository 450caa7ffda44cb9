//! One poll of a task's body, and the reasons for which a body is not polled any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::body::Body;
use crate::error::{AsyncTaskError, TimeoutError};
use crate::panic::caught;
use crate::task::work::output::Output;
use crate::tree::current::in_frame;
use crate::tree::ending::Ending;
use crate::tree::extras::recovery::Recovery;
use crate::tree::node::{Control, TaskRef};
use crate::tree::span::within;
use crate::tree::usage::metering::Measuring;

/// Runs `f` as part of `task`: what it spawns belongs to it.
pub fn as_part_of<O>(task: &TaskRef, f: impl FnOnce() -> O) -> O {
    let span = task.control.span();
    in_frame(task, || within(span.as_deref(), f))
}

/// The error of a task whose deadline has passed.
pub fn timed_out(control: &Control, still_running: bool) -> AsyncTaskError {
    control.expire();
    let limit = control.limit().unwrap_or_default();
    let last = control.recovery().and_then(Recovery::take_last);
    TimeoutError::overall(control.name(), limit, control.attempts(), still_running, last)
}

/// The reason for which a body is not polled any more.
pub(crate) enum BodyEnd {
    Ready(Result<(), AsyncTaskError>),
    Killed,
    Overdue,
    Shutdown,
}

impl BodyEnd {
    /// The output of a task whose body was dropped; `dropped` is the result of that.
    pub(crate) fn output(
        self,
        control: &Control,
        dropped: Result<(), AsyncTaskError>,
        still_running: bool,
    ) -> Output {
        let (error, ending) = match (dropped, self) {
            (Err(panic), _) => (panic, Ending::Failed),
            (Ok(()), Self::Overdue) => (timed_out(control, still_running), Ending::TimedOut),
            (Ok(()), Self::Shutdown) => (AsyncTaskError::Shutdown, Ending::Failed),
            (Ok(()), _) => (control.cancelled(), Ending::Cancelled),
        };
        Output { result: Err(error), ending }
    }
}

/// Polls the body of `task` once, if it may be polled.
pub(crate) fn poll_body(body: Pin<&mut dyn Body>, task: &TaskRef, cx: &mut Context<'_>) -> Poll<BodyEnd> {
    if !task.begin() {
        return Poll::Ready(BodyEnd::Killed);
    }
    let measuring = if task.control.is_metered() { Measuring::begin(task, cx) } else { None };
    // One call polls the body, with metrics or without.
    let mut own = Context::from_waker(measuring.as_ref().map_or(cx.waker(), Measuring::waker));
    // The body catches the panics of the work; a subscriber's are caught here.
    let polled = caught(|| as_part_of(task, || body.poll(&mut own)));
    if let Some(measuring) = measuring {
        measuring.end(task);
    }
    judge(polled, task)
}

/// A poll of a body, whose panic is an error.
pub(crate) type Polled = Result<Poll<Result<(), AsyncTaskError>>, AsyncTaskError>;

/// The consequence of a poll of the body of `task`.
pub(crate) fn judge(polled: Polled, task: &TaskRef) -> Poll<BodyEnd> {
    let result = match polled {
        Ok(polled) => std::task::ready!(polled),
        Err(panic) => Err(panic),
    };
    if let Err(error) = &result {
        if task.control.has_stopped() {
            return Poll::Ready(BodyEnd::Killed);
        }
        let is_attempt = error.is_of_attempt();
        // A limit that has passed in the same poll as the kill comes after it. An error from below that is
        // due to the task's own kill is no failure.
        if (is_attempt || error.is_cancelled() || error.is_shutdown()) && task.control.is_killed() {
            return Poll::Ready(BodyEnd::Killed);
        }
        if is_attempt && task.control.own_deadline().is_some_and(|deadline| task.runtime.clock() >= deadline)
        {
            return Poll::Ready(BodyEnd::Overdue);
        }
    }
    Poll::Ready(BodyEnd::Ready(result))
}
