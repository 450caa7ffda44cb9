//! How far a pipeline is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far a pipeline is, at one moment. Once all of it has ended, `read` = `handled` + `rejected` + `dropped`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes read from text sources so far.
    pub bytes_read: u64,
    /// Bytes that the sources have in all; `None` while any of them cannot tell.
    pub bytes_total: Option<u64>,
    /// Rows read so far: those on their way to a worker, and those that have been with one.
    pub read: u64,
    /// Rows that a receiver took without an error so far.
    pub handled: u64,
    /// Rows rejected so far.
    pub rejected: u64,
    /// Rows that were read and then given up, because the pipeline ended first; 0 until its end.
    pub dropped: u64,
    /// How many workers may handle rows at the moment.
    pub workers: u64,
    /// Time since the start, or from start to end, by the runtime's clock.
    pub elapsed: Duration,
}

impl Progress {
    /// Rows handled per second, on average since the start.
    pub fn rows_per_second(&self) -> f64 {
        self.handled as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// The counters that sender and workers keep, some rows at a time.
///
/// Relaxed throughout: each is a number of its own, and the final counts are read after all writers have ended.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) bytes: AtomicU64,
    pub(crate) total: AtomicU64,
    pub(crate) unknown_totals: AtomicU64,
    pub(crate) read: AtomicU64,
    pub(crate) handled: AtomicU64,
    pub(crate) rejected: AtomicU64,
    dropped: AtomicU64,
    pub(crate) workers: AtomicU64,
    started: OnceLock<Instant>,
    took: OnceLock<Duration>,
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

    pub(crate) fn set(counter: &AtomicU64, n: u64) {
        counter.store(n, Ordering::Relaxed);
    }

    pub(crate) fn begin(&self, now: Instant) {
        let _ = self.started.set(now);
    }

    pub(crate) fn started(&self) -> Option<Instant> {
        self.started.get().copied()
    }

    /// Once nothing is left that counts: whatever was read and is neither handled nor rejected, nobody will handle.
    pub(crate) fn end(&self, now: Instant) {
        let done = Self::get(&self.handled) + Self::get(&self.rejected);
        Self::set(&self.dropped, Self::get(&self.read).saturating_sub(done));
        let _ = self.took.set(self.since_start(now));
    }

    fn since_start(&self, now: Instant) -> Duration {
        self.started().map(|started| now.saturating_duration_since(started)).unwrap_or_default()
    }

    pub(crate) fn progress(&self, now: Instant) -> Progress {
        let known = Self::get(&self.unknown_totals) == 0;
        Progress {
            bytes_read: Self::get(&self.bytes),
            bytes_total: known.then(|| Self::get(&self.total)),
            read: Self::get(&self.read),
            handled: Self::get(&self.handled),
            rejected: Self::get(&self.rejected),
            dropped: Self::get(&self.dropped),
            workers: Self::get(&self.workers),
            elapsed: self.took.get().copied().unwrap_or_else(|| self.since_start(now)),
        }
    }
}
