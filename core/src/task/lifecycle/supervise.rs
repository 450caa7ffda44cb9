//! The state machine of one task, from its first poll to the end of its last descendant.
//!
//! ```text
//!   registered (an in-place task perhaps after its first poll: see 6)
//!     │
//!     ▼
//!  Pending ── first poll ──► Running ────────── ready: a value, an error, a panic ────────┐
//!     │                       │  │ ▲                                                      │
//!     │           cancelled   │  │ └─ pending: waker registered, then state read again    │
//!     │           gracefully  │  │                                                        │
//!     │                       ▼  └──── deadline passed ──────────────┐                    │
//!     │    notified: cancelled() is ready, callbacks run, children   │                    │
//!     │    are cancelled, too; the work goes on ── ready ────────────┼────────────────────┤
//!     │                       │                                      │                    │
//!     │                       │ grace period over                    │                    │
//!     │ killed                ▼                                      ▼                    │
//!     └─────────► the body is dropped, in the task's frame ◄── (not in a shielded region) │
//!                             │                                                           ▼
//!                             └────────────► Lingering: no body; after an error the children are killed,
//!                                            callbacks end, the last child wakes the task
//!                                              │
//!                                              ▼
//!                   Done: Completed | Failed | Cancelled. The end is reported to the root scope, the
//!                         parent and the listeners, in this order; then the result is ready
//! ```
//!
//! 1. The level is read before each poll, and again after a pending one once the waker is registered. So
//!    killed work is never polled again, and no kill is missed (I9 of `tree::state`). The deadline is read
//!    after that: on a tie, the task is cancelled.
//! 2. A ready value wins over a kill or a deadline that came during the poll; the timeout of an attempt does
//!    not.
//! 3. The result is ready only after the body is dropped and every child has ended. So an await of the handle
//!    means that nothing is left. The value of a success waits in the body's slot until then.
//! 4. A scope whose body and other children have ended stops its daemons, and waits for them as for children.
//! 5. A task that is dropped unfinished, by its executor or with the caller that it is part of, cannot wait.
//!    It kills its children, and the last of them ends it; until then the task counts with its own parent and
//!    with the root scope.
//! 6. An in-place task is registered when something asks for it (a spawn, its context), and after its first
//!    poll unless that has given a value. Until then it has no record, no child, and no status to see, and is
//!    no such state machine yet (`unregistered.rs`).

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::body::{Body, Clear};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::task::lifecycle::grace::{Grace, MakeGrace, Timer, Verdict};
use crate::task::work::body::{BodyEnd, Polled, as_part_of, judge, poll_body, timed_out};
use crate::task::work::output::{Output, SIBLINGS, attach_failures, report_to_scope};
use crate::tree::children::{cancel, children, end, kill_children, leave};
use crate::tree::daemons::is_childless;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::overdue::giving_up;
use crate::tree::priority::lend_to_child;
use crate::tree::state::{IN_PLACE, MEMBER};
use crate::tree::usage::metering::attributed;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

const ENDED: AsyncTaskError = AsyncTaskError::InvalidState("this task was polled after it had ended");

/// The state machine of a task, for work of every type.
pub(crate) struct Lifecycle {
    /// `None` while there is a body that is polled.
    output: Option<Output>,
    /// `None` once it has ended.
    task: Option<TaskRef>,
    parent: Option<TaskRef>,
    grace: Option<Pin<Box<Grace<dyn Timer>>>>,
}

impl Lifecycle {
    pub(crate) fn new(task: TaskRef, parent: Option<TaskRef>) -> Self {
        Self { output: None, task: Some(task), parent, grace: None }
    }

    /// Goes on after a first poll of the body that was made elsewhere.
    #[cold]
    pub(crate) fn go_on(
        &mut self,
        polled: Polled,
        body: Pin<&mut dyn Body>,
        make: MakeGrace,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        self.advance(Some(polled), body, make, cx)
    }

    /// The task; `None` once it has ended.
    pub(crate) fn task_ref(&self) -> Option<&TaskRef> {
        self.task.as_ref()
    }

    /// Polls the task once. Ready once nothing of it is left; the value of a success is then in `body`.
    pub(crate) fn poll(
        &mut self,
        body: Pin<&mut dyn Body>,
        make: MakeGrace,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        self.advance(None, body, make, cx)
    }

