//! The policies around each call of a receiver: a circuit breaker, a limiter, and chaos.

use sweet_async_core::breaker::CircuitBreaker;
use sweet_async_core::chaos::Chaos;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::limit::Limiter;

/// The policies around each call of a receiver, and the stages before it. From the outside: the breaker, the
/// limiter, the time limit of the event, chaos.
#[derive(Clone, Default)]
pub(crate) struct Guards {
    pub(crate) breaker: Option<CircuitBreaker>,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) chaos: Option<Chaos>,
}

impl Guards {
    /// The name of a setting that is set; `None` if nothing is around the calls.
    pub(crate) fn setting(&self) -> Option<&'static str> {
        if self.chaos.is_some() { Some("`chaos`") } else { self.around_whole() }
    }

    /// The name of a setting that is around an attempt from its beginning to its end.
    pub(crate) fn around_whole(&self) -> Option<&'static str> {
        match self {
            Self { limiter: Some(_), .. } => Some("`event_limiter`"),
            Self { breaker: Some(_), .. } => Some("`event_circuit_breaker`"),
            Self { .. } => None,
        }
    }

    /// True if a call may wait, or fail before it begins.
    pub(crate) fn is_set(&self) -> bool {
        self.setting().is_some()
    }

    /// Fails with `InvalidConfig` for a setting that is out of its range.
    pub(crate) fn check(&self) -> Result<(), AsyncTaskError> {
        self.chaos.as_ref().map_or(Ok(()), Chaos::check)
    }
}
