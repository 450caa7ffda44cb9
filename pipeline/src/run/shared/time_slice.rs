//! The time slices in which a worker uses its thread. Other tasks run between two slices.

use std::time::{Duration, Instant};

use sweet_async_core::runtime::{DynRuntime, Runtime as _};

/// The longest time for which a worker keeps an executor's thread. It is long enough to make the switch, well
/// under a microsecond, negligible. It is short enough for a server on the same threads to stay responsive.
const SLICE: Duration = Duration::from_micros(200);

/// The most rows between two readings of the clock. They are enough to make a reading negligible, and few
/// enough for rows that suddenly take a hundred times as long not to hold the thread for long.
const MOST: usize = 64;

/// As `MOST`, for items that are taken from an iterator or a stream, which mostly takes nanoseconds.
const MOST_TAKEN: usize = 256;

/// The most rows between two rests, however short they take. Where time passes only while all tasks wait, as
/// in a simulation, no slice would ever end by the clock.
const UNRESTED: usize = 1 << 13;

/// Adapts the number of rows in a slice to the time that the last ones took.
pub(crate) struct TimeSlice {
    rows: usize,
    most: usize,
    /// The number of rows since the last rest.
    unrested: usize,
    /// The time at which this worker last let other tasks run.
    since: Option<Instant>,
}

impl TimeSlice {
    pub(crate) fn new() -> Self {
        // It starts with one row: the time for a row is not known before one was handled.
        Self { rows: 1, most: MOST, unrested: 0, since: None }
    }

    /// A slice for items that are taken from their source.
    pub(crate) fn for_items() -> Self {
        Self { most: MOST_TAKEN, ..Self::new() }
    }

    /// The number of rows to handle before the clock is read again.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Called after each slice. Lets other tasks run if it is time.
    pub(crate) async fn rest(&mut self, runtime: &DynRuntime) {
        if self.is_over(runtime.now()) {
            self.pause(runtime).await;
        }
    }

    /// True if it is time to let other tasks run.
    pub(crate) fn is_over(&mut self, now: Instant) -> bool {
        let Some(since) = self.since else {
            self.since = Some(now);
            return false;
        };
        let over = now.saturating_duration_since(since) >= SLICE;
        self.unrested += self.rows;
        let full = self.unrested >= UNRESTED;
        self.rows = if over { (self.rows / 2).max(1) } else { (self.rows * 2).min(self.most) };
        over || full
    }

    /// Lets other tasks run.
    pub(crate) async fn pause(&mut self, runtime: &DynRuntime) {
        self.unrested = 0;
        futures_lite::future::yield_now().await;
        // The time spent waiting for the thread belongs to no slice.
        self.since = Some(runtime.now());
    }
}