    /// As [`poll`](Self::poll); the body was polled before if `polled` is given.
    fn advance(
        &mut self,
        polled: Option<Polled>,
        mut body: Pin<&mut dyn Body>,
        make: MakeGrace,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        if self.output.is_none() {
            let mut ended = match self.poll_work(polled, body.as_mut(), make, cx) {
                Some(polled) => ready!(polled),
                None => return Poll::Ready(Err(ENDED)),
            };
            let Self { output, task: Some(task), parent, .. } = self else { return Poll::Ready(Err(ENDED)) };
            if let Err(error) = &mut ended.result
                && let Some(name) = task.control.name()
            {
                error.name(&name);
            }
            report_body_dropped(task, parent, &mut ended);
            *output = Some(ended);
        }
        if !self.is_over() && !self.has_ended(body.as_mut(), make, cx) {
            return Poll::Pending;
        }
        let (Some(mut output), Some(task)) = (self.output.take(), self.task.take()) else {
            return Poll::Pending;
        };
        if let Some(panic) = self.grace.as_mut().and_then(|grace| grace.as_mut().take_panic()) {
            replace(&mut output, Err(panic), Ending::Failed);
            report_to_scope(&task, &self.parent, &mut output);
        }
        if !task.control.is_plain() {
            attach_failures(&task, &mut output);
        }
        if task.control.is_unwanted() {
            // The result is dropped here, before the end is reported, and not by the executor after it.
            let ending = output.ending;
            replace(&mut output, Err(AsyncTaskError::Shutdown), ending);
        }
        if output.result.is_err() {
            let _ = caught(|| body.as_mut().clear());
        }
        end(&task, self.parent.as_ref(), output.ending);
        Poll::Ready(output.result)
    }

    /// Polls the work, and drops it if it is not to go on; `None` if the task has ended.
    fn poll_work(
        &mut self,
        mut polled: Option<Polled>,
        mut body: Pin<&mut dyn Body>,
        make: MakeGrace,
        cx: &mut Context<'_>,
    ) -> Option<Poll<Output>> {
        let body_end = loop {
            let task = self.task.as_ref()?;
            let polled = match polled.take() {
                Some(polled) => judge(polled, task),
                None => poll_body(body.as_mut(), task, cx),
            };
            if let Poll::Ready(body_end) = polled {
                break body_end;
            }
            let minds_limit = task.control.minds_limit();
            match self.pause(make, cx) {
                Verdict::Wait => return Some(Poll::Pending),
                Verdict::Killed => break BodyEnd::Killed,
                // The body has read the clock a moment before: it is polled again, and ends its work itself.
                Verdict::Overdue if minds_limit => {}
                Verdict::Overdue => break BodyEnd::Overdue,
                Verdict::Shutdown => break BodyEnd::Shutdown,
            }
        };
        let task = self.task.as_ref()?;
        if let BodyEnd::Ready(result) = body_end {
            if result.is_err() {
                // A body that is ready has dropped its work, unless it was the body itself that panicked.
                let _ = caught(|| as_part_of(task, || caught(|| body.as_mut().clear())));
            }
            return Some(Poll::Ready(Output { ending: ending(task, &result), result }));
        }
        let mut drop_body =
            || attributed(Some(task), || as_part_of(task, || caught(|| body.as_mut().clear())));
        // At a deadline, blocking work that has started is given up, and not waited for.
        let (dropped, still_running) = match body_end {
            BodyEnd::Overdue => giving_up(drop_body),
            _ => (drop_body(), false),
        };
        Some(Poll::Ready(body_end.output(&task.control, dropped, still_running)))
    }

    /// Ends a task that is dropped unfinished.
    pub(crate) fn abandon(&mut self, body: Pin<&mut dyn Clear>) {
        let Some(task) = self.task_ref().cloned() else {
            let _ = caught(|| body.clear());
            return;
        };
        let cause = match task.control.state().has(IN_PLACE) {
            true => CancelCause::ScopeDropped,
            false => CancelCause::Shutdown,
        };
        let unasked = task.control.asked().is_none();
        // A part of a killed task is dropped for the reason of that kill.
        let above = self.parent.as_ref().filter(|_| task.control.is_in_place());
        let reason = above.filter(|above| above.control.is_killed()).and_then(|above| above.control.reason());
        task.control.raise_because(CancelLevel::Kill, cause, reason);
        // A panic in a destructor must not unwind into the executor, and nothing is left to report it to.
        let _ = caught(|| as_part_of(&task, || caught(|| drop(self.grace.take()))));
        let _ = caught(|| as_part_of(&task, || caught(|| body.clear())));
        let _ = caught(|| as_part_of(&task, || caught(|| drop(self.output.take()))));
        self.task = None;
        // Otherwise the scope of a member that another executor has dropped would not see that it is
        // incomplete.
        if let Some(scope) = self.parent.as_ref()
            && unasked
            && task.control.state().has(MEMBER)
        {
            scope.control.push_failure(AsyncTaskError::Shutdown);
            cancel(scope, CancelLevel::Kill, CancelCause::SiblingFailed);
        }
        let cause = if cause == CancelCause::Shutdown { CancelCause::ParentEnded } else { cause };
        kill_children(&task, cause);
        leave(&task, self.parent.take());
    }

