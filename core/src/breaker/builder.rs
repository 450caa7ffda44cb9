//! The builder of a breaker: its settings, and their check.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_listener::Event;

use crate::breaker::rates::Rates;
use crate::breaker::state::Thresholds;
use crate::breaker::switch::Switch;
use crate::breaker::window::{BreakerWindow, Limits};
use crate::breaker::{CircuitBreaker, Shared, TripIf};
use crate::error::AsyncTaskError;

/// The minimum of calls in a window that may hold as many: that of Hystrix.
const DEFAULT_MINIMUM: u32 = 20;
/// The size of the largest window of calls, which has 2 MB.
const MAX_CALLS: u32 = 1_000_000;

/// Describes a [`CircuitBreaker`].
///
/// Without a window it opens after several [failures in a row](Self::failure_threshold). With a
/// [`window`](Self::window) it opens at a [rate of failures](Self::failure_rate), or of
/// [slow calls](Self::slow_call_rate), or both; failures in a row then count only where a threshold for them
/// is set as well. The first limit that is reached opens it.
#[derive(Clone)]
#[must_use = "a builder does nothing until `build`"]
pub struct CircuitBreakerBuilder {
    name: Option<Arc<str>>,
    thresholds: Thresholds,
    /// The number of failures in a row, if one was set.
    failures: Option<u32>,
    window: Option<BreakerWindow>,
    minimum: Option<u32>,
    failure_rate: Option<f64>,
    slow_calls: Option<(Duration, f64)>,
    trip_if: Option<TripIf>,
}

impl CircuitBreaker {
    /// A builder with 5 failures in a row, 30 s and 1 half-open call.
    pub fn builder() -> CircuitBreakerBuilder {
        let half_minute = Duration::from_secs(30);
        CircuitBreakerBuilder {
            name: None,
            thresholds: Thresholds { failures: 5, open_for: half_minute, probes: 1, probe_for: half_minute },
            failures: None,
            window: None,
            minimum: None,
            failure_rate: None,
            slow_calls: None,
            trip_if: None,
        }
    }
}

impl CircuitBreakerBuilder {
    /// Sets the name, for errors and traces.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Sets how many failures in a row open it. Without a window, the default is 5; with a window, no number
    /// of them does.
    pub fn failure_threshold(self, failures: u32) -> Self {
        Self { failures: Some(failures), ..self }
    }

    /// Sets the calls over which the rates are taken: the last so many, or those of the last so long. The
    /// window is empty at first, and each time that the breaker has closed.
    pub fn window(self, window: BreakerWindow) -> Self {
        Self { window: Some(window), ..self }
    }

    /// Sets how many calls the window must hold for the rates to count; 20 by default, or the size of a
    /// window of fewer calls.
    pub fn minimum_calls(self, calls: u32) -> Self {
        Self { minimum: Some(calls), ..self }
    }

    /// Opens it once the share of failures in the window reaches `rate`, which is more than 0 and at most 1.
    /// A success can open it too, if the window reaches its minimum of calls by it.
    pub fn failure_rate(self, rate: f64) -> Self {
        Self { failure_rate: Some(rate), ..self }
    }

    /// Opens it once the share of slow calls in the window reaches `rate`, which is above 0 and at most 1.
    ///
    /// A call is slow if more than `longer_than` passes from its admission, which comes after the wait for
    /// a limiter, to its end. It counts when it has ended, so one that never ends is not counted: set a time
    /// limit, which ends it, and is a failure as well. A half-open call that is slow counts as a failure.
    pub fn slow_call_rate(self, longer_than: Duration, rate: f64) -> Self {
        Self { slow_calls: Some((longer_than, rate)), ..self }
    }

