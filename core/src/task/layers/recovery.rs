//! The recovery: the user's work after a failure, outside of all other policies.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, ENDED, Holds, Layer, Layered, Slot, clear_then, finish};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::admission::Admission;
use crate::task::work::body::timed_out;
use crate::tree::children::pass_on;
use crate::tree::current::{current_task, with_task};
use crate::tree::extras::recovery::{Answer, RecoveryWork, is_recoverable};
use crate::tree::node::TaskRef;
use crate::tree::overdue::giving_up;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

pin_project! {
    /// Work within its policies, and the recovery if that fails.
    pub struct Recovered<B, T, S: RuntimeSource> {
        // In this order: the layer returns what it holds after the work is dropped.
        #[pin]
        slot: Slot<B, T>,
        layer: Admission<S>,
        // In a box: most work has none.
        recovery: Option<Box<Recovery<T>>>,
    }
}

impl<B, T, S: RuntimeSource> Recovered<B, T, S> {
    pub(crate) fn new(work: B, layer: Admission<S>, recovery: Option<RecoveryWork<T>>) -> Self {
        Self { slot: Slot::Work { work }, layer, recovery: Recovery::boxed(recovery) }
    }

    /// The policies around the work, before the first poll.
    pub(crate) fn layer_mut(&mut self) -> &mut Admission<S> {
        &mut self.layer
    }
}

impl<B, T, S> Body for Recovered<B, T, S>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        let layer = pin!(this.layer.layer());
        let Some(recovery) = this.recovery else { return layer.poll(this.slot, cx) };
        let work = pin!(Layered { layer, body: this.slot.as_mut() });
        let answer = ready!(recovery.poll(work, cx));
        *this.recovery = None;
        this.slot.keep_answer(answer)
    }
}

impl<B, T, S: RuntimeSource> Clear for Recovered<B, T, S> {
    fn clear(self: Pin<&mut Self>) {
        let this = self.project();
        let recovery = this.recovery.take();
        clear_then(this.slot, || Pin::new(&mut *this.layer).release());
        drop(recovery);
    }
}

impl<B, T, S> Holds<T> for Recovered<B, T, S>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().slot.take()
    }
}

impl<B, T, S> Future for Recovered<B, T, S>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Body::poll(self.as_mut(), cx));
        Poll::Ready(finish(self, result))
    }
}

/// The state machine of a recovery, for work of every type: it knows only the type of the value.
pub(crate) struct Recovery<T> {
    work: RecoveryWork<T>,
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
    /// The recovery, if there is one.
    pub(crate) fn boxed(work: Option<RecoveryWork<T>>) -> Option<Box<Self>> {
        work.map(|work| Box::new(Self { work, stage: Stage::Work }))
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
            match ready!(poll_to_limit(work.as_mut(), cx)) {
                Err(error) if is_recoverable(&error) => {
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
            if let Stage::Failed(error) = failed {
                tracing::debug!(
                    error = format_args!("{error:#}"),
                    "the work has failed, and is recovered from"
                );
                self.stage = Stage::Answer((self.work)(error));
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
