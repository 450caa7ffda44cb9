//! The layer around one attempt: a breaker, a limiter, and the attempt timeout.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Governed, Layer};
use crate::breaker::{CircuitBreaker, Ticket};
use crate::error::AsyncTaskError;
use crate::limit::{Limiter, Permit};
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::gate::Gate;
use crate::time::TimeLimiter;
use crate::tree::current::current_task;
use crate::vocabulary::priority::TaskPriority;

pin_project! {
    /// Waits at the gate, runs the work under its time limit, and reports the result to the breaker. If it is
    /// dropped, it returns the permit and the breaker's ticket.
    pub struct Admission<S: RuntimeSource> {
        #[pin]
        limit: TimeLimiter<S>,
        // The permit of work that is no task of its own. A task holds its permit itself, until it has ended.
        permit: Option<Permit<S::Runtime>>,
        ticket: Option<Ticket<S::Runtime>>,
        // `None` once it has admitted the attempt, or has refused it.
        gate: Option<Gate<S>>,
        is_task: bool,
    }
}

/// Work under a breaker and a limiter.
pub type Guarded<B, T, S> = Governed<B, T, Admission<S>>;

impl<B, T, S: RuntimeSource> Guarded<B, T, S> {
    /// Puts a breaker and a limiter around work that is no task of its own.
    #[doc(hidden)]
    pub fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        let limit = TimeLimiter::new(None, source.clone());
        let gate = Some(Gate::new(breaker, limiter, source));
        Self::within(Admission { limit, permit: None, ticket: None, gate, is_task: false }, work)
    }
}

impl<S: RuntimeSource> Admission<S> {
    /// An admission for the work of the task whose body this is in.
    pub(crate) fn of_task(limit: TimeLimiter<S>, gate: Gate<S>) -> Self {
        Self { limit, permit: None, ticket: None, gate: Some(gate), is_task: true }
    }

    /// See [`Gate::enter_queue`].
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        if let Some(gate) = &mut self.gate {
            gate.enter_queue(urgency);
        }
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
                Ok((permit, ticket)) => {
                    *this.ticket = ticket;
                    match (permit, this.is_task.then(current_task).flatten()) {
                        (Some(permit), Some(task)) => task.control.hold_permit(Arc::new(permit)),
                        (permit, _) => *this.permit = permit,
                    }
                }
                Err(refusal) => {
                    // It has ended: the work must not run without its guards if this is polled again.
                    let _ = caught(|| body.as_mut().clear());
                    return Poll::Ready(Err(refusal));
                }
            }
        }
        let result = ready!(this.limit.as_mut().poll(body, cx));
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
    }
}
