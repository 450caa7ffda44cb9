//! The gate of one attempt: a breaker and a limiter.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::breaker::{CircuitBreaker, Ticket};
use crate::error::AsyncTaskError;
use crate::limit::{Acquire, Permit};
use crate::runtime::RuntimeSource;
use crate::task::layers::injection::{BoxedInjection, Injection};
use crate::task::settings::resilience::Guards;
use crate::vocabulary::priority::TaskPriority;

/// Asks the breaker, waits for a permit of the limiter, and asks the breaker again: a waiter is no call yet.
/// So it takes none of the calls that a half-open breaker permits, and does not begin if the breaker has
/// opened meanwhile.
pub(crate) struct Gate<S: RuntimeSource> {
    /// The limiter is taken out once the wait for a permit has begun, the others once the attempt is admitted,
    /// which begins with the faults of the chaos.
    guards: Guards,
    source: S,
    /// The wait for a permit.
    waiting: Option<Acquire<S>>,
    /// The refusal of `enter_queue`, or an invalid setting of the chaos, for the first poll.
    refusal: Option<AsyncTaskError>,
}

/// The permit, the ticket and the injected faults of an admitted attempt. They are given back in this order.
pub(crate) struct Passed<S: RuntimeSource> {
    pub(crate) permit: Option<Permit<S>>,
    pub(crate) ticket: Option<Ticket<S>>,
    pub(crate) injection: Option<BoxedInjection<S::Runtime>>,
}

impl<S: RuntimeSource> Default for Passed<S> {
    fn default() -> Self {
        Self { permit: None, ticket: None, injection: None }
    }
}

impl<S: RuntimeSource> Gate<S> {
    /// A gate. It refuses the attempt if the chaos has an invalid rate.
    pub(crate) fn new(guards: Guards, source: S) -> Self {
        let refusal = guards.chaos.as_ref().and_then(|chaos| chaos.check().err());
        Self { guards, source, waiting: None, refusal }
    }

    /// Enters the limiter's queue before the first poll, so that a spawned task waits there from its spawn
    /// on. On a busy executor the wait for the first poll, which comes in no order of urgency, may be the
    /// longest of all.
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        if self.refusal.is_some() {
            return;
        }
        self.refusal = match self.begin_wait() {
            Ok(Some(waiting)) => waiting.enter(urgency).err(),
            Ok(None) => None,
            Err(refusal) => Some(refusal),
        };
    }

    /// The wait for a permit, begun on first use; `None` without a limiter.
    fn begin_wait(&mut self) -> Result<Option<&mut Acquire<S>>, AsyncTaskError> {
        if let Some(limiter) = self.guards.limiter.take() {
            self.ask_breaker()?;
            self.waiting = Some(limiter.acquire(self.source.clone()));
        }
        Ok(self.waiting.as_mut())
    }

    /// Fails if the breaker refuses calls.
    fn ask_breaker(&self) -> Result<(), AsyncTaskError> {
        self.guards.breaker.as_ref().map_or(Ok(()), |breaker| breaker.would_admit(&self.source))
    }

    /// Ready once. It must not be polled after that: a second poll would ask neither breaker nor limiter.
    pub(crate) fn poll_pass(&mut self, cx: &mut Context<'_>) -> Poll<Result<Passed<S>, AsyncTaskError>> {
        let passed = match self.refusal.take() {
            Some(refusal) => Err(refusal),
            None => ready!(self.poll_permit(cx)).and_then(|permit| {
                let injection = self.injection()?;
                let admit = |breaker: CircuitBreaker| breaker.admit(self.source.clone());
                Ok(Passed { permit, ticket: self.guards.breaker.take().map(admit).transpose()?, injection })
            }),
        };
        if self.waiting.is_some() {
            self.waiting = None;
        }
        Poll::Ready(passed)
    }

    /// The faults that the attempt begins with; `None` where none can be drawn.
    fn injection(&mut self) -> Result<Option<BoxedInjection<S::Runtime>>, AsyncTaskError> {
        let Some(chaos) = self.guards.chaos.take().filter(|chaos| chaos.is_possible()) else {
            return Ok(None);
        };
        let runtime = self.source.resolve().map_err(|error| error.not_started(None))?;
        Ok(Some(Injection::boxed(chaos, runtime)))
    }

    fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Permit<S>>, AsyncTaskError>> {
        if let Some(limiter) = self.guards.limiter.take() {
            self.ask_breaker()?;
            // A permit that is free needs no place in the queue.
            match limiter.try_acquire(&self.source) {
                Ok(permit) => return Poll::Ready(Ok(Some(permit))),
                Err(limiter) => self.waiting = Some(limiter.acquire(self.source.clone())),
            }
        }
        match &mut self.waiting {
            Some(waiting) => Pin::new(waiting).poll(cx).map_ok(Some),
            None => Poll::Ready(Ok(None)),
        }
    }
}
