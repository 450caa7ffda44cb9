//! Ticks at a fixed period.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::time::sleep::Sleep;

/// The behaviour of an [`Interval`] when a tick is requested too late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissedTicks {
    /// Gives the missed ticks one after the other, at once, until it has caught up.
    #[default]
    Burst,
    /// Gives one tick, and counts the period anew from there. As with the others, a tick that is late by less
    /// than a period, so that the next is not due yet, is not missed.
    Delay,
    /// Gives one tick, and the next one where it would have been: at a multiple of the period from the first.
    Skip,
}

/// Ticks at a fixed period; the first is ready at once.
///
/// ```
/// # use sweet_async_core::time::{Interval, MissedTicks};
/// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Runtime};
/// async fn poll_every_second<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
///     let mut interval = Interval::new(runtime, 1.seconds())?.missed_ticks(MissedTicks::Skip);
///     loop {
///         interval.tick().await?;
///         // ...
/// #       return Ok(());
///     }
/// }
/// ```
pub struct Interval<R: Runtime> {
    runtime: R,
    period: Duration,
    missed: MissedTicks,
    /// `None` once the clock cannot count that far: there is no next tick.
    next: Option<Instant>,
}

impl<R: Runtime> Interval<R> {
    /// Ticks now, and then every `period`.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidConfig`] for a period of zero: it would tick without end.
    pub fn new(runtime: &R, period: Duration) -> Result<Self, AsyncTaskError> {
        if period.is_zero() {
            return Err(AsyncTaskError::out_of_range("`period` of an interval", "0 s", "longer than zero"));
        }
        let next = Some(runtime.now());
        Ok(Self { runtime: runtime.clone(), period, missed: MissedTicks::default(), next })
    }

    /// Sets the behaviour for ticks that are requested too late.
    pub fn missed_ticks(self, missed: MissedTicks) -> Self {
        Self { missed, ..self }
    }

    /// Waits for the next tick, and gives the moment at which it was due.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Shutdown`] if the runtime has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, it has taken no tick.
    #[track_caller]
    pub fn tick(&mut self) -> impl Future<Output = Result<Instant, AsyncTaskError>> + Send {
        let due = self.next;
        let sleep = Sleep::until(&self.runtime, due);
        async move {
            sleep.await?;
            // A timer without a deadline is never ready, so there is one here.
            let due = due.unwrap_or_else(|| self.runtime.now());
            self.next = self.after(due, self.runtime.now());
            Ok(due)
        }
    }

    fn after(&self, due: Instant, now: Instant) -> Option<Instant> {
        let next = due.checked_add(self.period);
        if next.is_none_or(|next| next > now) {
            return next;
        }
        match self.missed {
            MissedTicks::Burst => next,
            MissedTicks::Delay => now.checked_add(self.period),
            MissedTicks::Skip => now.checked_add(until_next(now.saturating_duration_since(due), self.period)),
        }
    }
}

/// The time from a moment that is `late` after a tick until the next multiple of `period` after that tick:
/// more than zero, and at most a period.
pub(crate) fn until_next(late: Duration, period: Duration) -> Duration {
    let into_period = late.as_nanos().checked_rem(period.as_nanos()).unwrap_or(0);
    // Less than a period, which is a `Duration`, so it fits one.
    let into_period = Duration::new(
        u64::try_from(into_period / 1_000_000_000).unwrap_or(u64::MAX),
        u32::try_from(into_period % 1_000_000_000).unwrap_or(0),
    );
    period.saturating_sub(into_period)
}

impl<R: Runtime> fmt::Debug for Interval<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("period", &self.period)
            .field("missed", &self.missed)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
