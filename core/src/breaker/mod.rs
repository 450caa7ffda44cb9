//! A circuit breaker shared by tasks: it refuses calls to a failing dependency for a while.

mod state;
mod switch;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_listener::{Event, EventListener};

use crate::breaker::state::{Outcome, Pass, Phase, State, Thresholds};
use crate::breaker::switch::Switch;
use crate::error::AsyncTaskError;
use crate::panic::{caught, notify_all};
use crate::runtime::Runtime;
use crate::tree::current::is_overdue;

/// The state of a [`CircuitBreaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls are admitted.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls are admitted, to see whether they succeed.
    HalfOpen,
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// Describes a [`CircuitBreaker`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct CircuitBreakerBuilder {
    name: Option<Arc<str>>,
    thresholds: Thresholds,
}

impl CircuitBreakerBuilder {
    /// Sets the name, for errors and traces.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets how many failures in a row open it; 5 by default.
    pub fn failure_threshold(mut self, failures: u32) -> Self {
        self.thresholds.failures = failures;
        self
    }

    /// Sets how long it then refuses all calls; 30 s by default.
    pub fn open_timeout(mut self, open_for: Duration) -> Self {
        self.thresholds.open_for = open_for;
        self
    }

    /// Sets how many calls are admitted after that, all of which must succeed for it to close; 1 by default.
    pub fn half_open_calls(mut self, calls: u32) -> Self {
        self.thresholds.probes = calls;
        self
    }

    /// Sets how long such calls count as under way; 30 s by default, and forever with [`Duration::MAX`]. The
    /// time counts from the last call that was admitted. A call that has not ended by then may never end. It
    /// goes on, another call is admitted as well, and the results of both count. So a call that hangs does
    /// not keep the breaker half-open.
    pub fn half_open_timeout(mut self, limit: Duration) -> Self {
        self.thresholds.probe_for = limit;
        self
    }

    /// Builds the breaker, closed.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a threshold or a half-open timeout of zero, or no half-open
    /// calls.
    pub fn build(self) -> Result<CircuitBreaker, AsyncTaskError> {
        let Self { name, thresholds } = self;
        if thresholds.probe_for.is_zero() {
            return Err(AsyncTaskError::config(
                "`half_open_timeout` of a circuit breaker must be longer than zero; `Duration::MAX` is none",
            ));
        }
        if thresholds.failures == 0 || thresholds.probes == 0 {
            return Err(AsyncTaskError::config(
                "a circuit breaker needs a failure threshold and half-open calls of at least 1",
            ));
        }
        let shared = Shared { name, thresholds, switch: Switch::new(), changed: Event::new() };
        Ok(CircuitBreaker(Arc::new(shared)))
    }
}

/// Refuses calls to a dependency that has failed several times in a row, and after a while tries again with a
/// few calls. Clones are the same breaker.
///
/// A call fails by an error of its own, a panic, or a time limit. A call that is cancelled, or refused by a
/// limiter, does not count, nor does a call that was admitted before the state last changed.
///
/// Cost: one read of the state for each call, and one allocation for each change of it, such as a counted
/// failure; successes in a row write nothing.
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Shared>);

struct Shared {
    name: Option<Arc<str>>,
    thresholds: Thresholds,
    switch: Switch,
    changed: Event,
}

impl CircuitBreaker {
    /// A builder with 5 failures, 30 s and 1 half-open call.
    pub fn builder() -> CircuitBreakerBuilder {
        let half_minute = Duration::from_secs(30);
        let thresholds = Thresholds { failures: 5, open_for: half_minute, probes: 1, probe_for: half_minute };
        CircuitBreakerBuilder { name: None, thresholds }
    }

