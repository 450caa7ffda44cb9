//! The meter of one task with metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::metrics::counters::{Counters, Sums};
use crate::metrics::sequence_counter::SequenceCounter;
use crate::metrics::usage::PollUsage;

/// The usage of one task. The task writes it, and many threads may read it.
///
/// Moments are nanoseconds since `base`, and 0 is none. Relaxed where nothing else is said: each number
/// stands for itself.
pub(crate) struct Meter {
    base: Instant,
    /// The usage of the task itself.
    own: Counters,
    /// The usage of its children that have ended.
    ended: Counters,
    /// The sequence counter of the moves from children to `ended`.
    moves: SequenceCounter,
    /// The greatest sums that were reported of it and its children; a report never falls below them.
    reported: Counters,
    /// True once its usage was added to the meter above it, or to the totals of the runtime.
    handed_up: AtomicBool,
    /// The time at which metrics were switched on; 0 while they are off.
    on_since: AtomicU64,
    /// The time for which metrics were on before that.
    on_for: AtomicU64,
    /// The time of the first cancellation request.
    asked: AtomicU64,
    polls: Polls,
}

#[derive(Default)]
struct Polls {
    count: AtomicU64,
    time: AtomicU64,
    longest: AtomicU64,
    wakes: AtomicU64,
    delay: AtomicU64,
    longest_delay: AtomicU64,
    idle: AtomicU64,
    /// The beginning of the poll under way.
    begun: AtomicU64,
    /// The end of the last poll.
    paused: AtomicU64,
    /// The first wake since then.
    woken: AtomicU64,
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn duration(counter: &AtomicU64) -> Duration {
    Duration::from_nanos(get(counter))
}

/// Adds without a read-modify-write: only the thread that polls the task writes the number, so no addition is
/// lost.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(get(counter).saturating_add(more), Ordering::Relaxed);
}

fn raise(counter: &AtomicU64, to: u64) {
    if to > get(counter) {
        counter.store(to, Ordering::Relaxed);
    }
}

impl Meter {
    /// The meter of a task that is registered now and waits for its first poll, or else of one that runs
    /// already.
    pub(crate) fn new(is_new: bool) -> Self {
        let polls = Polls { woken: AtomicU64::new(u64::from(is_new)), ..Polls::default() };
        Self {
            base: Instant::now(),
            own: Counters::default(),
            ended: Counters::default(),
            moves: SequenceCounter::default(),
            reported: Counters::default(),
            handed_up: AtomicBool::new(false),
            on_since: AtomicU64::new(0),
            on_for: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            polls,
        }
    }

    /// The current moment; never 0.
    pub(crate) fn now(&self) -> u64 {
        nanos(self.base.elapsed()).max(1)
    }

    /// The time since the meter was made.
    pub(crate) fn age(&self) -> Duration {
        self.base.elapsed()
    }

    /// Switches metrics on.
    pub(crate) fn on(&self) {
        // Moments that were noted before metrics were off say nothing any more; those from the making of the
        // meter do.
        if get(&self.on_for) != 0 {
            self.polls.paused.store(0, Ordering::Relaxed);
            self.polls.woken.store(0, Ordering::Relaxed);
        }
        self.on_since.store(self.now(), Ordering::Relaxed);
    }

    /// Switches metrics off. A second call changes nothing.
    pub(crate) fn off(&self) {
        let since = self.on_since.swap(0, Ordering::Relaxed);
        if since != 0 {
            self.on_for.fetch_add(self.now().saturating_sub(since).max(1), Ordering::Relaxed);
        }
    }

    /// The time for which metrics were on, in all.
    pub(crate) fn wall(&self) -> Duration {
        let (since, before) = (get(&self.on_since), duration(&self.on_for));
        let now = if since == 0 { 0 } else { self.now().saturating_sub(since) };
        before.saturating_add(Duration::from_nanos(now))
    }

