//! The layer around one attempt: a breaker, a limiter, the attempt timeout, and chaos.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Governed, Layer};
use crate::breaker::{CircuitBreaker, Ticket};
use crate::chaos::Chaos;
use crate::error::AsyncTaskError;
use crate::limit::{Limiter, Permit};
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::gate::Gate;
use crate::task::layers::injection::{BoxedInjection, Injected};
use crate::time::{TimeLimit, TimeLimiter};
use crate::tree::current::{with_registered, with_task};
use crate::tree::node::TaskRef;
use crate::vocabulary::priority::TaskPriority;

pin_project! {
    /// Waits at the gate, runs the work under its time limit, and reports the result to the breaker. If it is
    /// dropped, it returns the permit and the breaker's ticket.
    pub struct Admission<S: RuntimeSource> {
        #[pin]
        limit: TimeLimiter<S>,
        // The permit of work that is no task of its own, or whose task is not registered yet. A registered
        // task holds its permit itself, until it has ended.
        permit: Option<Permit<S>>,
        ticket: Option<Ticket<S>>,
        // `None` once it has admitted the attempt, or has refused it.
        gate: Option<Gate<S>>,
        // The faults that the work begins with. `None` without chaos, and once the work has begun.
        injection: Option<BoxedInjection<S::Runtime>>,
        is_task: bool,
    }
}

/// Work under a breaker and a limiter.
pub type Guarded<B, T, S> = Governed<B, T, Admission<S>>;

impl<B, T, S: RuntimeSource> Guarded<B, T, S> {
    /// Puts a breaker and a limiter around work that is no task of its own.
    #[doc(hidden)]
    pub fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        let limit = TimeLimiter::new(TimeLimit::default(), source.clone());
        let gate = Gate::new(breaker, limiter, source);
        Self::within(Admission { is_task: false, ..Admission::of_task(limit, gate) }, work)
    }

    /// Puts chaos around work that is no task of its own.
    #[doc(hidden)]
    pub fn under_chaos(work: B, chaos: Chaos, source: S) -> Self {
        let limit = TimeLimiter::new(TimeLimit::default(), source.clone());
        let gate = Gate::new(None, None, source).with_chaos(Some(Arc::new(chaos)));
        Self::within(Admission { is_task: false, ..Admission::of_task(limit, gate) }, work)
    }
}

impl<S: RuntimeSource> Admission<S> {
    /// An admission for the work of the task whose body this is in.
    pub(crate) fn of_task(limit: TimeLimiter<S>, gate: Gate<S>) -> Self {
        Self { limit, permit: None, ticket: None, gate: Some(gate), injection: None, is_task: true }
    }

    /// See [`Gate::enter_queue`].
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        if let Some(gate) = &mut self.gate {
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
        if let Some(gate) = this.gate {
            let passed = ready!(gate.poll_pass(cx));
            *this.gate = None;
            match passed {
                Ok((permit, ticket, injection)) => {
                    *this.ticket = ticket;
                    *this.injection = injection;
                    *this.permit = permit;
                }
                Err(refusal) => {
                    // It has ended: the work must not run without its guards if this is polled again.
                    let _ = caught(|| body.as_mut().clear());
                    return Poll::Ready(Err(refusal));
                }
            }
        }
        if *this.is_task && this.permit.is_some() {
            // Before the work goes on: what a time limit leaves running, also one inside of the work, keeps
            // the permit of its task. For a limit of its own the task is registered.
            let _ = match this.limit.is_set() {
                true => with_task(|task| hand_over(this.permit, task)),
                false => with_registered(|task| hand_over(this.permit, task)),
            };
        }
        let polled = if this.injection.is_none() {
            this.limit.as_mut().poll(body, cx)
        } else {
            let body = pin!(Injected { injection: this.injection, body });
            this.limit.as_mut().poll(body, cx)
        };
        if *this.is_task && this.permit.is_some() {
            // The poll may have registered the task.
            with_registered(|task| hand_over(this.permit, task));
        }
        let result = ready!(polled);
        this.limit.release();
        *this.permit = None;
        if let Some(ticket) = this.ticket.take() {
            ticket.report(&result);
        }
        Poll::Ready(result)
    }

    fn release(self: Pin<&mut Self>) {
        let this = self.project();
        this.limit.release();
        *this.permit = None;
        *this.ticket = None;
        *this.gate = None;
        *this.injection = None;
    }
}
