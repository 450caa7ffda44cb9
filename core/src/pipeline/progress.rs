//! How far a pipeline is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How far a pipeline is, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes read from text sources so far.
    pub bytes_read: u64,
    /// Bytes that the sources have in all; `None` while any of them cannot tell.
    pub bytes_total: Option<u64>,
    /// Rows handled so far.
    pub rows: u64,
    /// Rows rejected so far.
    pub rejected: u64,
    /// Time since the start, by the runtime's clock.
    pub elapsed: Duration,
}

impl Progress {
    /// Rows handled per second, on average since the start.
    pub fn rows_per_second(&self) -> f64 {
        self.rows as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// The counters that sender and workers keep, chunk by chunk.
///
/// Relaxed throughout: each is a number of its own, and the final counts are read after all writers have ended.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) bytes: AtomicU64,
    pub(crate) total: AtomicU64,
    pub(crate) unknown_totals: AtomicU64,
    pub(crate) handled: AtomicU64,
    pub(crate) rejected: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn sub(counter: &AtomicU64, n: u64) {
        counter.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }

    pub(crate) fn progress(&self, elapsed: Duration) -> Progress {
        let known = Self::get(&self.unknown_totals) == 0;
        Progress {
            bytes_read: Self::get(&self.bytes),
            bytes_total: known.then(|| Self::get(&self.total)),
            rows: Self::get(&self.handled),
            rejected: Self::get(&self.rejected),
            elapsed,
        }
    }
}
