//! One attempt behind a breaker and a limiter.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::breaker::{CircuitBreaker, Ticket};
use crate::error::AsyncTaskError;
use crate::limit::{Acquire, Limiter, Permit, TaskPriority};
use crate::runtime::RuntimeSource;
use crate::task::caught;

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
        // What they have said before the first poll.
        refusal: Option<AsyncTaskError>,
        source: S,
    }
}

impl<B, S: RuntimeSource> Guarded<B, S> {
    #[doc(hidden)]
    pub fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        let guards = Some((breaker, limiter));
        Self { work: Some(work), coming: None, permit: None, ticket: None, guards, refusal: None, source }
    }
}

impl<B, S: RuntimeSource> Guarded<B, S> {
    /// Asks before the first poll. A task that is spawned stands in line from then on: its executor may be so busy that its
    /// first poll, which comes in no order of urgency, is what it would wait for longest.
    pub(super) fn come(&mut self, urgency: TaskPriority) {
        let asked = ask(&self.source, &mut self.guards, &mut self.ticket, &mut self.coming);
        let come = |()| self.coming.as_mut().map_or(Ok(()), |coming| coming.come(urgency));
        self.refusal = asked.and_then(come).err();
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
        let asked = match this.refusal.take() {
            Some(refusal) => Err(refusal),
            None => ask(this.source, this.guards, this.ticket, this.coming),
        };
        let come = match (asked, &mut *this.coming) {
            (Ok(()), Some(coming)) => ready!(Pin::new(coming).poll(cx)).map(Some),
            (asked, _) => asked.map(|()| None),
        };
        match come {
            Ok(Some(permit)) => {
                *this.permit = Some(permit);
                *this.coming = None;
            }
            Ok(None) => {}
            Err(refusal) => {
                // It has ended: polled again, it is not to do the work past its guards.
                *this.coming = None;
                let _ = caught(|| this.work.set(None));
                return Poll::Ready(Err(refusal));
            }
        }
        if let Some(ticket) = this.ticket.as_mut() {
            ticket.begin();
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

/// Asks the breaker, and the limiter for a place; once.
fn ask<S: RuntimeSource>(
    source: &S,
    guards: &mut Option<(Option<CircuitBreaker>, Option<Limiter>)>,
    ticket: &mut Option<Ticket<S::Runtime>>,
    coming: &mut Option<Acquire<S::Runtime>>,
) -> Result<(), AsyncTaskError> {
    let Some((breaker, limiter)) = guards.take().filter(|guards| !matches!(guards, (None, None))) else {
        return Ok(());
    };
    let runtime = source.resolve()?;
    *ticket = breaker.map(|breaker| breaker.admit(runtime.clone())).transpose()?;
    *coming = limiter.map(|limiter| limiter.acquire(runtime));
    Ok(())
}
