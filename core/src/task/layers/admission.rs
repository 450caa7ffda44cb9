//! The layer around one attempt: a breaker, a limiter, the attempt timeout, and chaos.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, ENDED, Governed, Layer};
use crate::breaker::CircuitBreaker;
use crate::chaos::Chaos;
use crate::error::AsyncTaskError;
use crate::limit::{Limiter, Permit};
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::gate::{Gate, Passed};
use crate::task::layers::injection::Injected;
use crate::task::settings::resilience::Guards;
use crate::time::{BoxedLimiter, TimeLimit, TimeLimiter};
use crate::tree::current::{with_registered, with_task};
use crate::tree::node::TaskRef;
use crate::vocabulary::priority::TaskPriority;

pin_project! {
    /// Waits at the gate, runs the work under its time limit, and reports the result to the breaker. If it is
    /// dropped, it returns the permit and the breaker's ticket.
    pub struct Admission<S: RuntimeSource> {
        #[pin]
        limit: BoxedLimiter<S>,
        stage: Stage<S>,
        is_task: bool,
    }
}

enum Stage<S: RuntimeSource> {
    /// The attempt is not admitted yet.
    Gate(Gate<S>),
    /// It is admitted. The permit is that of work that is no task of its own, or whose task is not registered
    /// yet: a registered task holds its permit itself, until it has ended. The faults are those that the work
    /// begins with, until it has begun.
    Admitted(Passed<S>),
}

/// Work under a breaker and a limiter.
pub type Guarded<B, T, S> = Governed<B, T, Admission<S>>;

impl<B, T, S: RuntimeSource> Guarded<B, T, S> {
    /// Puts a breaker and a limiter around work that is no task of its own.
    #[doc(hidden)]
    pub fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        let limit = TimeLimiter::new(TimeLimit::default(), source.clone());
        let gate = Gate::new(Guards { breaker, limiter, chaos: None }, source);
        Self::within(Admission { is_task: false, ..Admission::of_task(limit, gate) }, work)
    }

    /// Puts chaos around work that is no task of its own.
    #[doc(hidden)]
    pub fn under_chaos(work: B, chaos: Chaos, source: S) -> Self {
        let limit = TimeLimiter::new(TimeLimit::default(), source.clone());
        let chaos = Some(Arc::new(chaos));
        let gate = Gate::new(Guards { chaos, ..Guards::default() }, source);
        Self::within(Admission { is_task: false, ..Admission::of_task(limit, gate) }, work)
    }
}

impl<S: RuntimeSource> Admission<S> {
    /// An admission for the work of the task whose body this is in.
    pub(crate) fn of_task(limit: BoxedLimiter<S>, gate: Gate<S>) -> Self {
        Self { limit, stage: Stage::Gate(gate), is_task: true }
    }

    /// See [`Gate::enter_queue`].
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        if let Stage::Gate(gate) = &mut self.stage {
            gate.enter_queue(urgency);
        }
    }
}

/// Gives the permit to the task.
fn hand_over<S: RuntimeSource>(permit: &mut Option<Permit<S>>, task: &TaskRef) {
    if let Some(permit) = permit.take() {
        task.control.hold_permit(Arc::new(permit));
    }
}

impl<S: RuntimeSource> Layer for Admission<S> {
    fn poll(
        self: Pin<&mut Self>,
        mut body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        if let Stage::Gate(gate) = this.stage {
            match ready!(gate.poll_pass(cx)) {
                Ok(passed) => *this.stage = Stage::Admitted(passed),
                Err(refusal) => {
                    *this.stage = Stage::Admitted(Passed::default());
                    // It has ended: the work must not run without its guards if this is polled again.
                    let _ = caught(|| body.as_mut().clear());
                    return Poll::Ready(Err(refusal));
                }
            }
        }
        let Stage::Admitted(Passed { permit, ticket, injection }) = this.stage else {
            return Poll::Ready(Err(ENDED));
        };
        if *this.is_task && permit.is_some() {
            // Before the work goes on: what a time limit leaves running, also one inside of the work, keeps
            // the permit of its task. For a limit of its own the task is registered.
            let _ = match this.limit.is_set() {
                true => with_task(|task| hand_over(permit, task)),
                false => with_registered(|task| hand_over(permit, task)),
            };
        }
        let polled = if injection.is_none() {
            this.limit.as_mut().poll(body, cx)
        } else {
            let body = pin!(Injected { injection, body });
            this.limit.as_mut().poll(body, cx)
        };
        if *this.is_task && permit.is_some() {
            // The poll may have registered the task.
            with_registered(|task| hand_over(permit, task));
        }
        let result = ready!(polled);
        this.limit.release();
        *permit = None;
        if let Some(ticket) = ticket.take() {
            ticket.report(&result);
        }
        Poll::Ready(result)
    }

    fn release(self: Pin<&mut Self>) {
        let this = self.project();
        this.limit.release();
        *this.stage = Stage::Admitted(Passed::default());
    }
}