    /// Counts only errors for which `predicate` is true as failures, and other errors of the work as
    /// successes: an answer such as "not found" says that the dependency works. By default all errors are
    /// failures.
    ///
    /// The predicate is asked about errors, panics and attempt timeouts. It is not asked about errors that
    /// never count, such as cancellations and refusals, and not about the limit on a whole task: that is a
    /// failure, and the call is dropped before there is an error. If it panics, the call counts as a failure,
    /// and its result is as it was.
    ///
    /// ```
    /// use sweet_async_core::CircuitBreaker;
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("not found")]
    /// struct NotFound;
    ///
    /// # fn main() -> Result<(), sweet_async_core::AsyncTaskError> {
    /// let breaker = CircuitBreaker::builder()
    ///     .trip_if(|error| error.downcast_ref::<NotFound>().is_none())
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trip_if(self, predicate: impl Fn(&AsyncTaskError) -> bool + Send + Sync + 'static) -> Self {
        Self { trip_if: Some(Arc::new(predicate)), ..self }
    }

    /// Sets how long it then refuses all calls; 30 s by default. With [`Duration::MAX`] it refuses them until
    /// it is [closed by hand](CircuitBreaker::close).
    pub fn open_timeout(mut self, open_for: Duration) -> Self {
        self.thresholds.open_for = open_for;
        self
    }

    /// Sets how many calls are admitted after that, all of which must succeed for it to close; 1 by default.
    pub fn half_open_calls(mut self, calls: u32) -> Self {
        self.thresholds.probes = calls;
        self
    }

    /// Sets how long such calls count as under way; 30 s by default, and forever with [`Duration::MAX`]. The
    /// time counts from the last call that was admitted. A call that has not ended by then may never end. It
    /// goes on, another call is admitted as well, and the results of both count. So a call that hangs does
    /// not keep the breaker half-open.
    pub fn half_open_timeout(mut self, limit: Duration) -> Self {
        self.thresholds.probe_for = limit;
        self
    }

    /// Builds the breaker, closed.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a threshold or a half-open timeout of zero, and for no half-open
    /// calls; for a rate that is not more than 0 and at most 1; for a window, a minimum of calls or a time of
    /// slow calls that is zero; for a window of more than 1 000 000 calls, or of fewer than the minimum; and
    /// for a window without a rate, or a rate or a minimum without a window.
    pub fn build(self) -> Result<CircuitBreaker, AsyncTaskError> {
        let rates = self.rates()?;
        let Self { name, mut thresholds, failures, trip_if, .. } = self;
        thresholds.failures = failures.unwrap_or(thresholds.failures);
        if thresholds.probe_for.is_zero() {
            let range = "longer than zero; `Duration::MAX` is none";
            return Err(AsyncTaskError::out_of_range(
                "`half_open_timeout` of a circuit breaker",
                "0 s",
                range,
            ));
        }
        for (setting, number) in [
            ("`failure_threshold` of a circuit breaker", thresholds.failures),
            ("`half_open_calls` of a circuit breaker", thresholds.probes),
        ] {
            if number == 0 {
                return Err(AsyncTaskError::out_of_range(setting, number, "at least 1"));
            }
        }
        let shared =
            Shared { name, thresholds, rates, trip_if, switch: Switch::new(), changed: Event::new() };
        Ok(CircuitBreaker(Arc::new(shared)))
    }

    /// The window and its limits; `None` without a window.
    fn rates(&self) -> Result<Option<Rates>, AsyncTaskError> {
        let Some(window) = self.window else {
            let is_unset = self.failure_rate.is_none() && self.slow_calls.is_none() && self.minimum.is_none();
            return if is_unset {
                Ok(None)
            } else {
                Err(AsyncTaskError::config(
                    "`failure_rate`, `slow_call_rate` and `minimum_calls` of a circuit breaker need a `window`",
                ))
            };
        };
        let most = match window {
            BreakerWindow::Calls(most) if most == 0 || most > MAX_CALLS => {
                return Err(AsyncTaskError::config(format!(
                    "a `window` of a circuit breaker of {most} calls: it must be from 1 to {MAX_CALLS}"
                )));
            }
            BreakerWindow::Time(Duration::ZERO) => {
                return Err(AsyncTaskError::config(
                    "a `window` of a circuit breaker of 0 s: it must be longer than zero",
                ));
            }
            BreakerWindow::Calls(most) => most,
            BreakerWindow::Time(_) => u32::MAX,
        };
        let minimum = self.minimum.unwrap_or(DEFAULT_MINIMUM.min(most));
        if minimum == 0 || minimum > most {
            return Err(AsyncTaskError::config(format!(
                "`minimum_calls` of a circuit breaker is {minimum}: it must be at least 1, and at most what its \
                 window can hold, which is {window:?}"
            )));
        }
        if let Some((Duration::ZERO, _)) = self.slow_calls {
            return Err(AsyncTaskError::config(
                "`slow_call_rate` of a circuit breaker for calls of more than 0 s: the time must be longer than zero",
            ));
        }
        let (slow_after, slow_rate) = self.slow_calls.unzip();
        check_rate("failure_rate", self.failure_rate)?;
        check_rate("slow_call_rate", slow_rate)?;
        if self.failure_rate.is_none() && slow_rate.is_none() {
            return Err(AsyncTaskError::config(
                "a `window` of a circuit breaker needs a `failure_rate` or a `slow_call_rate`",
            ));
        }
        let limits = Limits { failures: self.failures, minimum, failure_rate: self.failure_rate, slow_rate };
        Ok(Some(Rates::new(window, limits, slow_after)))
    }
}

/// Fails for a rate that is out of its range, or no number.
fn check_rate(setting: &str, rate: Option<f64>) -> Result<(), AsyncTaskError> {
    match rate {
        None => Ok(()),
        Some(rate) if rate > 0.0 && rate <= 1.0 => Ok(()),
        Some(rate) => Err(AsyncTaskError::config(format!(
            "`{setting}` of a circuit breaker is {rate}: it must be more than 0 and at most 1"
        ))),
    }
}

impl fmt::Debug for CircuitBreakerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreakerBuilder")
            .field("name", &self.name)
            .field("thresholds", &self.thresholds)
            .field("failures", &self.failures)
            .field("window", &self.window)
            .field("minimum", &self.minimum)
            .field("failure_rate", &self.failure_rate)
            .field("slow_calls", &self.slow_calls)
            .finish_non_exhaustive()
    }
}
