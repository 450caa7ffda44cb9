//! The gate of one attempt: a breaker and a limiter.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::breaker::{CircuitBreaker, Ticket};
use crate::chaos::Chaos;
use crate::error::AsyncTaskError;
use crate::limit::{Acquire, Limiter, Permit};
use crate::runtime::RuntimeSource;
use crate::task::layers::injection::{BoxedInjection, Injection};
use crate::vocabulary::priority::TaskPriority;

/// Asks the breaker, waits for a permit of the limiter, and asks the breaker again: a waiter is no call yet.
/// So it takes none of the calls that a half-open breaker permits, and does not begin if the breaker has
/// opened meanwhile.
pub(crate) struct Gate<S: RuntimeSource> {
    breaker: Option<CircuitBreaker>,
    limiter: Option<Limiter>,
    /// The faults that the admitted attempt begins with.
    chaos: Option<Arc<Chaos>>,
    source: S,
    /// The wait for a permit.
    waiting: Option<Acquire<S>>,
    /// The refusal of `enter_queue`, or an invalid setting of the chaos, for the first poll.
    refusal: Option<AsyncTaskError>,
}

/// The permit, the ticket and the injected faults of an admitted attempt.
pub(crate) type Passed<S> =
    (Option<Permit<S>>, Option<Ticket<S>>, Option<BoxedInjection<<S as RuntimeSource>::Runtime>>);

impl<S: RuntimeSource> Gate<S> {
    pub(crate) fn new(breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        Self { breaker, limiter, chaos: None, source, waiting: None, refusal: None }
    }

    /// With faults for the attempt. Where they have an invalid rate, the gate refuses the attempt.
    pub(crate) fn with_chaos(self, chaos: Option<Arc<Chaos>>) -> Self {
        let refusal = chaos.as_ref().and_then(|chaos| chaos.check().err());
        Self { chaos, refusal, ..self }
    }

    /// True if it admits every attempt at once, without a trace.
    pub(crate) fn is_open(&self) -> bool {
        self.breaker.is_none() && self.limiter.is_none() && self.chaos.is_none()
    }

    /// A new gate with the same breaker, limiter and chaos.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.breaker.clone(), self.limiter.clone(), self.source.clone())
            .with_chaos(self.chaos.clone())
    }

    /// Enters the limiter's queue before the first poll, so that a spawned task waits there from its spawn
    /// on. On a busy executor the wait for the first poll, which comes in no order of urgency, may be the
    /// longest of all.
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        if self.refusal.is_some() {
            return;
        }
        let enter =
            |waiting: Option<&mut Acquire<_>>| waiting.map_or(Ok(()), |waiting| waiting.enter(urgency));
        self.refusal = self.acquire().and_then(enter).err();
    }

    /// The wait for a permit, begun on first use; `None` without a limiter.
    fn acquire(&mut self) -> Result<Option<&mut Acquire<S>>, AsyncTaskError> {
        if let Some(limiter) = self.limiter.take() {
            if let Some(breaker) = &self.breaker {
                breaker.would_admit(&self.source)?;
            }
            self.waiting = Some(limiter.acquire(self.source.clone()));
        }
        Ok(self.waiting.as_mut())
    }

    /// Ready once. It must not be polled after that: a second poll would ask neither breaker nor limiter.
    pub(crate) fn poll_pass(&mut self, cx: &mut Context<'_>) -> Poll<Result<Passed<S>, AsyncTaskError>> {
        let passed = match self.refusal.take() {
            Some(refusal) => Err(refusal),
            None => ready!(self.poll_permit(cx)).and_then(|permit| {
                let injection = self.injection()?;
                let admit = |breaker: CircuitBreaker| breaker.admit(self.source.clone());
                Ok((permit, self.breaker.take().map(admit).transpose()?, injection))
            }),
        };
        self.waiting = None;
        Poll::Ready(passed)
    }

    /// The faults that the attempt begins with; `None` where none can be drawn.
    fn injection(&mut self) -> Result<Option<BoxedInjection<S::Runtime>>, AsyncTaskError> {
        let Some(chaos) = self.chaos.take().filter(|chaos| chaos.is_possible()) else { return Ok(None) };
        let runtime = self.source.resolve().map_err(|error| error.not_started(None))?;
        Ok(Some(Injection::boxed(chaos, runtime)))
    }

    fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Permit<S>>, AsyncTaskError>> {
        match self.acquire()? {
            Some(waiting) => Pin::new(waiting).poll(cx).map_ok(Some),
            None => Poll::Ready(Ok(None)),
        }
    }
}
