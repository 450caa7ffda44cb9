//! The life of a task, from its first poll to the end of its last descendant.
//!
//! ```text
//!   spawn, or the first poll of a task in place
//!     │
//!     ▼
//!  Pending ── first poll ──► Running ───────────────── ready: a value, an error, a panic ──────────┐
//!     │                        │  │ ▲                                                             │
//!     │         asked to stop  │  │ └─ Pending: waker registered, then the word is read again      │
//!     │         gracefully     │  │                                                                │
//!     │                        ▼  └──── deadline passed ─────────────────────────┐                 │
//!     │           told: cancelled() is ready, callbacks run,                     │                 │
//!     │           children are told; the work goes on ── ready ──────────────────┼─────────────────┤
//!     │                        │                                                 │                 │
//!     │                        │ grace period over                               │                 │
//!     │ killed                 ▼                                                 ▼                 │
//!     └─────────► killed: the body is dropped, inside its frame ◄──── (not in a shielded region)   │
//!                              │                                                                   ▼
//!                              └──────────────► Lingering: no body; children that are not wanted are asked to stop,
//!                                               callbacks end, the last child wakes it
//!                                                 │
//!                                                 ▼
//!                     Done: Completed | Failed | Cancelled. Root scope, parent and listeners are told, in this order;
//!                           the output leaves
//! ```
//!
//! - Kill is read before each poll, and again after a pending one once the waker is registered, so killed work is
//!   never polled again and a kill is never slept through. The deadline is read after that: on a tie, cancelled.
//! - A ready value wins over a kill or a deadline that came during the poll; an attempt's timeout does not.
//! - The output leaves only after the body is dropped and every child has ended: that is what makes an await of the
//!   handle mean that nothing is left.
//! - Dropped unfinished, by its executor or with the caller that it is part of, a task cannot wait. It kills its
//!   children, and the last of them does the rest: until then the task counts with its own parent, and with the root scope.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::Runtime;
use crate::task::lifecycle::grace::{Grace, Verdict};
use crate::task::lifecycle::guarded_result::GuardedResult;
use crate::task::work::body::{Left, in_task, poll_body, timed_out};
use crate::task::work::output::{Output, SIBLINGS, attach_failures, give_to_scope};
use crate::tree::children::{cancel, children, end, kill_children, leave};
use crate::tree::current::{Frame, giving_up};
use crate::tree::ending::Ending;
use crate::tree::metering::charged;
use crate::tree::node::TaskRef;
use crate::tree::priority::lend_to_child;
use crate::tree::state::{IN_PLACE, MEMBER};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

pin_project! {
    #[project = StageProj]
    enum Stage<B, T> {
        Body { #[pin] body: B },
        Lingering { output: Option<Output<T>> },
        Done,
    }
}

pin_project! {
    /// A task's body with everything that makes it a task.
    pub(crate) struct Supervised<B, T, R: Runtime> {
        #[pin]
        stage: Stage<B, T>,
        frame: Option<Frame>,
        parent: Option<TaskRef>,
        tending: Option<Pin<Box<Grace<R>>>>,
    }

    impl<B, T, R: Runtime> PinnedDrop for Supervised<B, T, R> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(task) = this.frame.as_ref().map(|frame| frame.task.clone()) else { return };
            let cause = match task.control.state().has(IN_PLACE) {
                true => CancelCause::ScopeDropped,
                false => CancelCause::Shutdown,
            };
            let unasked = task.control.asked().is_none();
            task.control.raise(CancelLevel::Kill, cause);
            // A panic in a destructor must not unwind into the executor, and there is nobody left to report it to.
            let _ = caught(|| in_task(this.frame, || caught(|| drop(this.tending.take()))));
            let _ = caught(|| in_task(this.frame, || caught(|| this.stage.set(Stage::Done))));
            this.frame.take();
            // The scope of a member that another executor has dropped would otherwise never know that it is incomplete.
            if let Some(scope) = this.parent.as_ref()
                && unasked
                && task.control.state().has(MEMBER)
            {
                scope.control.push_failure(AsyncTaskError::Shutdown);
                cancel(scope, CancelLevel::Kill, CancelCause::SiblingFailed);
            }
            let cause = if cause == CancelCause::Shutdown { CancelCause::ParentEnded } else { cause };
            kill_children(&task, cause);
            leave(&task, this.parent.take());
        }
    }
}

