//! A circuit breaker shared by tasks: it refuses calls to a failing dependency for a while.

mod builder;
mod rates;
mod state;
mod statistics;
mod switch;
mod ticket;
mod window;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_listener::{Event, EventListener};

pub use crate::breaker::builder::CircuitBreakerBuilder;
pub use crate::breaker::statistics::BreakerStatistics;
pub(crate) use crate::breaker::ticket::{Call, Ticket};
pub use crate::breaker::window::BreakerWindow;

use crate::breaker::rates::Rates;
use crate::breaker::state::{Phase, State, Thresholds};
use crate::breaker::switch::Switch;
use crate::error::AsyncTaskError;
use crate::panic::{caught, notify_all};
use crate::runtime::RuntimeSource;
use crate::sync::{Ordering, fence};

/// The state of a [`CircuitBreaker`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BreakerState {
    /// Calls are admitted.
    Closed,
    /// Calls are refused.
    Open,
    /// A few calls are admitted, to see whether they succeed.
    HalfOpen,
    /// Calls are refused until [`CircuitBreaker::close`]: [`CircuitBreaker::isolate`] was called.
    Isolated,
}

impl BreakerState {
    fn of(phase: Phase) -> Self {
        match phase {
            Phase::Closed { .. } => Self::Closed,
            Phase::Open { .. } => Self::Open,
            Phase::HalfOpen { .. } => Self::HalfOpen,
            Phase::Isolated => Self::Isolated,
        }
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Isolated => "isolated",
        })
    }
}

/// Refuses calls to a dependency that fails, and after a while tries again with a few calls. Clones are the
/// same breaker.
///
/// It opens after several failures in a row, or at a rate of failures or of slow calls over a window; see
/// [`CircuitBreakerBuilder`]. [`isolate`](Self::isolate) and [`close`](Self::close) set it by hand.
///
/// A call fails by an error of its own, a panic, or a time limit;
/// [`trip_if`](CircuitBreakerBuilder::trip_if) can except errors. A call that is cancelled, or refused by a
/// limiter, does not count, nor does a call that was admitted before the state last changed. A call counts
/// when it has ended, also a slow one.
///
/// ```
/// use std::time::Duration;
///
/// use sweet_async_core::breaker::{BreakerWindow, CircuitBreaker};
/// use sweet_async_core::{AsyncTaskError, Runtime};
///
/// async fn ask<R: Runtime>(runtime: &R) -> Result<u32, AsyncTaskError> {
///     // Opens when half of the calls of the last ten seconds have failed, or nine tenths were slow.
///     let breaker = CircuitBreaker::builder()
///         .window(BreakerWindow::Time(Duration::from_secs(10)))
///         .failure_rate(0.5)
///         .slow_call_rate(Duration::from_secs(2), 0.9)
///         .build()?;
///     breaker.apply_on(runtime, || async { Ok::<_, std::io::Error>(42_u32) }).await
/// }
/// ```
///
/// Cost: one read of the state for each call, and one allocation for each change of it, such as a counted
/// failure; successes in a row write nothing. With a window, each call that counts takes a short lock, and
/// allocates only where it changes the state. A window of time reads the clock at the end of each call, a
/// limit for slow calls also at the beginning. A window of calls has two bytes for each, a window of time ten
/// sums.
#[derive(Clone)]
pub struct CircuitBreaker(Arc<Shared>);

/// A predicate on errors; see [`CircuitBreakerBuilder::trip_if`].
type TripIf = Arc<dyn Fn(&AsyncTaskError) -> bool + Send + Sync>;

struct Shared {
    name: Option<Arc<str>>,
    thresholds: Thresholds,
    /// `None` without a window.
    rates: Option<Rates>,
    trip_if: Option<TripIf>,
    switch: Switch,
    changed: Event,
}

