//! The life of a spawned task, from its first poll to the end of its last descendant.
//!
//! ```text
//!             kill seen                       body ready, panicked, killed
//!  Body ────────────────────► (body dropped) ◄──────────────────────────── Body
//!                                   │
//!                                   ▼ children left?  no ──► Done: status set, parent told, output given
//!                               Lingering ── last child wakes it ──► Done
//! ```
//!
//! - The kill flag is read before each poll, and again after a pending one once the waker is registered, so killed
//!   work is never polled again and a kill is never slept through.
//! - A ready value wins over a kill that came during the poll.
//! - The output leaves only after the body is dropped and every child has ended: that is what makes an await of the
//!   handle mean that nothing is left.
//! - An executor that drops the task unfinished gets the same bookkeeping from `drop`, without the wait.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::control::{Ending, TaskRef, end, kill_all};
use super::in_place::caught;
use super::parcel::Parcel;
use super::span::within;
use crate::cancel::CancelCause;
use crate::error::AsyncTaskError;
use crate::runtime::{Frame, in_frame};

pin_project! {
    #[project = StageProj]
    enum Stage<B, T> {
        Body { #[pin] body: B },
        Lingering { output: Option<Output<T>> },
        Done,
    }
}

/// What the task will give, and how that is recorded: an error that the work passed on from another task's
/// cancellation is a failure of this one.
struct Output<T> {
    result: Result<T, AsyncTaskError>,
    ending: Ending,
}

pin_project! {
    /// A task's body with everything that makes it a task.
    pub(crate) struct Supervised<B, T> {
        #[pin]
        stage: Stage<B, T>,
        frame: Option<Frame>,
        parent: Option<TaskRef>,
    }

    impl<B, T> PinnedDrop for Supervised<B, T> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(task) = this.frame.as_ref().map(|frame| frame.task.clone()) else { return };
            // The executor is going away with the task on it; this is its end. A panic in a destructor must not
            // unwind into the executor, and there is nobody left to report it to.
            task.control.kill(CancelCause::Shutdown);
            let span = task.control.span();
            let _ = in_frame(this.frame, || within(span.as_deref(), || caught(|| this.stage.set(Stage::Done))));
            if let Some(frame) = this.frame.take() {
                kill_all(frame.children(), CancelCause::ParentEnded);
            }
            end(&task, this.parent.as_ref(), Ending::Cancelled);
        }
    }
}

impl<B, T> Supervised<B, T> {
    pub(crate) fn new(body: B, task: TaskRef, parent: Option<TaskRef>) -> Self {
        Self { stage: Stage::Body { body }, frame: Some(Frame::new(task)), parent }
    }
}

impl<B, T> Future for Supervised<B, T>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    type Output = Parcel<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Parcel<T>> {
        let mut this = self.project();
        if let StageProj::Body { body } = this.stage.as_mut().project() {
            let Poll::Ready(polled) = poll_body(body, this.frame, cx) else {
                list(this.frame, this.parent);
                return Poll::Pending;
            };
            let output = match polled {
                // A body that is ready has dropped its work.
                Ok(result) => {
                    let ending = if result.is_ok() { Ending::Completed } else { Ending::Failed };
                    Output { result, ending }
                }
                // Destructors run inside the frame: what they spawn belongs to this task too.
                Err(cancelled) => {
                    let span = this.frame.as_ref().and_then(|frame| frame.task.control.span());
                    let drop_body = || caught(|| this.stage.set(Stage::Done));
                    match in_frame(this.frame, || within(span.as_deref(), drop_body)) {
                        Ok(()) => Output { result: Err(cancelled), ending: Ending::Cancelled },
                        Err(panic) => Output { result: Err(panic), ending: Ending::Failed },
                    }
                }
            };
            if let (Err(_), Some(frame)) = (&output.result, this.frame.as_ref()) {
                kill_all(frame.children(), CancelCause::ParentEnded);
            }
            this.stage.set(Stage::Lingering { output: Some(output) });
        }
        let (StageProj::Lingering { output }, Some(frame)) =
            (this.stage.as_mut().project(), this.frame.as_ref())
        else {
            let ended = AsyncTaskError::InvalidState("this task was polled after it had ended");
            return Poll::Ready(Parcel::new(Err(ended)));
        };
        let control = &frame.task.control;
        if !control.childless() {
            control.register(cx.waker());
            // A kill that comes now cannot take the value back, but it reaches the children.
            if let Some(cause) = control.kill_cause() {
                kill_all(frame.children(), cause);
            }
            if !control.childless() {
                list(this.frame, this.parent);
                return Poll::Pending;
            }
        }
        let Some(Output { result, ending }) = output.take() else { return Poll::Pending };
        let mut parcel = Parcel::new(result);
        if control.is_unwanted() {
            // Dropped here, before anybody hears of the end, and not by the executor after it.
            parcel = Parcel::new(Err(AsyncTaskError::Shutdown));
        }
        this.stage.set(Stage::Done);
        if let Some(frame) = this.frame.take() {
            end(&frame.task, this.parent.as_ref(), ending);
        }
        Poll::Ready(parcel)
    }
}

/// A task that has to wait, and that nobody above it would pass a kill on to, is remembered by the root scope.
fn list(frame: &Option<Frame>, parent: &Option<TaskRef>) {
    let Some(frame) = frame else { return };
    if !frame.task.is_child_here(parent.as_ref()) && frame.task.control.waits_first() {
        frame.task.runtime.scope().list_orphan(&frame.task);
    }
}

/// Polls the body once: ready with its output, or with the cancellation if it is to be dropped.
fn poll_body<B, T>(
    body: Pin<&mut B>,
    slot: &mut Option<Frame>,
    cx: &mut Context<'_>,
) -> Poll<Result<B::Output, AsyncTaskError>>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    let mut span = None;
    if let Some(frame) = slot.as_ref() {
        if !frame.task.control.begin(frame.task.runtime.scope()) {
            return Poll::Ready(Err(frame.task.control.cancelled()));
        }
        span = frame.task.control.span();
    }
    if let Poll::Ready(output) = in_frame(slot, || within(span.as_deref(), || body.poll(cx))) {
        return Poll::Ready(Ok(output));
    }
    let Some(frame) = slot.as_ref() else { return Poll::Pending };
    let control = &frame.task.control;
    control.register(cx.waker());
    if control.is_killed() { Poll::Ready(Err(control.cancelled())) } else { Poll::Pending }
}
