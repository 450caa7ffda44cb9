//! Calls through a circuit breaker, and a waiter for its change.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use loom::thread::spawn;

use crate::breaker_state::{Outcome, Pass, Phase, State, Thresholds};
use crate::rates::Rates;
use crate::switch::Switch;
use crate::sync::Event;
use crate::window::{BreakerWindow, Call, Limits};
use crate::{ALL, FEW, check, joined};

/// `CircuitBreaker`. The counters are not loom's: they only observe.
struct Breaker {
    switch: Switch,
    rates: Option<Rates>,
    changed: Event,
    thresholds: Thresholds,
    now: Instant,
    under_way: AtomicU32,
    turned: AtomicU32,
}

impl Breaker {
    fn new(failures: u32, probes: u32) -> Arc<Self> {
        Self::with_window(failures, probes, None)
    }

    /// A breaker that opens once each call of its window, which has two, has failed.
    fn with_rate() -> Arc<Self> {
        let limits = Limits { failures: None, minimum: 2, failure_rate: Some(1.0), slow_rate: None };
        Self::with_window(1, 1, Some(Rates::new(BreakerWindow::Calls(2), limits, None)))
    }

    fn with_window(failures: u32, probes: u32, rates: Option<Rates>) -> Arc<Self> {
        let thresholds = Thresholds { failures, open_for: Duration::ZERO, probes, probe_for: Duration::MAX };
        Arc::new(Self {
            switch: Switch::new(),
            rates,
            changed: Event::new(),
            thresholds,
            now: Instant::now(),
            under_way: AtomicU32::new(0),
            turned: AtomicU32::new(0),
        })
    }

    /// A breaker that has opened, and whose open time has passed.
    fn reopening(probes: u32) -> Arc<Self> {
        let breaker = Self::new(1, probes);
        breaker.record(State::CLOSED.pass(), Outcome::Failed);
        breaker
    }

    /// `CircuitBreaker::change`.
    fn change<E>(&self, next: impl Fn(State) -> Result<State, E>) -> Result<State, E> {
        let changed = self.switch.change(next)?;
        if changed.has_changed_phase {
            if let (Phase::Closed { .. }, Some(rates)) = (changed.state.phase, &self.rates) {
                rates.begin(changed.state.era);
            }
            self.turned.fetch_add(1, Ordering::SeqCst);
            self.changed.notify(usize::MAX);
        }
        Ok(changed.state)
    }

    /// `CircuitBreaker::admit`: the pass of a call that was admitted.
    fn admit(&self) -> Option<Pass> {
        self.change(|state| state.admit(|| self.now, &self.thresholds)).ok().map(State::pass)
    }

    /// `Ticket::record`.
    fn record(&self, pass: Pass, outcome: Outcome) {
        let rates = self.rates.as_ref().map(|rates| (rates, self.switch.state()));
        let Some((rates, state)) = rates.filter(|(_, state)| state.is_closed_for(pass)) else {
            let next = |state: State| {
                Ok::<_, Infallible>(state.record(pass, outcome, || self.now, &self.thresholds))
            };
            let _ = self.change(next);
            return;
        };
        let call = Call { has_failed: outcome == Outcome::Failed, is_slow: false };
        if rates.record(state.era, call, None) {
            let trip = |state: State| Ok::<_, Infallible>(state.trip(pass, || self.now, &self.thresholds));
            let _ = self.change(trip);
        }
    }

    /// `CircuitBreaker::close`.
    fn close(&self) {
        let _ = self.change(|state| Ok::<_, Infallible>(state.close()));
    }

    /// A call with this outcome. True if it was admitted.
    fn call(&self, outcome: Outcome, most: u32) -> bool {
        let Some(pass) = self.admit() else { return false };
        let others = self.under_way.fetch_add(1, Ordering::SeqCst);
        assert!(others < most, "more probes than are permitted");
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.record(pass, outcome);
        true
    }

    fn phase(&self) -> Phase {
        self.switch.with(|state| state.phase)
    }
}