impl CircuitBreaker {
    /// The name, if one was set.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.0.name.as_ref()
    }

    /// The current state. It changes from open to half-open with the first call after the open timeout, not
    /// before.
    pub fn state(&self) -> BreakerState {
        BreakerState::of(self.0.switch.state().phase)
    }

    /// Waits until the state differs from `seen`, and returns it. States in between may be missed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: call the method again with the same `seen`.
    pub async fn changed(&self, seen: BreakerState) -> BreakerState {
        loop {
            let listener = self.0.changed.listen();
            let state = self.state();
            if state != seen {
                return state;
            }
            listener.await;
        }
    }

    /// Refuses all calls from now on, until [`close`](Self::close) is called: for maintenance of the
    /// dependency, or as a switch for operators. Calls that are under way go on, and do not count. The
    /// `retry_after` of a refused call is [`Duration::MAX`]: no time ends it. Supervised work waits for the
    /// change.
    pub fn isolate(&self) {
        let _ = self.change(|state| Ok::<_, Infallible>(state.isolate()));
    }

    /// Closes it now, from any state, with nothing counted. Calls that are under way go on, and do not count.
    pub fn close(&self) {
        let _ = self.change(|state| Ok::<_, Infallible>(state.close()));
    }

    /// Checks whether a call would be admitted now. The call is not counted.
    pub(crate) fn would_admit<S: RuntimeSource>(&self, source: &S) -> Result<(), AsyncTaskError> {
        if self.0.switch.with(|state| matches!(state.phase, Phase::Closed { .. })) {
            return Ok(());
        }
        self.refuses_for(source).map_or(Ok(()), |left| Err(self.refusal(left)))
    }

    /// Returns how long calls are refused if nothing [changes](Self::listen), which is [`Duration::MAX`] for
    /// an isolated breaker; `None` if a call would be admitted now.
    pub(crate) fn refuses_for<S: RuntimeSource>(&self, source: &S) -> Option<Duration> {
        self.0.switch.state().admit(|| source.clock(), &self.0.thresholds).err()
    }

    /// A listener for the next change of the state, and for the next end of a half-open call.
    pub(crate) fn listen(&self) -> EventListener {
        self.0.changed.listen()
    }

    /// True if this is the only handle, those of calls under way included, and a call would be admitted at
    /// `now`.
    pub(crate) fn is_unused(&self, now: Instant) -> bool {
        Arc::strong_count(&self.0) == 1 && {
            // Acquire: pairs with the Release by which the last of the other handles was dropped.
            fence(Ordering::Acquire);
            self.0.switch.state().admit(|| now, &self.0.thresholds).is_ok()
        }
    }

    /// The address of what its handles have in common.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The error of a refused call. A half-open breaker refuses until a call ends, at a time that is not
    /// known: `retry_after` is then zero.
    fn refusal(&self, left: Duration) -> AsyncTaskError {
        let retry_after = if self.state() == BreakerState::HalfOpen { Duration::ZERO } else { left };
        AsyncTaskError::CircuitOpen { breaker: self.0.name.clone(), retry_after }
    }

    /// True if `error`, which is of the dependency, counts as a failure. A predicate that panics does not
    /// except it: the panic hook has reported the panic, and the work's result is not lost.
    fn is_tripped_by(&self, error: &AsyncTaskError) -> bool {
        self.0.trip_if.as_ref().is_none_or(|trip_if| caught(|| trip_if(error)).unwrap_or(true))
    }

    /// Changes the state by `next`, and reports the change if the era is another.
    fn change<E>(&self, next: impl Fn(State) -> Result<State, E>) -> Result<State, E> {
        let changed = self.0.switch.change(next)?;
        if changed.has_changed_phase {
            self.report(changed.state);
        }
        Ok(changed.state)
    }

    fn report(&self, state: State) {
        if let (Phase::Closed { .. }, Some(rates)) = (state.phase, &self.0.rates) {
            rates.begin(state.era);
        }
        // Before the event: a `tracing` subscriber may panic.
        notify_all(&self.0.changed);
        let name = self.0.name.as_deref();
        match state.phase {
            Phase::Closed { .. } => tracing::info!(breaker = name, "circuit breaker closed"),
            Phase::Open { .. } => tracing::warn!(breaker = name, "circuit breaker opened"),
            Phase::HalfOpen { .. } => tracing::info!(breaker = name, "circuit breaker half-open"),
            Phase::Isolated => tracing::warn!(breaker = name, "circuit breaker isolated"),
        }
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.0.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
