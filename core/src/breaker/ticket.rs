//! A call through a breaker: its admission, and the record of its result.

use std::convert::Infallible;
use std::time::Instant;

use crate::breaker::CircuitBreaker;
use crate::breaker::state::{Outcome, Pass, Phase, State};
use crate::breaker::window;
use crate::error::AsyncTaskError;
use crate::panic::{caught, notify_all};
use crate::runtime::RuntimeSource;
use crate::tree::overdue::is_overdue;

impl CircuitBreaker {
    /// Admits a call, which begins now. The ticket must be given its result.
    pub(crate) fn admit<S: RuntimeSource>(self, source: S) -> Result<Ticket<S>, AsyncTaskError> {
        let admitted = self.admitted(&source)?;
        Ok(Ticket { breaker: self, source, admitted, is_recorded: false })
    }

    /// As [`admit`](Self::admit), for a call that may end soon.
    pub(crate) fn begin<'a, S: RuntimeSource>(
        &'a self,
        source: &'a S,
    ) -> Result<Call<'a, S>, AsyncTaskError> {
        let admitted = self.admitted(source)?;
        Ok(Call { breaker: self, source, admitted, is_recorded: false })
    }

    fn admitted<S: RuntimeSource>(&self, source: &S) -> Result<Admitted, AsyncTaskError> {
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
        Ok(Admitted { pass, begun: tells_slow_calls.then(|| source.clock()) })
    }

    /// Records the result of a call.
    fn record_result<S: RuntimeSource>(
        &self,
        source: &S,
        admitted: Admitted,
        result: &Result<(), AsyncTaskError>,
    ) {
        let outcome = match result {
            Ok(()) => Outcome::Succeeded,
            Err(error) if error.is_of_caller() => Outcome::Unknown,
            Err(error) if self.is_tripped_by(error) => Outcome::Failed,
            Err(_) => Outcome::Succeeded,
        };
        self.record(source, admitted, outcome);
    }

    /// Records that a call was given up: at a time limit that is a failure.
    #[cold]
    fn given_up<S: RuntimeSource>(&self, source: &S, admitted: Admitted) {
        let outcome = if is_overdue() { Outcome::Failed } else { Outcome::Unknown };
        // A panic of a `tracing` subscriber must not leave a destructor.
        let _ = caught(|| self.record(source, admitted, outcome));
    }

    /// Records the outcome in the window, if there is one and the breaker is closed; else in the state.
    fn record<S: RuntimeSource>(&self, source: &S, admitted: Admitted, outcome: Outcome) {
        let shared = &*self.0;
        let Some(rates) = shared.rates.as_ref().filter(|_| outcome != Outcome::Unknown) else {
            return self.step(source, admitted.pass, outcome);
        };
        let ended = rates.needs_end().then(|| source.clock());
        let is_slow = rates.is_slow(admitted.begun, ended);
        let state = shared.switch.state();
        if !state.is_closed_for(admitted.pass) {
            let is_slow_success = is_slow && outcome == Outcome::Succeeded;
            return self.step(source, admitted.pass, if is_slow_success { Outcome::Slow } else { outcome });
        }
        // If the era ends meanwhile, neither the window nor `trip` counts the call in the next one.
        let call = window::Call { has_failed: outcome == Outcome::Failed, is_slow };
        if rates.record(state.era, call, ended) {
            let now = || source.clock();
            let trip = |state: State| Ok::<_, Infallible>(state.trip(admitted.pass, now, &shared.thresholds));
            let _ = self.change(trip);
        }
    }

    /// Records the outcome in the state.
    fn step<S: RuntimeSource>(&self, source: &S, pass: Pass, outcome: Outcome) {
        // In the common case nothing changes: a success, and no failure before it.
        let is_calm =
            |state: &State| state.is_closed_for(pass) && state.phase == Phase::Closed { failures: 0 };
        if outcome == Outcome::Succeeded && self.0.switch.with(is_calm) {
            return;
        }
        let next = |state: State| {
            Ok::<_, Infallible>(state.record(pass, outcome, || source.clock(), &self.0.thresholds))
        };
        // The end of a half-open call need not change the phase, but a waiter may wait for it.
        if let Ok(State { phase: Phase::HalfOpen { .. }, .. }) = self.change(next) {
            notify_all(&self.0.changed);
        }
    }
}

/// The admission of a call.
#[derive(Clone, Copy)]
struct Admitted {
    pass: Pass,
    /// The time of the admission, where slow calls are told from others.
    begun: Option<Instant>,
}

/// An admitted call, until its result is recorded. If it is dropped before that, the call was given up.
pub(crate) struct Ticket<S: RuntimeSource> {
    breaker: CircuitBreaker,
    source: S,
    admitted: Admitted,
    is_recorded: bool,
}

impl<S: RuntimeSource> Ticket<S> {
    pub(crate) fn report(mut self, result: &Result<(), AsyncTaskError>) {
        self.is_recorded = true;
        self.breaker.record_result(&self.source, self.admitted, result);
    }
}

impl<S: RuntimeSource> Drop for Ticket<S> {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.breaker.given_up(&self.source, self.admitted);
        }
    }
}

/// As a [`Ticket`], while the breaker is at hand.
pub(crate) struct Call<'a, S: RuntimeSource> {
    breaker: &'a CircuitBreaker,
    source: &'a S,
    admitted: Admitted,
    is_recorded: bool,
}

impl<S: RuntimeSource> Call<'_, S> {
    pub(crate) fn report(mut self, result: &Result<(), AsyncTaskError>) {
        self.is_recorded = true;
        self.breaker.record_result(self.source, self.admitted, result);
    }

    /// The ticket of a call that goes on.
    pub(crate) fn into_ticket(mut self) -> Ticket<S> {
        let (breaker, source) = (self.breaker.clone(), self.source.clone());
        self.is_recorded = true;
        Ticket { breaker, source, admitted: self.admitted, is_recorded: false }
    }
}

impl<S: RuntimeSource> Drop for Call<'_, S> {
    fn drop(&mut self) {
        if !self.is_recorded {
            self.breaker.given_up(self.source, self.admitted);
        }
    }
}
