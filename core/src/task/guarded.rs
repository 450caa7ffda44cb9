//! One attempt behind a breaker and a limiter.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::breaker::{CircuitBreaker, Ticket};
use crate::error::AsyncTaskError;
use crate::limit::{Acquire, Limiter, Permit};
use crate::runtime::RuntimeSource;

pin_project! {
    /// Asks the breaker, waits for the limiter, does the work, and tells both. Dropped, it drops the work first.
    pub struct Guarded<B, S: RuntimeSource> {
        #[pin]
        work: Option<B>,
        // In line for a place.
        coming: Option<Acquire<S::Runtime>>,
        permit: Option<Permit<S::Runtime>>,
        ticket: Option<Ticket<S::Runtime>>,
        // `None` once they were asked.
        guards: Option<(Option<CircuitBreaker>, Option<Limiter>)>,
        source: S,
    }
}

impl<B, S: RuntimeSource> Guarded<B, S> {
    pub(crate) fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        let guards = Some((breaker, limiter));
        Self { work: Some(work), coming: None, permit: None, ticket: None, guards, source }
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
        match this.guards.take() {
            None | Some((None, None)) => {}
            Some((breaker, limiter)) => {
                let runtime = this.source.resolve()?;
                *this.ticket = breaker.map(|breaker| breaker.admit(runtime.clone())).transpose()?;
                *this.coming = limiter.map(|limiter| limiter.acquire(runtime));
            }
        }
        if let Some(coming) = this.coming {
            *this.permit = Some(ready!(Pin::new(coming).poll(cx))?);
            *this.coming = None;
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
