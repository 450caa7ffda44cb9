//! One attempt behind a breaker and a limiter.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::breaker::{CircuitBreaker, Ticket};
use crate::error::AsyncTaskError;
use crate::limit::{Limiter, Permit};
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::gate::Gate;
use crate::tree::current::current_task;
use crate::vocabulary::priority::TaskPriority;

pin_project! {
    /// Passes the gate, does the work, and tells the breaker. Dropped, it drops the work first.
    pub struct Guarded<B, S: RuntimeSource> {
        #[pin]
        work: Option<B>,
        // Of work that is no task of its own; a task keeps its place until it has ended.
        permit: Option<Permit<S::Runtime>>,
        ticket: Option<Ticket<S::Runtime>>,
        // `None` once it was passed, or has refused.
        gate: Option<Gate<S>>,
        is_task: bool,
    }
}

impl<B, S: RuntimeSource> Guarded<B, S> {
    /// For work that is no task of its own.
    #[doc(hidden)]
    pub fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        Self { is_task: false, ..Self::of_task(work, Gate::new(breaker, limiter, source)) }
    }

    /// For the work of the task in whose body this is.
    pub(crate) fn of_task(work: B, gate: Gate<S>) -> Self {
        Self { work: Some(work), permit: None, ticket: None, gate: Some(gate), is_task: true }
    }

    /// See [`Gate::come`].
    pub(crate) fn come(&mut self, urgency: TaskPriority) {
        if let Some(gate) = &mut self.gate {
            gate.come(urgency);
        }
    }
}

impl<B, T, S> Future for Guarded<B, S>
where
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(gate) = this.gate {
            let passed = ready!(gate.poll_pass(cx));
            *this.gate = None;
            match passed {
                Ok((permit, ticket)) => {
                    *this.ticket = ticket;
                    match (permit, this.is_task.then(current_task).flatten()) {
                        (Some(permit), Some(task)) => task.control.hold(Arc::new(permit)),
                        (permit, _) => *this.permit = permit,
                    }
                }
                Err(refusal) => {
                    // It has ended: polled again, it is not to do the work past its guards.
                    let _ = caught(|| this.work.set(None));
                    return Poll::Ready(Err(refusal));
                }
            }
        }
        let Some(work) = this.work.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(AsyncTaskError::InvalidState(
                "this future was polled after it had ended",
            )));
        };
        let result = ready!(work.poll(cx));
        this.work.set(None);
        *this.permit = None;
        if let Some(ticket) = this.ticket.take() {
            ticket.tell(&result);
        }
        Poll::Ready(result)
    }
}