impl<B, T, R: Runtime> Supervised<B, T, R> {
    pub(crate) fn new(body: B, task: TaskRef, parent: Option<TaskRef>) -> Self {
        Self { stage: Stage::Body { body }, frame: Some(Frame::new(task)), parent, tending: None }
    }

    /// The task; `None` once it has ended.
    pub(crate) fn task_ref(&self) -> Option<&TaskRef> {
        self.frame.as_ref().map(|frame| &frame.task)
    }
}

impl<B, T, R> Future for Supervised<B, T, R>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    R: Runtime,
{
    type Output = GuardedResult<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<GuardedResult<T>> {
        let mut this = self.project();
        if let StageProj::Body { mut body } = this.stage.as_mut().project() {
            let left = loop {
                if let Poll::Ready(left) = poll_body(body.as_mut(), this.frame, cx) {
                    break left;
                }
                match pause(this.frame, this.parent, this.tending, cx) {
                    Verdict::Wait => return Poll::Pending,
                    Verdict::Killed => break Left::Killed,
                    // The body has looked at the clock a moment before: it looks again, and ends its work itself.
                    Verdict::Overdue if minds_limit(this.frame) => {}
                    Verdict::Overdue => break Left::Overdue,
                    Verdict::Shutdown => break Left::Shutdown,
                }
            };
            let mut output = match left {
                // A body that is ready has dropped its work.
                Left::Ready(result) => Output { ending: ending(this.frame, &result), result },
                left => {
                    let task = this.frame.as_ref().map(|frame| frame.task.clone());
                    let mut drop_body = || {
                        charged(task.as_ref(), || {
                            in_task(this.frame, || caught(|| this.stage.set(Stage::Done)))
                        })
                    };
                    // At a deadline, blocking work that has started is left behind, and not waited for.
                    let (dropped, still_running) = match left {
                        Left::Overdue => giving_up(drop_body),
                        _ => (drop_body(), false),
                    };
                    left.output(this.frame, dropped, still_running)
                }
            };
            if let (Err(error), Some(frame)) = (&mut output.result, &*this.frame)
                && let Some(name) = frame.task.control.name()
            {
                error.name(&name);
            }
            settle(this.frame, this.parent, &mut output);
            this.stage.set(Stage::Lingering { output: Some(output) });
        }
        let (StageProj::Lingering { output }, true) = (this.stage.as_mut().project(), this.frame.is_some())
        else {
            let ended = AsyncTaskError::InvalidState("this task was polled after it had ended");
            return Poll::Ready(GuardedResult::new(Err(ended)));
        };
        if !is_over(this.frame, this.tending) && !has_ended(this.frame, this.parent, this.tending, output, cx)
        {
            return Poll::Pending;
        }
        let (Some(mut output), Some(Frame { task })) = (output.take(), this.frame.take()) else {
            return Poll::Pending;
        };
        if let Some(panic) = this.tending.as_mut().and_then(|tending| tending.as_mut().take_panic()) {
            let value = std::mem::replace(&mut output.result, Err(panic));
            let _ = caught(|| drop(value));
            output.ending = Ending::Failed;
            give_to_scope(&task, this.parent, &mut output);
        }
        if !task.control.is_plain() {
            attach_failures(&task, &mut output);
        }
        let Output { result, ending } = output;
        let mut parcel = GuardedResult::new(result);
        if task.control.is_unwanted() {
            // Dropped here, before anybody hears of the end, and not by the executor after it.
            parcel = GuardedResult::new(Err(AsyncTaskError::Shutdown));
        }
        this.stage.set(Stage::Done);
        end(&task, this.parent.as_ref(), ending);
        Poll::Ready(parcel)
    }
}