    /// The name, if one was set.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.0.name.as_ref()
    }

    /// The current state. It changes from open to half-open with the first call after the open timeout, not
    /// before.
    pub fn state(&self) -> BreakerState {
        match self.0.switch.state().phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Waits until the state differs from `seen`, and returns it. States in between may be missed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: call the method again with the same `seen`.
    pub async fn changed(&self, seen: BreakerState) -> BreakerState {
        loop {
            let listener = self.0.changed.listen();
            let state = self.state();
            if state != seen {
                return state;
            }
            listener.await;
        }
    }

    /// Checks whether a call would be admitted now. The call is not counted.
    pub(crate) fn would_admit<R: Runtime>(&self, runtime: &R) -> Result<(), AsyncTaskError> {
        self.refuses_for(runtime).map_or(Ok(()), |left| Err(self.refusal(left)))
    }

    /// Returns how long calls are refused if nothing [changes](Self::listen); `None` if a call would be
    /// admitted now.
    pub(crate) fn refuses_for<R: Runtime>(&self, runtime: &R) -> Option<Duration> {
        self.0.switch.state().admit(|| runtime.now(), &self.0.thresholds).err()
    }

    /// A listener for the next change of the state, and for the next end of a half-open call.
    pub(crate) fn listen(&self) -> EventListener {
        self.0.changed.listen()
    }

    /// Admits a call, which begins now. The ticket must be given its result.
    pub(crate) fn admit<R: Runtime>(&self, runtime: R) -> Result<Ticket<R>, AsyncTaskError> {
        let admitted = self.change(|state| state.admit(|| runtime.now(), &self.0.thresholds));
        let pass = admitted.map_err(|left| self.refusal(left))?.pass();
        Ok(Ticket { breaker: self.clone(), pass, runtime, is_recorded: false })
    }

    /// The error of a refused call. A half-open breaker refuses until a call ends, at a time that is not
    /// known: `retry_after` is then zero.
    fn refusal(&self, left: Duration) -> AsyncTaskError {
        let retry_after = if self.state() == BreakerState::HalfOpen { Duration::ZERO } else { left };
        AsyncTaskError::CircuitOpen { breaker: self.0.name.clone(), retry_after }
    }

    /// Changes the state by `next`, and reports the change if the phase is another.
    fn change<E>(&self, next: impl Fn(State) -> Result<State, E>) -> Result<State, E> {
        let changed = self.0.switch.change(next)?;
        if changed.has_changed_phase {
            self.report(changed.state);
        }
        Ok(changed.state)
    }

    fn report(&self, state: State) {
        let name = self.0.name.as_deref();
        match state.phase {
            Phase::Closed { .. } => tracing::info!(breaker = name, "circuit breaker closed"),
            Phase::Open { .. } => tracing::warn!(breaker = name, "circuit breaker opened"),
            Phase::HalfOpen { .. } => tracing::info!(breaker = name, "circuit breaker half-open"),
        }
        notify_all(&self.0.changed);
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.0.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// An admitted call, until its result is recorded. If it is dropped before that, the call was given up: at a
/// time limit that is a failure.
pub(crate) struct Ticket<R: Runtime> {
    breaker: CircuitBreaker,
    pass: Pass,
    runtime: R,
    is_recorded: bool,
}

impl<R: Runtime> Ticket<R> {
    pub(crate) fn report(mut self, result: &Result<(), AsyncTaskError>) {
        self.is_recorded = true;
        self.record(match result {
            Ok(_) => Outcome::Succeeded,
            Err(error) if error.is_of_caller() => Outcome::Unknown,
            Err(_) => Outcome::Failed,
        });
    }

    fn record(&self, outcome: Outcome) {
        let breaker = &self.breaker;
        let next = |state: State| {
            Ok::<_, Infallible>(state.record(
                self.pass,
                outcome,
                || self.runtime.now(),
                &breaker.0.thresholds,
            ))
        };
        // The end of a half-open call need not change the phase, but a waiter may wait for it.
        if let Ok(State { phase: Phase::HalfOpen { .. }, .. }) = breaker.change(next) {
            notify_all(&breaker.0.changed);
        }
    }
}

impl<R: Runtime> Drop for Ticket<R> {
    fn drop(&mut self) {
        if !self.is_recorded {
            let outcome = if is_overdue() { Outcome::Failed } else { Outcome::Unknown };
            // A panic of a `tracing` subscriber must not leave a destructor.
            let _ = caught(|| self.record(outcome));
        }
    }
}
