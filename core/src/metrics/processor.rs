//! The processor time of one stretch of work on a thread: measured, or estimated as
//! [`MetricsMode::Sampled`](crate::metrics::MetricsMode::Sampled) says.

use std::cell::Cell;

use crate::metrics::clock::{CpuTime, thread_time};

/// Polls that take at least this long, in nanoseconds, are measured by the thread's clock.
const LONG: u64 = 100_000;
/// A reading of the thread's clock is too old to begin with after this time, in nanoseconds.
const STALE: u64 = 1_000_000;
/// The one of which [`Thread::system_share`] is a part.
const WHOLE: u64 = 1 << 16;

/// The last reading of a thread's clock, and the recent polls that were measured by it.
#[derive(Clone, Copy)]
struct Thread {
    read_at: u64,
    last: CpuTime,
    /// The time of measured polls; half of it is forgotten with each further one.
    measured: CpuTime,
    /// The system's part of it.
    system_share: u64,
}

impl Thread {
    fn new(read_at: u64, last: CpuTime) -> Self {
        Self { read_at, last, measured: CpuTime { total: 0, system: 0 }, system_share: 0 }
    }

    /// With a poll that was measured.
    fn with(self, poll: CpuTime) -> Self {
        let before = self.measured;
        let measured =
            CpuTime { total: before.total / 2 + poll.total, system: before.system / 2 + poll.system };
        let system_share = measured.system.min(measured.total).saturating_mul(WHOLE) / measured.total.max(1);
        Self { measured, system_share, ..self }
    }
}

thread_local! {
    static THREAD: Cell<Option<Thread>> = const { Cell::new(None) };
}

/// `None` before the thread's clock is read, and while the thread ends.
fn this_thread() -> Option<Thread> {
    THREAD.try_with(Cell::get).ok().flatten()
}

/// Keeps a reading of the thread's clock, and the poll that was measured with it, if there is one.
fn keep(read_at: u64, last: CpuTime, measured: Option<CpuTime>) {
    let thread =
        this_thread().map_or_else(|| Thread::new(read_at, last), |thread| Thread { read_at, last, ..thread });
    let thread = measured.map_or(thread, |poll| thread.with(poll));
    let _ = THREAD.try_with(|cell| cell.set(Some(thread)));
}

/// The end of a poll, in nanoseconds.
#[derive(Clone, Copy)]
pub(super) struct PollEnd {
    pub(super) now: u64,
    pub(super) took: u64,
}

/// The beginning of a stretch of work.
pub(super) struct Stretch {
    /// A reading of the thread's clock; `None` where it has none.
    from: Option<CpuTime>,
    /// True if that is a reading at the beginning itself, and not an earlier one.
    is_measured: bool,
}

impl Stretch {
    /// A stretch that begins now, and is measured.
    pub(super) fn measured() -> Self {
        Self { from: thread_time(), is_measured: true }
    }

    /// A poll that begins at the moment `now`.
    pub(super) fn sampled(now: u64) -> Self {
        match this_thread().filter(|thread| now.saturating_sub(thread.read_at) < STALE) {
            Some(thread) => Self { from: Some(thread.last), is_measured: false },
            None => Self::sample(now),
        }
    }

    /// A poll that is measured for those after it.
    #[cold]
    fn sample(now: u64) -> Self {
        let start = Self::measured();
        if let Some(from) = start.from {
            keep(now, from, None);
        }
        start
    }

    /// Its processor time; `poll` is its end, if it is a poll.
    pub(super) fn spent(&self, poll: Option<PollEnd>) -> Option<CpuTime> {
        let from = self.from?;
        match poll {
            Some(PollEnd { took, .. }) if !self.is_measured && took < LONG => {
                let share = this_thread().map_or(0, |thread| thread.system_share);
                Some(CpuTime { total: took, system: took * share / WHOLE })
            }
            poll => self.spent_by_clock(from, poll),
        }
    }

    #[cold]
    fn spent_by_clock(&self, from: CpuTime, poll: Option<PollEnd>) -> Option<CpuTime> {
        let last = thread_time()?;
        let mut spent = last.since(from);
        if let Some(PollEnd { now, took }) = poll {
            if !self.is_measured {
                // It includes the thread's work between that reading and the poll.
                spent.total = spent.total.min(took);
                spent.system = spent.system.min(spent.total);
            }
            keep(now, last, Some(spent));
        }
        Some(spent)
    }
}
