//! The progress of a pipeline, and its counters.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The progress of a pipeline at one moment. After all of it has ended, `handled` + `rejected` + `dropped`
/// equals `read`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes read from text sources so far.
    pub bytes_read: u64,
    /// The total bytes of all sources. A source counts with its length at the start of the pipeline, and with
    /// its length at opening once it is opened; a compressed one with its compressed length. `None` until all
    /// lengths are known, and where any source has none: a reader, a pipe, an iterator, a stream, a queue.
    pub bytes_total: Option<u64>,
    /// Rows read so far. Of an iterator or a stream: the items that were taken. Of text: the rows that are
    /// complete in the bytes that were read, whether a worker has had them or not.
    pub read: u64,
    /// Rows that a receiver took without an error so far, and those that a stage filtered out.
    pub handled: u64,
    /// Rows rejected so far.
    pub rejected: u64,
    /// Rows that were read and then dropped, because the pipeline ended first; 0 until its end.
    pub dropped: u64,
    /// The number of workers that may handle rows at the moment.
    pub workers: u64,
    /// The time since the start, or from start to end, by the runtime's clock.
    pub elapsed: Duration,
}

impl Progress {
    /// Returns the rows handled per second, on average since the start.
    pub fn rows_per_second(&self) -> f64 {
        self.handled as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// A counter that is closed at the end of its pipeline. Rows of blocking work that was left running are not
/// counted any more.
///
/// Relaxed throughout: each counter is independent, and all writers but that work have ended before it is
/// closed.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

/// Flag in a counter: set at the end of the pipeline. The counter then does not change any more.
const CLOSED: u64 = 1 << 63;

impl Counter {
    /// Adds `n` unless the counter is closed. Returns the number before.
    pub(crate) fn add(&self, n: u64) -> u64 {
        let add = |now: u64| (n > 0 && now & CLOSED == 0).then(|| now + n);
        let (Ok(before) | Err(before)) = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        before & !CLOSED
    }

    /// Subtracts rows that were added before. Must not be called after `close`.
    pub(crate) fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed) & !CLOSED
    }

    fn close(&self) -> u64 {
        self.0.fetch_or(CLOSED, Ordering::Relaxed) & !CLOSED
    }
}

/// The counters of the sender and the workers. They are updated for some rows at a time. Relaxed throughout,
/// as each of them.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) bytes: AtomicU64,
    total: AtomicU64,
    unknown_totals: AtomicU64,
    /// True once `total` and `unknown_totals` include all sources.
    is_expected: AtomicBool,
    pub(crate) read: Counter,
    pub(crate) handled: Counter,
    pub(crate) rejected: Counter,
    dropped: AtomicU64,
    pub(crate) workers: AtomicU64,
    started: OnceLock<Instant>,
    elapsed: OnceLock<Duration>,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes the length of each source, if it is known. Called before any source is opened.
    pub(crate) fn set_lengths(&self, lengths: impl Iterator<Item = Option<u64>>) {
        for length in lengths {
            match length {
                Some(length) => Self::add(&self.total, length),
                None => Self::add(&self.unknown_totals, 1),
            }
        }
        self.is_expected.store(true, Ordering::Relaxed);
    }

    /// Takes the length of a source that was opened. `expected` is the length that was known before.
    pub(crate) fn opened(&self, length: u64, expected: Option<u64>) {
        match expected {
            // The file may have shrunk: the sum wraps, as the difference does.
            Some(expected) => Self::add(&self.total, length.wrapping_sub(expected)),
            None => {
                Self::add(&self.total, length);
                self.unknown_totals.fetch_sub(1, Ordering::Relaxed);
            }
        }
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

    /// Closes the counters, after the last part that counts has ended. Rows that were read and are neither
    /// handled nor rejected are dropped.
    pub(crate) fn end(&self, now: Instant) {
        let done = self.handled.close() + self.rejected.close();
        // Closed after the others: rows that are done were read before.
        Self::set(&self.dropped, self.read.close().saturating_sub(done));
        let _ = self.elapsed.set(self.since_start(now));
    }

    fn since_start(&self, now: Instant) -> Duration {
        self.started().map(|started| now.saturating_duration_since(started)).unwrap_or_default()
    }

    pub(crate) fn progress(&self, now: Instant) -> Progress {
        let known = self.is_expected.load(Ordering::Relaxed) && Self::get(&self.unknown_totals) == 0;
        Progress {
            bytes_read: Self::get(&self.bytes),
            bytes_total: known.then(|| Self::get(&self.total)),
            read: self.read.get(),
            handled: self.handled.get(),
            rejected: self.rejected.get(),
            dropped: Self::get(&self.dropped),
            workers: Self::get(&self.workers),
            elapsed: self.elapsed.get().copied().unwrap_or_else(|| self.since_start(now)),
        }
    }
}
