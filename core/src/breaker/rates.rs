//! The rates of a breaker: a window that its calls share, and the limits on it.
//!
//! Why a lock, and no atomics? A result changes several counts that must agree, and the one result by which a
//! limit is reached must be known: both need all results in one order. The lock is held for a few additions.
//! No code of the user's is called under it, and nothing is allocated. A breaker without a window has none.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::breaker::window::{BreakerWindow, Call, Counts, Limits, Window};
use crate::sync::{Mutex, MutexGuard};

pub(super) struct Rates {
    limits: Limits,
    /// The time from which on a call is slow, where slow calls are distinguished from others.
    slow_after: Option<Duration>,
    is_timed: bool,
    /// A lock: a call changes the entries and their sums together. It is taken once for each call that counts.
    window: Mutex<Window>,
}

impl Rates {
    pub(super) fn new(window: BreakerWindow, limits: Limits, slow_after: Option<Duration>) -> Self {
        let is_timed = matches!(window, BreakerWindow::Time(_));
        Self { limits, slow_after, is_timed, window: Mutex::new(Window::new(window)) }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if the time of a call's admission must be known.
    pub(super) fn tells_slow_calls(&self) -> bool {
        self.slow_after.is_some()
    }

    /// True if the time of a call's end must be known.
    pub(super) fn needs_end(&self) -> bool {
        self.is_timed || self.tells_slow_calls()
    }

    /// True if a call that began and ended at these times has taken too long.
    pub(super) fn is_slow(&self, begun: Option<Instant>, ended: Option<Instant>) -> bool {
        let took = ended.zip(begun).map(|(ended, begun)| ended.saturating_duration_since(begun));
        took.zip(self.slow_after).is_some_and(|(took, limit)| took > limit)
    }

    /// See [`Window::begin`].
    pub(super) fn begin(&self, era: u64) {
        self.window().begin(era);
    }

    /// See [`Window::record`].
    pub(super) fn record(&self, era: u64, call: Call, ended: Option<Instant>) -> bool {
        self.window().record(era, call, ended, &self.limits)
    }

    /// The calls in the window, and the failures in a row.
    pub(super) fn counts(&self) -> (Counts, u32) {
        let window = self.window();
        (window.counts(), window.failures_in_a_row())
    }
}