#[test]
fn only_the_permitted_of_concurrent_calls_pass() {
    for probes in [1, 2] {
        check(FEW, move || {
            let breaker = Breaker::reopening(probes);
            let threads = [(); 2].map(|()| {
                let breaker = breaker.clone();
                spawn(move || breaker.call(Outcome::Unknown, probes))
            });
            let passed = breaker.call(Outcome::Unknown, probes);
            let others = threads.map(|thread| joined(thread) == Some(true));
            assert!(passed || others.contains(&true), "at least one passes");
            assert!(
                matches!(breaker.phase(), Phase::HalfOpen { under_way: 0, succeeded: 0, .. }),
                "a permit was lost"
            );
        });
    }
}

#[test]
fn probes_that_succeed_close_it_once() {
    check(ALL, || {
        let breaker = Breaker::reopening(2);
        let other = breaker.clone();
        let thread = spawn(move || other.call(Outcome::Succeeded, 2));
        assert!(breaker.call(Outcome::Succeeded, 2));
        assert_eq!(joined(thread), Some(true));
        assert!(matches!(breaker.phase(), Phase::Closed { failures: 0 }));
        // Open, half-open, closed.
        assert_eq!(breaker.turned.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn failures_at_once_are_all_counted_and_open_it_once() {
    check(ALL, || {
        let breaker = Breaker::new(2, 1);
        let other = breaker.clone();
        let thread = spawn(move || other.record(State::CLOSED.pass(), Outcome::Failed));
        breaker.record(State::CLOSED.pass(), Outcome::Failed);
        assert!(joined(thread).is_some());
        assert!(matches!(breaker.phase(), Phase::Open { .. }), "a failure was lost");
        assert_eq!(breaker.turned.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn failures_at_once_are_all_in_the_window_and_open_it_once() {
    check(ALL, || {
        let breaker = Breaker::with_rate();
        let other = breaker.clone();
        let thread = spawn(move || other.record(State::CLOSED.pass(), Outcome::Failed));
        breaker.record(State::CLOSED.pass(), Outcome::Failed);
        assert!(joined(thread).is_some());
        assert!(matches!(breaker.phase(), Phase::Open { .. }), "a failure was lost");
        assert_eq!(breaker.turned.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_failure_from_before_it_was_closed_by_hand_is_in_no_later_window() {
    check(ALL, || {
        let breaker = Breaker::with_rate();
        let late = breaker.clone();
        let thread = spawn(move || late.record(State::CLOSED.pass(), Outcome::Failed));
        breaker.close();
        breaker.record(breaker.switch.state().pass(), Outcome::Failed);
        assert!(joined(thread).is_some());
        assert!(matches!(breaker.phase(), Phase::Closed { .. }), "it was counted with a later one");
        assert_eq!(breaker.rates.as_ref().map(|rates| rates.counts().0.calls), Some(1));
    });
}

#[test]
fn a_late_result_does_not_count_for_the_probe() {
    check(ALL, || {
        let breaker = Breaker::reopening(1);
        let late = breaker.clone();
        let thread = spawn(move || {
            late.record(State::CLOSED.pass(), Outcome::Failed);
            late.record(State::CLOSED.pass(), Outcome::Succeeded);
        });
        assert!(breaker.call(Outcome::Succeeded, 1));
        assert!(joined(thread).is_some());
        assert!(matches!(breaker.phase(), Phase::Closed { failures: 0 }));
    });
}

#[test]
fn a_waiter_for_a_change_sees_it_or_is_notified() {
    check(ALL, || {
        let breaker = Breaker::new(1, 1);
        let other = breaker.clone();
        let thread = spawn(move || other.record(State::CLOSED.pass(), Outcome::Failed));
        // `CircuitBreaker::changed`.
        let mut changed = breaker.changed.listen();
        let seen = !matches!(breaker.phase(), Phase::Closed { .. });
        assert!(joined(thread).is_some());
        assert!(seen || Pin::new(&mut changed).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    });
}
