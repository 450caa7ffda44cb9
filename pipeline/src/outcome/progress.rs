//! How far a pipeline is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far a pipeline is, at one moment. Once all of it has ended, `read` = `handled` + `rejected` + `dropped`, exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes read from text sources so far.
    pub bytes_read: u64,
    /// Bytes that the sources have in all, as they were when the pipeline started, and each one since it was opened; compressed
    /// ones as they are. `None` where any of them cannot tell: a reader, a pipe, an iterator, a stream, a queue.
    pub bytes_total: Option<u64>,
    /// Rows read so far: those that an iterator or a stream has given, and of text those that are whole in what was read,
    /// whether they have been with a worker or not.
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

/// A counter that is closed at the end of its pipeline: rows of blocking work that was left running are no longer counted.
///
/// Relaxed throughout: each counter is independent, and all other writers have ended before it is closed.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

/// Flag in a counter: it is closed, and does not change.
const CLOSED: u64 = 1 << 63;

impl Counter {
    /// Adds unless it is closed. Gives the number before.
    pub(crate) fn add(&self, n: u64) -> u64 {
        let add = |now: u64| (n > 0 && now & CLOSED == 0).then(|| now + n);
        let (Ok(before) | Err(before)) = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        before & !CLOSED
    }

    /// Subtracts what was added before; not after `close`.
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

/// The counters that sender and workers keep, some rows at a time. Relaxed throughout, as they are.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) bytes: AtomicU64,
    total: AtomicU64,
    unknown_totals: AtomicU64,
    /// `total` and `unknown_totals` include all sources.
    is_expected: AtomicBool,
    pub(crate) read: Counter,
    pub(crate) handled: Counter,
    pub(crate) rejected: Counter,
    dropped: AtomicU64,
    pub(crate) workers: AtomicU64,
    started: OnceLock<Instant>,
    took: OnceLock<Duration>,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }

    /// The length of each source, if known. Called before any is opened.
    pub(crate) fn expect(&self, lengths: impl Iterator<Item = Option<u64>>) {
        for length in lengths {
            match length {
                Some(length) => Self::add(&self.total, length),
                None => Self::add(&self.unknown_totals, 1),
            }
        }
        self.is_expected.store(true, Ordering::Relaxed);
    }

    /// An opened source has `length` bytes; `expected` is its length as known before.
    pub(crate) fn opened(&self, length: u64, expected: Option<u64>) {
        match expected {
            // It may have shrunk: the sum wraps, as the difference does.
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

    /// Once nothing is left that counts: whatever was read and is neither handled nor rejected, nobody will handle.
    pub(crate) fn end(&self, now: Instant) {
        let done = self.handled.close() + self.rejected.close();
        // Closed after them: what was done was read before.
        Self::set(&self.dropped, self.read.close().saturating_sub(done));
        let _ = self.took.set(self.since_start(now));
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
            elapsed: self.took.get().copied().unwrap_or_else(|| self.since_start(now)),
        }
    }
}
