//! A call through a breaker: its admission, and the record of its result.

use std::convert::Infallible;
use std::time::Instant;

use crate::breaker::CircuitBreaker;
use crate::breaker::state::{Outcome, Pass, Phase, State};
use crate::breaker::window::Call;
use crate::error::AsyncTaskError;
use crate::panic::{caught, notify_all};
use crate::runtime::RuntimeSource;
use crate::tree::overdue::is_overdue;

impl CircuitBreaker {
    /// Admits a call, which begins now. The ticket must be given its result.
    pub(crate) fn admit<S: RuntimeSource>(self, source: S) -> Result<Ticket<S>, AsyncTaskError> {
        // A closed one admits every call, and its state stays as it is.
        let closed = |state: &State| matches!(state.phase, Phase::Closed { .. }).then(|| state.pass());
        let pass = match self.0.switch.with(closed) {
            Some(pass) => pass,
            None => {
                let admitted = self.change(|state| state.admit(|| source.clock(), &self.0.thresholds));
                admitted.map_err(|left| self.refusal(left))?.pass()
            }
        };
        let tells_slow_calls = self.0.rates.as_ref().is_some_and(|rates| rates.tells_slow_calls());
        let begun = tells_slow_calls.then(|| source.clock());
        Ok(Ticket { breaker: self, pass, source, begun, is_recorded: false })
    }
}

/// An admitted call, until its result is recorded. If it is dropped before that, the call was given up: at a
/// time limit that is a failure.
pub(crate) struct Ticket<S: RuntimeSource> {
    breaker: CircuitBreaker,
    pass: Pass,
    source: S,
    /// The time of the admission, where slow calls are told from others.
    begun: Option<Instant>,
    is_recorded: bool,
}

impl<S: RuntimeSource> Ticket<S> {
    pub(crate) fn report(mut self, result: &Result<(), AsyncTaskError>) {
        self.is_recorded = true;
        self.record(match result {
            Ok(()) => Outcome::Succeeded,
            Err(error) if error.is_of_caller() => Outcome::Unknown,
            Err(error) if self.breaker.is_tripped_by(error) => Outcome::Failed,
            Err(_) => Outcome::Succeeded,
        });
    }

    /// Records the outcome in the window, if there is one and the breaker is closed; else in the state.
    fn record(&self, outcome: Outcome) {
        let shared = &*self.breaker.0;
        let Some(rates) = shared.rates.as_ref().filter(|_| outcome != Outcome::Unknown) else {
            return self.step(outcome);
        };
        let ended = rates.needs_end().then(|| self.source.clock());
        let is_slow = rates.is_slow(self.begun, ended);
        let state = shared.switch.state();
        if !state.is_closed_for(self.pass) {
            let is_slow_success = is_slow && outcome == Outcome::Succeeded;
            return self.step(if is_slow_success { Outcome::Slow } else { outcome });
        }
        // If the era ends meanwhile, neither the window nor `trip` counts the call in the next one.
        let call = Call { has_failed: outcome == Outcome::Failed, is_slow };
        if rates.record(state.era, call, ended) {
            let now = || self.source.clock();
            let trip = |state: State| Ok::<_, Infallible>(state.trip(self.pass, now, &shared.thresholds));
            let _ = self.breaker.change(trip);
        }
    }

    /// Records the outcome in the state.
    fn step(&self, outcome: Outcome) {
        let breaker = &self.breaker;
        // In the common case nothing changes: a success, and no failure before it.
        let is_calm =
            |state: &State| state.is_closed_for(self.pass) && state.phase == Phase::Closed { failures: 0 };
        if outcome == Outcome::Succeeded && breaker.0.switch.with(is_calm) {
            return;
        }
        let next = |state: State| {
            Ok::<_, Infallible>(state.record(
                self.pass,
                outcome,
                || self.source.clock(),
                &breaker.0.thresholds,
            ))
        };
        // The end of a half-open call need not change the phase, but a waiter may wait for it.
        if let Ok(State { phase: Phase::HalfOpen { .. }, .. }) = breaker.change(next) {
            notify_all(&breaker.0.changed);
        }
    }
}

impl<S: RuntimeSource> Drop for Ticket<S> {
    fn drop(&mut self) {
        if !self.is_recorded {
            let outcome = if is_overdue() { Outcome::Failed } else { Outcome::Unknown };
            // A panic of a `tracing` subscriber must not leave a destructor.
            let _ = caught(|| self.record(outcome));
        }
    }
}