    /// Registers the waker for the end of what is left of the task, and acts on requests meanwhile. True if
    /// nothing is left by now.
    fn has_ended(&mut self, body: Pin<&mut dyn Body>, make: MakeGrace, cx: &mut Context<'_>) -> bool {
        let verdict = self.pause(make, cx);
        let Some(task) = &self.task else { return true };
        // The limit of an in-place task, such as a scope, is also on its children, and voids its value. No
        // other verdict voids a value; it reaches only the children.
        if let (Verdict::Overdue, Some(output)) = (&verdict, &mut self.output)
            && task.control.is_in_place()
            && output.result.is_ok()
        {
            replace(output, Err(timed_out(&task.control, false)), Ending::TimedOut);
            let _ = caught(|| body.clear());
        }
        if !matches!(verdict, Verdict::Wait) {
            if let Some(grace) = &mut self.grace {
                as_part_of(task, || grace.as_mut().drop_callbacks());
            }
            let cause = match (verdict, task.control.asked()) {
                (Verdict::Killed, Some((_, cause))) => cause.passed_on(),
                _ => CancelCause::ParentEnded,
            };
            kill_children(task, cause);
        }
        self.is_over()
    }

    /// After a pending poll: registers the waker, then checks the requests and the clock.
    fn pause(&mut self, make: MakeGrace, cx: &mut Context<'_>) -> Verdict {
        let Some(task) = &self.task else { return Verdict::Wait };
        let (state, first) = task.control.pause(cx.waker());
        // A pending task to which no task above it would pass a cancellation on is listed by the root scope.
        if first && !task.is_child_here(self.parent.as_ref()) {
            task.runtime.scope().list_orphan(task);
        }
        if task.control.is_detached() {
            // A detached task must not keep its former parent alive.
            self.parent.take();
        }
        if state.is_quiet() {
            return Verdict::Wait;
        }
        if self.grace.is_none() {
            self.grace = make(task);
        }
        // It was made: the task was spawned with a runtime of this type.
        let Some(grace) = &mut self.grace else { return Verdict::Wait };
        grace.as_mut().check(task, cx)
    }

    /// True once nothing of the task is left but its output.
    fn is_over(&self) -> bool {
        let Some(task) = self.task_ref() else { return true };
        let runs_callback = self.grace.as_ref().is_some_and(|grace| grace.runs_callback());
        !runs_callback
            && (task.control.is_plain() || !task.control.has_pending_callbacks())
            && is_childless(task)
    }
}

/// Replaces the output of a task. The destructor of the error that it was is the user's.
fn replace(output: &mut Output, result: Result<(), AsyncTaskError>, ending: Ending) {
    let replaced = std::mem::replace(output, Output { result, ending });
    let _ = caught(|| drop(replaced));
}

/// The ending of a task whose body has given `result`.
fn ending(task: &TaskRef, result: &Result<(), AsyncTaskError>) -> Ending {
    match result {
        // The body has ended its work itself at the limit.
        Err(error) if error.is_timeout() && task.control.has_passed_limit() => Ending::TimedOut,
        _ => Ending::of(result),
    }
}

/// Reports the drop of the body to the children, and a failure to the scope that the task is a member of.
/// After an error, the children are killed.
fn report_body_dropped(task: &TaskRef, parent: &Option<TaskRef>, output: &mut Output) {
    if task.control.set_body_dropped() {
        for child in children(task) {
            // This task reads no more messages of the child, and sends it none.
            child.control.close_channels();
            lend_to_child(task, &child);
        }
    }
    if output.result.is_ok() {
        return;
    }
    let cause = match (output.ending, task.control.asked()) {
        (Ending::Cancelled, Some((_, cause))) => cause.passed_on(),
        _ => CancelCause::ParentEnded,
    };
    let is_after_a_member = task.control.is_failed_by_member() && task.control.is_in_place();
    kill_children(task, cause);
    report_to_scope(task, parent, output);
    // If the body of a scope fails after a member, the member's failure comes first.
    if is_after_a_member
        && let Err(own) = std::mem::replace(&mut output.result, Err(SIBLINGS))
        && !own.is_siblings()
    {
        task.control.push_failure(own);
    }
}