/// Something of the task is left: leaves the waker for its end, and passes on what is asked meanwhile. True if it has ended
/// by now.
fn has_ended<T, R: Runtime>(
    slot: &mut Option<Frame>,
    parent: &mut Option<TaskRef>,
    tending: &mut Option<Pin<Box<Grace<R>>>>,
    output: &mut Option<Output<T>>,
    cx: &mut Context<'_>,
) -> bool {
    let verdict = pause(slot, parent, tending, cx);
    // The members of a scope are part of what its limit is on. Nothing else of this can take a value back, but it reaches the
    // children.
    if let (Verdict::Overdue, Some(Frame { task }), Some(output)) = (&verdict, &*slot, output)
        && task.control.is_in_place()
        && output.result.is_ok()
    {
        let value = std::mem::replace(&mut output.result, Err(timed_out(&task.control, false)));
        let _ = caught(|| drop(value));
        output.ending = Ending::TimedOut;
    }
    if !matches!(verdict, Verdict::Wait) {
        if let Some(tending) = tending {
            in_task(slot, || tending.as_mut().drop_callbacks());
        }
        if let Some(Frame { task }) = slot {
            let cause = match (verdict, task.control.asked()) {
                (Verdict::Killed, Some((_, cause))) => cause.passed_on(),
                _ => CancelCause::ParentEnded,
            };
            kill_children(task, cause);
        }
    }
    is_over(slot, tending)
}

/// How a task ends whose body has given `result`.
fn ending<T>(slot: &Option<Frame>, result: &Result<T, AsyncTaskError>) -> Ending {
    match (result, slot) {
        // The body has ended its work itself at the limit.
        (Err(error), Some(Frame { task })) if error.is_timeout() && task.control.has_passed_limit() => {
            Ending::TimedOut
        }
        _ => Ending::of(result),
    }
}

/// True if the body ends its work itself at the limit of the task, and goes on.
fn minds_limit(slot: &Option<Frame>) -> bool {
    slot.as_ref().is_some_and(|frame| frame.task.control.minds_limit())
}

/// After a poll that has to wait: leaves the waker, then looks at what has been asked, and at the clock.
fn pause<R: Runtime>(
    slot: &mut Option<Frame>,
    parent: &mut Option<TaskRef>,
    tending: &mut Option<Pin<Box<Grace<R>>>>,
    cx: &mut Context<'_>,
) -> Verdict {
    let Some(Frame { task }) = slot else { return Verdict::Wait };
    let (state, first) = task.control.pause(cx.waker());
    // A task that has to wait, and that nobody above it would pass a cancellation on to, is remembered by the root scope.
    if first && !task.is_child_here(parent.as_ref()) {
        task.runtime.scope().list_orphan(task);
    }
    if task.control.is_detached() {
        // It is not to keep what has let it go.
        parent.take();
    }
    if state.is_quiet() {
        return Verdict::Wait;
    }
    let tending = match tending {
        Some(tending) => tending,
        None => match task.runtime.own().downcast_ref::<R>() {
            Some(runtime) => tending.insert(Grace::new(runtime.clone())),
            // Its runtime is an `R`: it was spawned with it.
            None => return Verdict::Wait,
        },
    };
    tending.as_mut().tend(slot, cx)
}

/// True once nothing of the task is left but its output.
fn is_over<R: Runtime>(slot: &Option<Frame>, tending: &Option<Pin<Box<Grace<R>>>>) -> bool {
    let Some(Frame { task }) = slot else { return true };
    let calls_back = tending.as_ref().is_some_and(|tending| tending.calls_back());
    !calls_back && (task.control.is_plain() || !task.control.owes_callbacks()) && task.control.is_childless()
}

/// The body is gone: what is that to children, and to the scope that this is a member of?
fn settle<T>(slot: &Option<Frame>, parent: &Option<TaskRef>, output: &mut Output<T>) {
    let Some(task) = slot.as_ref().map(|frame| &frame.task) else { return };
    if task.control.settle() {
        for child in children(task) {
            // Nobody will read what it sends, nor send it anything.
            child.control.close_links();
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
    give_to_scope(task, parent, output);
    // A scope whose body fails after a member: that comes first.
    if is_after_a_member
        && let Err(own) = std::mem::replace(&mut output.result, Err(SIBLINGS))
        && !own.is_siblings()
    {
        task.control.push_failure(own);
    }
}
