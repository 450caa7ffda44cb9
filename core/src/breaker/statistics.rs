//! The numbers of a breaker, for observers.

use crate::breaker::state::Phase;
use crate::breaker::{BreakerState, CircuitBreaker};

/// The numbers by which a [`CircuitBreaker`] opens, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerStatistics {
    /// The state.
    pub state: BreakerState,
    /// The number of calls in the window; `None` without a window.
    pub calls: Option<u64>,
    /// The number of those that have failed; `None` without a window.
    pub failures: Option<u64>,
    /// The number of those that were slow, also of those that have failed; `None` without a limit for slow
    /// calls.
    pub slow_calls: Option<u64>,
    /// The number of failures since the last success; `None` unless the breaker is closed.
    pub consecutive_failures: Option<u32>,
}

impl BreakerStatistics {
    /// The share of failures in the window; `None` without a window, and while it has no calls.
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.failures, self.calls)
    }

    /// The share of slow calls in the window; `None` without a limit for slow calls, and while the window has
    /// no calls.
    pub fn slow_call_rate(&self) -> Option<f64> {
        share(self.slow_calls, self.calls)
    }
}

fn share(part: Option<u64>, calls: Option<u64>) -> Option<f64> {
    let calls = calls.filter(|calls| *calls > 0)?;
    Some(part? as f64 / calls as f64)
}

impl CircuitBreaker {
    /// The current numbers. The window is that of the last decision: a window of time ends with the last call
    /// that has counted. While the breaker is not closed, the window stays as it was when the breaker opened
    /// or was isolated. It is emptied when the breaker closes.
    ///
    /// Cost: a short lock, if there is a window.
    pub fn statistics(&self) -> BreakerStatistics {
        let state = self.0.switch.state();
        let closed = if let Phase::Closed { failures } = state.phase { Some(failures) } else { None };
        let rates = self.0.rates.as_ref();
        let counted = rates.map(|rates| {
            if closed.is_some() {
                // The change to closed may be so recent that it has not emptied the window yet.
                rates.begin(state.era);
            }
            rates.counts()
        });
        let tells_slow_calls = rates.is_some_and(|rates| rates.tells_slow_calls());
        BreakerStatistics {
            state: BreakerState::of(state.phase),
            calls: counted.map(|(counts, _)| counts.calls),
            failures: counted.map(|(counts, _)| counts.failures),
            slow_calls: counted.filter(|_| tells_slow_calls).map(|(counts, _)| counts.slow),
            // A window counts them itself.
            consecutive_failures: closed.map(|failures| counted.map_or(failures, |(_, in_a_row)| in_a_row)),
        }
    }
}
