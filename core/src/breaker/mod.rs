//! A circuit breaker: leaves alone what fails, for a while.

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

/// Where a [`CircuitBreaker`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls pass, to see whether they succeed.
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
    /// Names it: in errors and traces.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// How many failures one after the other open it; 5 by default.
    pub fn failure_threshold(mut self, failures: u32) -> Self {
        self.thresholds.failures = failures;
        self
    }

    /// How long it then refuses all calls; 30 s by default.
    pub fn open_timeout(mut self, open_for: Duration) -> Self {
        self.thresholds.open_for = open_for;
        self
    }

    /// How many calls are let through after that, all of which must succeed for it to close; 1 by default.
    pub fn half_open_calls(mut self, calls: u32) -> Self {
        self.thresholds.probes = calls;
        self
    }

    /// How long such a call keeps its place from others; 30 s by default, and for ever with [`Duration::MAX`]. One that has
    /// not ended by then may never do: it goes on, the next call is let through as well, and what both end with counts. So a
    /// call that hangs does not keep the breaker half-open.
    pub fn half_open_timeout(mut self, limit: Duration) -> Self {
        self.thresholds.probe_for = limit;
        self
    }

    /// The breaker, closed.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a threshold or a half-open timeout of zero, or no half-open calls.
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

/// Refuses calls to what has failed several times in a row, and tries again after a while with a few. Shared: clones are
/// the same breaker.
///
/// A call fails by an error of its own, a panic, or a time limit. One that is cancelled, or refused by a limiter, says
/// nothing. What was let through before the state changed says nothing about the new state.
///
/// Cost: a look at the state for each call, and one allocation for each failure; successes in a row write nothing.
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Shared>);

struct Shared {
    name: Option<Arc<str>>,
    thresholds: Thresholds,
    switch: Switch,
    changed: Event,
}

impl CircuitBreaker {
    /// A breaker with 5 failures, 30 s and 1 call, to be changed.
    pub fn builder() -> CircuitBreakerBuilder {
        let half_minute = Duration::from_secs(30);
        let thresholds = Thresholds { failures: 5, open_for: half_minute, probes: 1, probe_for: half_minute };
        CircuitBreakerBuilder { name: None, thresholds }
    }

    /// Its name, if it was given one.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.0.name.as_ref()
    }

    /// Where it is. It goes from open to half-open with the first call after its time, not before.
    pub fn state(&self) -> BreakerState {
        match self.0.switch.state().phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { .. } => BreakerState::Open,
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// Waits until the state is another than `seen`, and gives it. What it was in between may be missed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has missed nothing: say again what was seen.
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

    /// Would a call be let through now? It is not counted.
    pub(crate) fn would_admit<R: Runtime>(&self, runtime: &R) -> Result<(), AsyncTaskError> {
        self.refuses_for(runtime).map_or(Ok(()), |left| Err(self.refusal(left)))
    }

    /// For how long it refuses calls if nothing [changes](Self::listen); `None` if it lets one through now.
    pub(crate) fn refuses_for<R: Runtime>(&self, runtime: &R) -> Option<Duration> {
        self.0.switch.state().admit(|| runtime.now(), &self.0.thresholds).err()
    }

    /// Hears of the next change: of the state, or of a call that gives its place back.
    pub(crate) fn listen(&self) -> EventListener {
        self.0.changed.listen()
    }

    /// Asks for a call, which begins now. The ticket is to be told how it went.
    pub(crate) fn admit<R: Runtime>(&self, runtime: R) -> Result<Ticket<R>, AsyncTaskError> {
        let admitted = self.change(|state| state.admit(|| runtime.now(), &self.0.thresholds));
        let pass = admitted.map_err(|left| self.refusal(left))?.pass();
        Ok(Ticket { breaker: self.clone(), pass, runtime, is_told: false })
    }

    /// A half-open one refuses until a call ends, which nobody can know: then it may be tried again at once.
    fn refusal(&self, left: Duration) -> AsyncTaskError {
        let retry_after = if self.state() == BreakerState::HalfOpen { Duration::ZERO } else { left };
        AsyncTaskError::CircuitOpen { breaker: self.0.name.clone(), retry_after }
    }

    /// From one state to the next, which is told where it is of another phase.
    fn change<E>(&self, next: impl Fn(State) -> Result<State, E>) -> Result<State, E> {
        let changed = self.0.switch.change(next)?;
        if changed.has_turned {
            self.tell(changed.state);
        }
        Ok(changed.state)
    }

    fn tell(&self, state: State) {
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

/// A call that was let through, until it is told what became of it. Dropped before that, it was given up: at a time limit
/// that is a failure.
pub(crate) struct Ticket<R: Runtime> {
    breaker: CircuitBreaker,
    pass: Pass,
    runtime: R,
    is_told: bool,
}

impl<R: Runtime> Ticket<R> {
    pub(crate) fn tell<T>(mut self, result: &Result<T, AsyncTaskError>) {
        self.is_told = true;
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
        // A place that was given back turns nothing, and there may be one who waits for it.
        if let Ok(State { phase: Phase::HalfOpen { .. }, .. }) = breaker.change(next) {
            notify_all(&breaker.0.changed);
        }
    }
}

impl<R: Runtime> Drop for Ticket<R> {
    fn drop(&mut self) {
        if !self.is_told {
            let outcome = if is_overdue() { Outcome::Failed } else { Outcome::Unknown };
            // A subscriber that panics is not to do so out of a destructor.
            let _ = caught(|| self.record(outcome));
        }
    }
}
