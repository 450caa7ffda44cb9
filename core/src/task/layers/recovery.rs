//! The user's work for a failure, behind all else.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::task::work::body::timed_out;
use crate::tree::children::pass_on;
use crate::tree::current::{Frame, current_task, giving_up, with_frame};
use crate::tree::recovery::{Answer, RecoveryWork, is_recoverable};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

pin_project! {
    /// `work` and, where that fails, the recovery, which the limit on the whole is not on: with a recovery, it is this that
    /// ends the work at the limit of the task that is polled here, which wakes it then. Of what has failed nothing is left
    /// when the recovery begins.
    pub struct Recovered<G, T> {
        #[pin]
        work: Option<G>,
        recovery: Option<RecoveryWork<T>>,
        // Why the work has failed, until all that it had spawned is gone.
        failure: Option<AsyncTaskError>,
        answer: Option<Answer<T>>,
    }
}

impl<G, T> Recovered<G, T> {
    pub(crate) fn new(work: G, recovery: Option<RecoveryWork<T>>) -> Self {
        Self { work: Some(work), recovery, failure: None, answer: None }
    }

    /// What the recovery stands behind, before the first poll.
    pub(crate) fn work_mut(&mut self) -> Option<&mut G> {
        self.work.as_mut()
    }
}

impl<G, T> Future for Recovered<G, T>
where
    G: Future<Output = Result<T, AsyncTaskError>>,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(answer) = this.answer {
            return answer.as_mut().poll(cx);
        }
        if this.failure.is_none() {
            let Some(work) = this.work.as_mut().as_pin_mut() else { return Poll::Ready(Err(ENDED)) };
            if this.recovery.is_some() {
                with_frame(|frame| frame.task.control.mind_limit());
            }
            let polled = work.poll(cx);
            if this.recovery.is_none() {
                return polled;
            }
            let result = match polled {
                Poll::Pending if !is_overdue() => return Poll::Pending,
                // On a tie the limit on the whole comes before that on an attempt.
                Poll::Ready(Err(error)) if error.is_of_attempt() && is_overdue() => {
                    Err(late(this.work.as_mut()))
                }
                Poll::Ready(result) => result,
                Poll::Pending => Err(late(this.work.as_mut())),
            };
            let error = match result {
                Err(error) if is_recoverable(&error) => error,
                ended => return Poll::Ready(ended),
            };
            // Gone before the recovery begins, and with it the limit.
            caught(|| this.work.set(None))?;
            *this.failure = Some(error);
            with_frame(|frame| frame.task.control.lift_limit());
            if let Some(task) = current_task() {
                pass_on(&task, CancelLevel::Kill, CancelCause::ParentEnded);
            }
        }
        if let Some(task) = current_task() {
            if !task.control.poll_childless(cx.waker()) {
                return Poll::Pending;
            }
            task.control.give_back();
        }
        let (Some(recovery), Some(error)) = (this.recovery, this.failure.take()) else {
            return Poll::Ready(Err(ENDED));
        };
        tracing::debug!(error = format_args!("{error:#}"), "the work has failed, and is recovered from");
        let answer = this.answer.insert(recovery(error));
        Poll::Ready(ready!(answer.as_mut().poll(cx)))
    }
}

const ENDED: AsyncTaskError = AsyncTaskError::InvalidState("this future was polled after it had ended");

/// Drops `work`, whose time is up; gives the error.
fn late<G>(mut work: Pin<&mut Option<G>>) -> AsyncTaskError {
    let (dropped, still_running) = giving_up(|| caught(|| work.set(None)));
    let late = || with_frame(|frame| timed_out(&frame.task.control, still_running));
    dropped.err().or_else(late).unwrap_or(AsyncTaskError::Shutdown)
}

/// True if the limit of the task that is polled here has passed.
fn is_overdue() -> bool {
    let is_overdue = |frame: &mut Frame| {
        let control = &frame.task.control;
        !control.is_shielded()
            && control.own_deadline().is_some_and(|deadline| frame.task.runtime.clock() >= deadline)
    };
    with_frame(is_overdue) == Some(true)
}
