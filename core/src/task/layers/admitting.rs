//! An attempt that waits for its admission, or that did not end in its first poll: a breaker, a limiter, the
//! attempt timeout, and chaos.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::body::{Body, ENDED, Layer};
use crate::error::AsyncTaskError;
use crate::limit::Permit;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::gate::{Gate, Passed};
use crate::task::layers::injection::Injected;
use crate::time::BoxedLimiter;
use crate::tree::current::{with_registered, with_task};
use crate::tree::node::TaskRef;
use crate::vocabulary::priority::TaskPriority;

/// Waits at the gate, runs the work under its time limit, and reports the result to the breaker. If it is
/// dropped, it returns the permit and the breaker's ticket. It can be moved: its timers are in boxes.
pub(crate) struct Admitting<S: RuntimeSource> {
    limit: BoxedLimiter<S>,
    stage: Stage<S>,
    is_task: bool,
}

enum Stage<S: RuntimeSource> {
    /// The attempt is not admitted yet.
    Gate(Gate<S>),
    /// It is admitted. The permit is that of work that is no task of its own, or whose task is not registered
    /// yet: a registered task holds its permit itself, until it has ended. The faults are those that the work
    /// begins with, until it has begun.
    Admitted(Passed<S>),
}

// Its timers are in boxes, and nothing else is pinned.
impl<S: RuntimeSource> Unpin for Admitting<S> {}

impl<S: RuntimeSource> Admitting<S> {
    /// An attempt that is not admitted yet. `is_task` is true for the work of the task whose body this is in.
    pub(crate) fn new(limit: BoxedLimiter<S>, gate: Gate<S>, is_task: bool) -> Self {
        Self { limit, stage: Stage::Gate(gate), is_task }
    }

    /// An attempt that was admitted, and is under way.
    pub(crate) fn admitted(limit: BoxedLimiter<S>, passed: Passed<S>, is_task: bool) -> Self {
        Self { limit, stage: Stage::Admitted(passed), is_task }
    }

    /// See [`Gate::enter_queue`].
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        if let Stage::Gate(gate) = &mut self.stage {
            gate.enter_queue(urgency);
        }
    }
}

/// Gives the permit to the task.
pub(crate) fn hand_over<S: RuntimeSource>(permit: &mut Option<Permit<S>>, task: &TaskRef) {
    if let Some(permit) = permit.take() {
        task.control.hold_permit(Arc::new(permit));
    }
}

impl<S: RuntimeSource> Layer for Admitting<S> {
    fn poll(
        self: Pin<&mut Self>,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        if let Stage::Gate(gate) = &mut this.stage {
            match ready!(gate.poll_pass(cx)) {
                Ok(passed) => this.stage = Stage::Admitted(passed),
                Err(refusal) => {
                    this.stage = Stage::Admitted(Passed::default());
                    // It has ended: the work must not run without its guards if this is polled again.
                    let _ = caught(|| body.as_mut().clear());
                    return Poll::Ready(Err(refusal));
                }
            }
        }
        let Stage::Admitted(Passed { permit, ticket, injection }) = &mut this.stage else {
            return Poll::Ready(Err(ENDED));
        };
        if this.is_task && permit.is_some() {
            // Before the work goes on: what a time limit leaves running, also one inside of the work, keeps
            // the permit of its task. For a limit of its own the task is registered.
            let _ = match this.limit.is_set() {
                true => with_task(|task| hand_over(permit, task)),
                false => with_registered(|task| hand_over(permit, task)),
            };
        }
        let polled = if injection.is_none() {
            Pin::new(&mut this.limit).poll(body, cx)
        } else {
            let body = pin!(Injected { injection, body });
            Pin::new(&mut this.limit).poll(body, cx)
        };
        if this.is_task && permit.is_some() {
            // The poll may have registered the task.
            with_registered(|task| hand_over(permit, task));
        }
        let result = ready!(polled);
        Pin::new(&mut this.limit).release();
        *permit = None;
        if let Some(ticket) = ticket.take() {
            ticket.report(&result);
        }
        Poll::Ready(result)
    }

    fn release(self: Pin<&mut Self>) {
        let this = self.get_mut();
        Pin::new(&mut this.limit).release();
        this.stage = Stage::Admitted(Passed::default());
    }
}
