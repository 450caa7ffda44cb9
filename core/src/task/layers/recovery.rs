//! The recovery: the user's work after a failure, outside of all other policies.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, ENDED, Layer, Layered, Slot};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::task::work::body::timed_out;
use crate::tree::children::pass_on;
use crate::tree::current::{current_task, with_task};
use crate::tree::extras::recovery::{Answer, RecoveryWork, is_recoverable};
use crate::tree::node::TaskRef;
use crate::tree::overdue::giving_up;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

pin_project! {
    /// Work within a layer of policies, and the recovery if that fails.
    pub struct Recovered<B, T, L> {
        // In this order: the layer returns what it holds after the work is dropped.
        #[pin]
        slot: Slot<B, T>,
        #[pin]
        layer: L,
        recovery: Recovery<T>,
    }
}

impl<B, T, L> Recovered<B, T, L> {
    pub(crate) fn new(work: B, layer: L, recovery: Option<RecoveryWork<T>>) -> Self {
        Self { slot: Slot::Work { work }, layer, recovery: Recovery::new(recovery) }
    }

    /// The policies around the work, before the first poll.
    pub(crate) fn layer_mut(&mut self) -> &mut L {
        &mut self.layer
    }
}

impl<B, T, L> Future for Recovered<B, T, L>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    L: Layer,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !this.recovery.is_set() {
            let result = ready!(this.layer.poll(this.slot.as_mut(), cx));
            return Poll::Ready(this.slot.finish(result));
        }
        let work = pin!(Layered { layer: this.layer, body: this.slot.as_mut() });
        let answer = ready!(this.recovery.poll(work, cx));
        Poll::Ready(answer.and_then(|answer| answer.map_or_else(|| this.slot.finish(Ok(())), Ok)))
    }
}

/// The state machine of a recovery, for work of every type: it knows only the type of the value.
pub(crate) struct Recovery<T> {
    work: Option<RecoveryWork<T>>,
    stage: Stage<T>,
}

enum Stage<T> {
    /// The work is under way.
    Work,
    /// It has failed, and some of the tasks that it had spawned have not ended.
    Failed(AsyncTaskError),
    Answer(Answer<T>),
    Done,
}

impl<T> Recovery<T> {
    pub(crate) fn new(work: Option<RecoveryWork<T>>) -> Self {
        Self { work, stage: Stage::Work }
    }

    /// True if there is a recovery.
    pub(crate) fn is_set(&self) -> bool {
        self.work.is_some()
    }

    /// Polls the work and then the recovery. Ready with `None` if the work has succeeded: its value is still
    /// in the slot.
    ///
    /// The recovery is not under the limit on the whole. If there is a recovery, the work is ended here at
    /// the limit of the task that is polled, which is woken then. When the recovery begins, the work is
    /// dropped, and everything that it had spawned has ended.
    pub(crate) fn poll(
        &mut self,
        mut work: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, AsyncTaskError>> {
        if let Stage::Work = self.stage {
            let result = match self.work {
                None => ready!(work.as_mut().poll(cx)),
                Some(_) => ready!(poll_to_limit(work.as_mut(), cx)),
            };
            match result {
                Err(error) if self.work.is_some() && is_recoverable(&error) => {
                    self.stage = Stage::Done;
                    // The work is dropped before the recovery begins; the limit is lifted with it.
                    caught(|| work.as_mut().clear())?;
                    self.stage = Stage::Failed(error);
                    with_task(|task| task.control.lift_limit());
                    if let Some(task) = current_task() {
                        pass_on(&task, CancelLevel::Kill, CancelCause::ParentEnded);
                    }
                }
                ended => {
                    self.stage = Stage::Done;
                    return Poll::Ready(ended.map(|()| None));
                }
            }
        }
        if let Stage::Failed(_) = self.stage {
            if let Some(task) = current_task() {
                if !task.control.poll_childless(cx.waker()) {
                    return Poll::Pending;
                }
                task.control.return_work_permit();
            }
            let failed = std::mem::replace(&mut self.stage, Stage::Done);
            if let (Stage::Failed(error), Some(recovery)) = (failed, &self.work) {
                tracing::debug!(
                    error = format_args!("{error:#}"),
                    "the work has failed, and is recovered from"
                );
                self.stage = Stage::Answer(recovery(error));
            }
        }
        match &mut self.stage {
            Stage::Answer(answer) => answer.as_mut().poll(cx).map_ok(Some),
            _ => Poll::Ready(Err(ENDED)),
        }
    }
}

/// Polls work that a recovery follows: it ends at the limit of the task that is polled here.
fn poll_to_limit(mut work: Pin<&mut dyn Body>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
    with_task(|task| task.control.mind_limit());
    Poll::Ready(match work.as_mut().poll(cx) {
        Poll::Pending if !is_overdue() => return Poll::Pending,
        // On a tie the limit on the whole comes before that on an attempt.
        Poll::Ready(Err(error)) if error.is_of_attempt() && is_overdue() => Err(time_out(work)),
        Poll::Ready(result) => result,
        Poll::Pending => Err(time_out(work)),
    })
}

/// Drops `work`, whose time is up, and returns the error.
fn time_out(work: Pin<&mut dyn Body>) -> AsyncTaskError {
    let (dropped, still_running) = giving_up(|| caught(|| work.clear()));
    let error = || with_task(|task| timed_out(&task.control, still_running));
    dropped.err().or_else(error).unwrap_or(AsyncTaskError::Shutdown)
}

/// True if the limit of the task that is polled here has passed.
fn is_overdue() -> bool {
    let is_overdue = |task: &TaskRef| {
        let control = &task.control;
        !control.is_shielded()
            && control.own_deadline().is_some_and(|deadline| task.runtime.clock() >= deadline)
    };
    with_task(is_overdue) == Some(true)
}
