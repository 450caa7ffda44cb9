//! The state machine of a circuit breaker, as values: a state and an event give the next state.
//!
//! ```text
//!              failures in a row, or a rate over the window, reach their limit
//!   Closed ─────────────────────────────────────────────► Open
//!     ▲                                                  ▲    │
//!     │ as many calls as              one of them fails, │    │ the open time is over, and a call comes
//!     │ are permitted succeed             or is too slow │    ▼
//!     └──────────────────────────────────────────────── HalfOpen
//!
//!   each phase ── isolate ──► Isolated          each phase ── close ──► Closed
//! ```
//!
//! The steps are [`State::admit`], [`State::record`], [`State::trip`], [`State::isolate`] and
//! [`State::close`]; `switch` applies each as one compare-and-swap. A breaker with a `window` counts its
//! calls there while it is closed, failures in a row included: the state then changes with the phase alone.
//!
//! # Invariants
//!
//! - **I1** The era counts the changes of phase, and each `close`, which begins the closed phase anew. A call
//!   counts only in the era in which it was admitted.
//! - **I2** At most `probes` calls of a half-open breaker count as under way. Calls of an earlier round do
//!   not, and only the result of such a call counts.
//! - **I3** A new round begins only once no more calls may be admitted in the last one, and those have taken
//!   too long. So a call that never ends does not keep the breaker half-open.
//! - **I4** Fewer than `probes` calls have succeeded while the breaker is half-open, and fewer than
//!   `failures` have failed in a row while it is closed without a window: the next one changes the phase. A
//!   window that has reached a limit leads to one `trip`, by the call that reached it.
//! - **I5** An isolated breaker admits no call, and only `close` ends that.
//!
//! The pattern, and its names, are Michael Nygard's ("Release It!", 2007).

use std::time::{Duration, Instant};

/// The settings of a breaker: when it opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    /// The number of failures in a row that opens it. With a window, which has a limit of its own for them,
    /// it is not used.
    pub(crate) failures: u32,
    /// The time for which it then admits no call.
    pub(crate) open_for: Duration,
    /// The number of calls that are admitted after that, and must succeed to close it.
    pub(crate) probes: u32,
    /// The time after the last of these from which those that have not ended no longer count as under way.
    pub(crate) probe_for: Duration,
}

/// The phase of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed {
        failures: u32,
    },
    /// `None`: later than a clock can count.
    Open {
        until: Option<Instant>,
    },
    /// `under_way` counts the calls of the current round that have not ended.
    HalfOpen {
        under_way: u32,
        succeeded: u32,
        round: Round,
    },
    Isolated,
}

/// A round of calls that a half-open breaker admits. A new round begins when the calls of the last one have
/// all taken too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) number: u32,
    /// The time at which the last of them has taken too long; `None`: later than a clock can count.
    pub(crate) over: Option<Instant>,
}

/// The era and the round in which a call was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    era: u64,
    round: u32,
}

/// The whole state of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// The number of phase changes. A call that was admitted in another phase does not count in this one
    /// (I1).
    pub(crate) era: u64,
}

/// The result of an admitted call, as the breaker counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    /// The call succeeded, and took longer than permitted: half-open, that is a failure.
    Slow,
    Failed,
    /// The call was given up, or its result says nothing about the dependency.
    Unknown,
}

impl State {
    pub(crate) const CLOSED: Self = Self { phase: Phase::Closed { failures: 0 }, era: 0 };

    fn with_phase(self, phase: Phase) -> Self {
        Self { phase, era: self.era.wrapping_add(1) }
    }

    fn open(self, now: Instant, thresholds: &Thresholds) -> Self {
        self.with_phase(Phase::Open { until: now.checked_add(thresholds.open_for) })
    }

    /// The pass of a call that was admitted with this state as the result.
    pub(crate) fn pass(self) -> Pass {
        let round = if let Phase::HalfOpen { round, .. } = self.phase { round.number } else { 0 };
        Pass { era: self.era, round }
    }

    /// Admits no call any more, until it is closed (I5).
    pub(crate) fn isolate(self) -> Self {
        if self.phase == Phase::Isolated { self } else { self.with_phase(Phase::Isolated) }
    }

    /// Closes it, with nothing counted. A call that is under way does not count any more (I1).
    pub(crate) fn close(self) -> Self {
        self.with_phase(Phase::Closed { failures: 0 })
    }

    /// True if it is closed, and the call was admitted in this era: its result counts in the window.
    pub(crate) fn is_closed_for(self, pass: Pass) -> bool {
        pass.era == self.era && matches!(self.phase, Phase::Closed { .. })
    }

    /// Opens it, if it is still closed, for a call with which the window has reached a limit.
    pub(crate) fn trip(self, pass: Pass, now: impl Fn() -> Instant, thresholds: &Thresholds) -> Self {
        if self.is_closed_for(pass) { self.open(now(), thresholds) } else { self }
    }

    /// Admits a call: returns the state with it, or the longest time that it would have to wait.
    pub(crate) fn admit(self, now: impl Fn() -> Instant, thresholds: &Thresholds) -> Result<Self, Duration> {
        let round = |number, now: Instant| Round { number, over: now.checked_add(thresholds.probe_for) };
        // Of a time that is later than a clock can count, the whole is left.
        let left = |until: Option<Instant>, whole: Duration, now: Instant| {
            until.map_or(whole, |until| until.saturating_duration_since(now))
        };
        match self.phase {
            Phase::Closed { .. } => Ok(self),
            Phase::Isolated => Err(Duration::MAX),
            Phase::Open { until } => {
                let now = now();
                match left(until, thresholds.open_for, now) {
                    Duration::ZERO => {
                        let round = round(0, now);
                        Ok(self.with_phase(Phase::HalfOpen { under_way: 1, succeeded: 0, round }))
                    }
                    left => Err(left),
                }
            }
            Phase::HalfOpen { under_way, succeeded, round: last } => {
                let now = now();
                let (under_way, number) = match left(last.over, thresholds.probe_for, now) {
                    _ if under_way + succeeded < thresholds.probes => (under_way + 1, last.number),
                    Duration::ZERO => (1, last.number.wrapping_add(1)),
                    left => return Err(left),
                };
                let round = round(number, now);
                Ok(Self { phase: Phase::HalfOpen { under_way, succeeded, round }, ..self })
            }
        }
    }

    /// Records the end of an admitted call. A call of an earlier round no longer counts as under way; its
    /// result counts (I2).
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
            (Phase::Closed { .. }, Outcome::Succeeded | Outcome::Slow) => {
                Self { phase: Phase::Closed { failures: 0 }, ..self }
            }
            (Phase::Closed { failures }, Outcome::Failed) if failures + 1 < thresholds.failures => {
                Self { phase: Phase::Closed { failures: failures + 1 }, ..self }
            }
            (Phase::Closed { .. }, Outcome::Failed)
            | (Phase::HalfOpen { .. }, Outcome::Failed | Outcome::Slow) => self.open(now(), thresholds),
            (Phase::HalfOpen { succeeded, .. }, Outcome::Succeeded) if succeeded + 1 >= thresholds.probes => {
                self.with_phase(Phase::Closed { failures: 0 })
            }
            (Phase::HalfOpen { under_way, succeeded, round }, outcome) => {
                let succeeded = succeeded + u32::from(outcome == Outcome::Succeeded);
                let under_way = under_way.saturating_sub(u32::from(pass.round == round.number));
                Self { phase: Phase::HalfOpen { under_way, succeeded, round }, ..self }
            }
            (Phase::Closed { .. } | Phase::Open { .. } | Phase::Isolated, _) => self,
        }
    }
}
