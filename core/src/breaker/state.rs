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
    HalfOpen {
        under_way: u32,
        succeeded: u32,
    },
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

    /// A call comes: the state with it let through, or how long it would have to wait.
    pub(crate) fn admit(self, now: impl Fn() -> Instant, thresholds: &Thresholds) -> Result<Self, Duration> {
        match self.phase {
            Phase::Closed { .. } => Ok(self),
            Phase::Open { until } => {
                let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(now()));
                if left.is_zero() {
                    Ok(self.turn(Phase::HalfOpen { under_way: 1, succeeded: 0 }))
                } else {
                    Err(left)
                }
            }
            Phase::HalfOpen { under_way, succeeded } if under_way + succeeded < thresholds.probes => {
                Ok(Self { phase: Phase::HalfOpen { under_way: under_way + 1, succeeded }, ..self })
            }
            Phase::HalfOpen { .. } => Err(Duration::ZERO),
        }
    }

    /// A call that was let through in `era` has ended.
    pub(crate) fn record(
        self,
        era: u64,
        outcome: Outcome,
        now: impl Fn() -> Instant,
        thresholds: &Thresholds,
    ) -> Self {
        if era != self.era {
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
            (Phase::HalfOpen { under_way, succeeded }, outcome) => {
                let succeeded = succeeded + u32::from(outcome == Outcome::Succeeded);
                Self { phase: Phase::HalfOpen { under_way: under_way.saturating_sub(1), succeeded }, ..self }
            }
            (Phase::Closed { .. } | Phase::Open { .. }, _) => self,
        }
    }
}
