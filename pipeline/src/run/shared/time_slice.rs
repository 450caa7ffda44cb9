//! How long a worker keeps its thread: it works in slices, and lets others run between them.

use std::time::{Duration, Instant};

use sweet_async_core::runtime::Runtime;

/// How long a worker may keep an executor's thread before it lets others run. Long enough for the change-over, well
/// under a microsecond, not to count; short enough for a server on the same threads to stay responsive.
const SLICE: Duration = Duration::from_micros(200);

/// The most rows that are handled before the clock is read again: enough for the reading not to count, few enough
/// for rows that suddenly take a hundred times as long not to hold the thread for long.
const MOST: usize = 64;

/// As `MOST`, of items that are taken from an iterator or a stream, mostly a matter of nanoseconds.
const MOST_TAKEN: usize = 256;

/// The most rows between two rests, however short they take: where time passes only while all wait, as in a simulation, no
/// slice would ever be over.
const UNRESTED: usize = 1 << 13;

/// Learns how many rows fill a slice, from how long the last ones took.
pub struct TimeSlice {
    rows: usize,
    most: usize,
    /// Since the last rest.
    unrested: usize,
    /// When this worker last let others run.
    since: Option<Instant>,
}

impl TimeSlice {
    pub(crate) fn new() -> Self {
        // From one row up: how long a row takes is not known before it has been handled.
        Self { rows: 1, most: MOST, unrested: 0, since: None }
    }

    /// For items that are taken from their source.
    pub(crate) fn taking() -> Self {
        Self { most: MOST_TAKEN, ..Self::new() }
    }

    /// How many rows to handle before the clock is read again.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Called after each slice: lets others run if it is time.
    pub(crate) async fn rest<R: Runtime>(&mut self, runtime: &R) {
        if self.is_over(runtime.now()) {
            self.pause(runtime).await;
        }
    }

    /// True if it is time to let others run.
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

    /// Lets others run.
    pub(crate) async fn pause<R: Runtime>(&mut self, runtime: &R) {
        self.unrested = 0;
        futures_lite::future::yield_now().await;
        // Time spent waiting for the thread is nobody's slice.
        self.since = Some(runtime.now());
    }
}
