//! One poll of a task's body, and the reasons for which a body is not polled any more.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::body::Body;
use crate::error::{AsyncTaskError, TimeoutError};
use crate::panic::caught;
use crate::task::work::output::Output;
use crate::tree::current::{Frame, in_frame};
use crate::tree::ending::Ending;
use crate::tree::extras::recovery::Recovery;
use crate::tree::node::{Control, TaskRef};
use crate::tree::span::within;
use crate::tree::usage::metering::Measuring;

/// The task whose frame is in `slot`, if it is registered.
pub(crate) fn registered(slot: &Option<Frame>) -> Option<&TaskRef> {
    slot.as_ref().and_then(Frame::registered)
}

/// Runs `f` as part of the task whose frame is in `slot`: what it spawns belongs to it.
pub(crate) fn in_task<O>(slot: &mut Option<Frame>, f: impl FnOnce() -> O) -> O {
    let span = registered(slot).and_then(|task| task.control.span());
    in_frame(slot, || within(span.as_deref(), f))
}

/// Runs `f` as part of `task`, which is not polled yet.
pub fn as_part_of<O>(task: &TaskRef, f: impl FnOnce() -> O) -> O {
    in_task(&mut Some(Frame::new(task.clone())), f)
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
        slot: &Option<Frame>,
        dropped: Result<(), AsyncTaskError>,
        still_running: bool,
    ) -> Output {
        let Some(control) = registered(slot).map(|task| &task.control) else {
            return Output { result: Err(AsyncTaskError::Shutdown), ending: Ending::Cancelled };
        };
        let (error, ending) = match (dropped, self) {
            (Err(panic), _) => (panic, Ending::Failed),
            (Ok(()), Self::Overdue) => (timed_out(control, still_running), Ending::TimedOut),
            (Ok(()), Self::Shutdown) => (AsyncTaskError::Shutdown, Ending::Failed),
            (Ok(()), _) => (control.cancelled(), Ending::Cancelled),
        };
        Output { result: Err(error), ending }
    }
}

/// Polls the body once, if it may be polled.
pub(crate) fn poll_body(
    body: Pin<&mut dyn Body>,
    slot: &mut Option<Frame>,
    cx: &mut Context<'_>,
) -> Poll<BodyEnd> {
    if registered(slot).is_some_and(|task| !task.begin()) {
        return Poll::Ready(BodyEnd::Killed);
    }
    let measuring = match registered(slot) {
        Some(task) if task.control.is_metered() => Measuring::begin(task, cx),
        _ => None,
    };
    // One call polls the body, with metrics or without.
    let mut own = Context::from_waker(measuring.as_ref().map_or(cx.waker(), Measuring::waker));
    // The body catches the panics of the work; a subscriber's are caught here.
    let polled = caught(|| in_task(slot, || body.poll(&mut own)));
    if let Some(measuring) = measuring {
        measuring.end(registered(slot));
    }
    judge(polled, slot)
}

/// A poll of a body, whose panic is an error.
pub(crate) type Polled = Result<Poll<Result<(), AsyncTaskError>>, AsyncTaskError>;

/// The consequence of a poll of the body. A task that was not registered before is registered now, if there
/// is a runtime.
pub(crate) fn judge(polled: Polled, slot: &mut Option<Frame>) -> Poll<BodyEnd> {
    // One that has succeeded before anything has asked for it needs no record.
    if !matches!(polled, Ok(Poll::Ready(Ok(()))))
        && let Some(frame) = slot
    {
        frame.register();
    }
    let result = match polled {
        Ok(polled) => std::task::ready!(polled),
        Err(panic) => Err(panic),
    };
    if let (Err(error), Some(task)) = (&result, registered(slot)) {
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
