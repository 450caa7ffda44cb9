//! What stands before one attempt: a breaker and a limiter.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::breaker::{CircuitBreaker, Ticket};
use crate::error::AsyncTaskError;
use crate::limit::{Acquire, Limiter, Permit};
use crate::runtime::RuntimeSource;
use crate::vocabulary::priority::TaskPriority;

/// Asks the breaker, waits for a place of the limiter, and asks the breaker again: what stands in line is no call yet. So it
/// takes none of the calls that a half-open breaker permits, and does not begin if the breaker has opened meanwhile.
pub(crate) struct Gate<S: RuntimeSource> {
    breaker: Option<CircuitBreaker>,
    limiter: Option<Limiter>,
    source: S,
    /// In line for a place.
    coming: Option<Acquire<S::Runtime>>,
    /// What was said before the first poll.
    refusal: Option<AsyncTaskError>,
}

/// What a call holds that was let through.
pub(crate) type Passed<R> = (Option<Permit<R>>, Option<Ticket<R>>);

impl<S: RuntimeSource> Gate<S> {
    pub(crate) fn new(breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        Self { breaker, limiter, source, coming: None, refusal: None }
    }

    /// One like it, that has not been asked.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.breaker.clone(), self.limiter.clone(), self.source.clone())
    }

    /// Takes a place in the line before the first poll. A task that is spawned stands there from then on: its executor may
    /// be so busy that its first poll, which comes in no order of urgency, is what it would wait for longest.
    pub(crate) fn come(&mut self, urgency: TaskPriority) {
        let come = |coming: Option<&mut Acquire<_>>| coming.map_or(Ok(()), |coming| coming.come(urgency));
        self.refusal = self.line_up().and_then(come).err();
    }

    /// What waits for the place, where there is a limiter.
    fn line_up(&mut self) -> Result<Option<&mut Acquire<S::Runtime>>, AsyncTaskError> {
        if let Some(limiter) = self.limiter.take() {
            let runtime = self.source.resolve().map_err(|error| error.not_started(None))?;
            if let Some(breaker) = &self.breaker {
                breaker.would_admit(&runtime)?;
            }
            self.coming = Some(limiter.acquire(runtime));
        }
        Ok(self.coming.as_mut())
    }

    /// Ready once: polled again, it lets nothing through a second time.
    pub(crate) fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Passed<S::Runtime>, AsyncTaskError>> {
        let passed = match self.refusal.take() {
            Some(refusal) => Err(refusal),
            None => ready!(self.poll_place(cx)).and_then(|place| {
                let admit = |breaker: CircuitBreaker| {
                    breaker.admit(self.source.resolve().map_err(|error| error.not_started(None))?)
                };
                Ok((place, self.breaker.take().map(admit).transpose()?))
            }),
        };
        self.coming = None;
        Poll::Ready(passed)
    }

    fn poll_place(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Permit<S::Runtime>>, AsyncTaskError>> {
        match self.line_up()? {
            Some(coming) => Pin::new(coming).poll(cx).map_ok(Some),
            None => Poll::Ready(Ok(None)),
        }
    }
}
