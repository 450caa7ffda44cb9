//! What a circuit breaker does, as values: a state and what happens to it give the next state.
//!
//! ```text
//!              failures in a row reach the threshold
//!   Closed ─────────────────────────────────────────────► Open
//!     ▲                                                  ▲    │
//!     │ as many calls as                     one of them │    │ the open time is over, and somebody calls
//!     │ are permitted succeed                      fails │    ▼
//!     └──────────────────────────────────────────────── HalfOpen
//! ```
//!
//! The pattern, and its names, are Michael Nygard's ("Release It!", 2007).

use std::time::{Duration, Instant};

/// When a breaker opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    /// So many failures one after the other open it.
    pub(crate) failures: u32,
    /// For so long it then lets nothing through.
    pub(crate) open_for: Duration,
    /// So many calls are let through then, and must succeed to close it.
    pub(crate) probes: u32,
    /// After so long without an end, they no longer keep their places from others.
    pub(crate) probe_for: Duration,
}

/// Where a breaker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed {
        failures: u32,
    },
    /// `None`: for longer than a clock can count.
    Open {
        until: Option<Instant>,
    },
    /// Those that are `under_way` have not kept their places for too long.
    HalfOpen {
        under_way: u32,
        succeeded: u32,
        round: Round,
    },
}

/// The calls that a half-open breaker has let through one after the other. A new round begins when those of the last have
/// all taken too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) number: u32,
    /// When the last of them will have taken too long; `None`: later than a clock can count.
    pub(crate) over: Option<Instant>,
}

/// What a call was let through as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    era: u64,
    round: u32,
}

/// A breaker's whole state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Counts the changes of phase: what was let through in another phase says nothing about this one.
    pub(crate) era: u64,
}

/// What became of a call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
    /// It was given up, or says nothing about what the breaker protects.
    Unknown,
}

impl State {
    pub(crate) const CLOSED: Self = Self { phase: Phase::Closed { failures: 0 }, era: 0 };

    fn turn(self, phase: Phase) -> Self {
        Self { phase, era: self.era.wrapping_add(1) }
    }

    fn open(self, now: Instant, thresholds: &Thresholds) -> Self {
        self.turn(Phase::Open { until: now.checked_add(thresholds.open_for) })
    }

    /// What a call is that this state is the answer to.
    pub(crate) fn pass(self) -> Pass {
        let round = if let Phase::HalfOpen { round, .. } = self.phase { round.number } else { 0 };
        Pass { era: self.era, round }
    }

    /// A call comes: the state with it let through, or how long it would have to wait at most.
    pub(crate) fn admit(self, now: impl Fn() -> Instant, thresholds: &Thresholds) -> Result<Self, Duration> {
        let round = |number, now: Instant| Round { number, over: now.checked_add(thresholds.probe_for) };
        let left = |until: Option<Instant>, now: Instant| {
            until.map_or(Duration::MAX, |until| until.saturating_duration_since(now))
        };
        match self.phase {
            Phase::Closed { .. } => Ok(self),
            Phase::Open { until } => {
                let now = now();
                match left(until, now) {
                    Duration::ZERO => {
                        let round = round(0, now);
                        Ok(self.turn(Phase::HalfOpen { under_way: 1, succeeded: 0, round }))
                    }
                    left => Err(left),
                }
            }
            Phase::HalfOpen { under_way, succeeded, round: last } => {
                let now = now();
                let (under_way, number) = match left(last.over, now) {
                    _ if under_way + succeeded < thresholds.probes => (under_way + 1, last.number),
                    Duration::ZERO => (1, last.number.wrapping_add(1)),
                    left => return Err(left),
                };
                let round = round(number, now);
                Ok(Self { phase: Phase::HalfOpen { under_way, succeeded, round }, ..self })
            }
        }
    }

    /// A call that was let through has ended. One that has taken too long has no place to give back; what it ends with counts.
    pub(crate) fn record(
        self,
        pass: Pass,
        outcome: Outcome,
        now: impl Fn() -> Instant,
        thresholds: &Thresholds,
    ) -> Self {
        if pass.era != self.era {
            return self;
        }
        match (self.phase, outcome) {
            (Phase::Closed { .. }, Outcome::Succeeded) => {
                Self { phase: Phase::Closed { failures: 0 }, ..self }
            }
            (Phase::Closed { failures }, Outcome::Failed) if failures + 1 < thresholds.failures => {
                Self { phase: Phase::Closed { failures: failures + 1 }, ..self }
            }
            (Phase::Closed { .. } | Phase::HalfOpen { .. }, Outcome::Failed) => self.open(now(), thresholds),
            (Phase::HalfOpen { succeeded, .. }, Outcome::Succeeded) if succeeded + 1 >= thresholds.probes => {
                self.turn(Phase::Closed { failures: 0 })
            }
            (Phase::HalfOpen { under_way, succeeded, round }, outcome) => {
                let succeeded = succeeded + u32::from(outcome == Outcome::Succeeded);
                let under_way = under_way.saturating_sub(u32::from(pass.round == round.number));
                Self { phase: Phase::HalfOpen { under_way, succeeded, round }, ..self }
            }
            (Phase::Closed { .. } | Phase::Open { .. }, _) => self,
        }
    }
}