    /// Notes a cancellation request; only the first counts.
    pub(crate) fn asked(&self) {
        let _ = self.asked.compare_exchange(0, self.now(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The time since cancellation was first requested, if it was.
    pub(crate) fn stopping_for(&self) -> Option<Duration> {
        let asked = get(&self.asked);
        (asked != 0).then(|| Duration::from_nanos(self.now().saturating_sub(asked)))
    }

    pub(super) fn record(&self, sums: &Sums) {
        self.own.add(sums);
    }

    /// The usage of the task itself, and of its children that have ended.
    pub(crate) fn sums(&self) -> Sums {
        self.own.read().plus(&self.ended.read())
    }

    /// Takes over the usage of `child`, which has ended: it then counts here, and no longer with the child.
    ///
    /// The order matters: a reader that adds up this meter and then the child may miss the child's usage, and
    /// never has it twice.
    pub(crate) fn take_over(&self, child: &Self) {
        self.moves.add(|| {
            let sums = child.sums();
            child.hand_up();
            self.ended.add(&sums);
        });
    }

    /// Reports `sums` of it and its children, which may have missed some: returns at least what was reported
    /// before.
    pub(crate) fn report(&self, sums: &Sums) -> Sums {
        self.reported.raise(sums);
        self.reported.read()
    }

    /// Notes that its usage counts elsewhere from now on.
    pub(crate) fn hand_up(&self) {
        // Release: pairs with the Acquire in `was_handed_up`.
        self.handed_up.store(true, Ordering::Release);
    }

    pub(crate) fn was_handed_up(&self) -> bool {
        self.handed_up.load(Ordering::Acquire)
    }

    /// See [`SequenceCounter::reading`].
    pub(crate) fn reading(&self) -> Option<usize> {
        self.moves.reading()
    }

    /// Notes a wake. Only the first since the last poll counts.
    pub(crate) fn woken(&self) {
        if get(&self.polls.woken) == 0 {
            self.polls.woken.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Notes the beginning of a poll. Returns that moment, and how long the task waited for the poll, if that
    /// is known.
    pub(crate) fn poll_begins(&self) -> (u64, Option<Duration>) {
        let (polls, now) = (&self.polls, self.now());
        polls.begun.store(now, Ordering::Relaxed);
        let (woken, paused) = (polls.woken.swap(0, Ordering::Relaxed), get(&polls.paused));
        // A task that was woken while it was still being polled has waited since the end of that poll.
        let ready = if woken == 0 { now } else { woken.max(paused) };
        if paused != 0 {
            add(&polls.idle, ready.saturating_sub(paused));
        }
        if woken == 0 {
            return (now, None);
        }
        let delay = now.saturating_sub(ready);
        add(&polls.wakes, 1);
        add(&polls.delay, delay);
        raise(&polls.longest_delay, delay);
        (now, Some(Duration::from_nanos(delay)))
    }

    /// Notes the end of the poll that began at `begun`. Returns how long it took.
    pub(crate) fn poll_ends(&self, begun: u64) -> Duration {
        let (polls, now) = (&self.polls, self.now());
        let took = now.saturating_sub(begun);
        add(&polls.count, 1);
        add(&polls.time, took);
        raise(&polls.longest, took);
        polls.paused.store(now, Ordering::Relaxed);
        polls.begun.store(0, Ordering::Relaxed);
        Duration::from_nanos(took)
    }

    /// The time for which the poll under way has lasted, if there is one.
    pub(crate) fn polling_for(&self) -> Option<Duration> {
        let begun = get(&self.polls.begun);
        (begun != 0).then(|| Duration::from_nanos(self.now().saturating_sub(begun)))
    }

    pub(crate) fn polls(&self) -> PollUsage {
        let polls = &self.polls;
        PollUsage {
            count: get(&polls.count),
            time: duration(&polls.time),
            longest: duration(&polls.longest),
            wakes: get(&polls.wakes),
            delay: duration(&polls.delay),
            longest_delay: duration(&polls.longest_delay),
            idle: duration(&polls.idle),
        }
    }
}
