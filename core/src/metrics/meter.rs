//! The meter of one task with metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::clock::moment;
use crate::metrics::counters::{Counters, RareCounters, Sums, Used};
use crate::metrics::sequence_counter::SequenceCounter;
use crate::metrics::usage::PollUsage;

/// The owner of a meter.
pub(crate) trait HasMeter: Send + Sync {
    fn meter(&self) -> &Meter;
}

/// The usage of one task. The task writes it, and many threads may read it.
///
/// Moments are those of [`moment`], and 0 is none. Relaxed where nothing else is said: each number stands for
/// itself.
pub(crate) struct Meter {
    made_at: u64,
    /// True if the processor time of each poll is measured, and not estimated.
    is_exact: AtomicBool,
    /// The usage of the task's own polls. One thread at a time writes it.
    polled: Counters,
    /// The other usage of the task itself, such as that of its blocking work.
    own: RareCounters,
    /// The usage of its children that have ended.
    ended: RareCounters,
    /// The sequence counter of the moves from children to `ended`.
    moves: SequenceCounter,
    /// The greatest sums that were reported of it and its children; a report never falls below them.
    reported: RareCounters,
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
    /// The first wake since the last poll began; [`DURING_POLL`] if that poll was under way.
    woken: AtomicU64,
}

/// The moment of a wake that came during a poll. The task has then waited since the end of that poll, so no
/// clock is read.
const DURING_POLL: u64 = 1;

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
        let made_at = moment();
        let woken = if is_new { made_at } else { 0 };
        Self {
            made_at,
            is_exact: AtomicBool::new(false),
            polled: Counters::default(),
            own: RareCounters::default(),
            ended: RareCounters::default(),
            moves: SequenceCounter::default(),
            reported: RareCounters::default(),
            handed_up: AtomicBool::new(false),
            on_since: AtomicU64::new(0),
            on_for: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            polls: Polls { woken: AtomicU64::new(woken), ..Polls::default() },
        }
    }

    /// Notes that the processor time of each poll is to be measured, from the next one on.
    pub(crate) fn measure_exactly(&self) {
        self.is_exact.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_exact(&self) -> bool {
        self.is_exact.load(Ordering::Relaxed)
    }

    /// The time since the meter was made.
    pub(crate) fn age(&self) -> Duration {
        Duration::from_nanos(moment().saturating_sub(self.made_at))
    }

    /// Switches metrics on.
    pub(crate) fn on(&self) {
        // Moments that were noted before metrics were off say nothing any more; moments since the making of
        // the meter do.
        let since = if get(&self.on_for) == 0 {
            self.made_at
        } else {
            self.polls.paused.store(0, Ordering::Relaxed);
            self.polls.woken.store(0, Ordering::Relaxed);
            moment()
        };
        self.on_since.store(since, Ordering::Relaxed);
    }

    /// Switches metrics off. A second call changes nothing.
    pub(crate) fn off(&self) {
        let since = self.on_since.swap(0, Ordering::Relaxed);
        if since != 0 {
            self.on_for.fetch_add(moment().saturating_sub(since).max(1), Ordering::Relaxed);
        }
    }

    /// The time for which metrics were on, in all.
    pub(crate) fn wall(&self) -> Duration {
        let (since, before) = (get(&self.on_since), duration(&self.on_for));
        let now = if since == 0 { 0 } else { moment().saturating_sub(since) };
        before.saturating_add(Duration::from_nanos(now))
    }

    /// Notes a cancellation request; only the first counts.
    pub(crate) fn asked(&self) {
        let _ = self.asked.compare_exchange(0, moment(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// The time since cancellation was first requested, if it was.
    pub(crate) fn stopping_for(&self) -> Option<Duration> {
        let asked = get(&self.asked);
        (asked != 0).then(|| Duration::from_nanos(moment().saturating_sub(asked)))
    }

    /// Adds the usage of a poll.
    pub(super) fn record_poll(&self, used: &Used, known: u8) {
        self.polled.add_alone(used, known);
    }

    /// Adds other usage of the task itself.
    pub(super) fn record(&self, sums: &Sums) {
        self.own.get_or_make().add(sums);
    }

    /// The usage of the task itself, and of its children that have ended.
    pub(crate) fn sums(&self) -> Sums {
        self.ended.add_to(self.own.add_to(self.polled.read()))
    }

    /// Takes over the usage of `child`, which has ended: it then counts here, and no longer with the child.
    ///
    /// The order matters: a reader that adds up this meter and then the child may miss the child's usage, and
    /// never has it twice.
    pub(crate) fn take_over(&self, child: &Self) {
        self.moves.add(|| {
            let sums = child.sums();
            child.hand_up();
            self.ended.get_or_make().add(&sums);
        });
    }

    /// Reports `sums` of it and its children, which may have missed some: returns at least what was reported
    /// before.
    pub(crate) fn report(&self, sums: &Sums) -> Sums {
        let reported = self.reported.get_or_make();
        reported.raise(sums);
        reported.read()
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

    /// Notes a wake. Only the first since the last poll began counts.
    pub(crate) fn woken(&self) {
        if get(&self.polls.woken) == 0 {
            let at = if get(&self.polls.begun) == 0 { moment() } else { DURING_POLL };
            self.polls.woken.store(at, Ordering::Relaxed);
        }
    }

    /// Notes the beginning of a poll. Returns that moment, and how long the task waited for the poll, if that
    /// is known.
    pub(crate) fn poll_begins(&self) -> (u64, Option<Duration>) {
        let (polls, now) = (&self.polls, moment());
        polls.begun.store(now, Ordering::Relaxed);
        let (woken, paused) = (get(&polls.woken), get(&polls.paused));
        // A task that was woken while it was still being polled has waited since the end of that poll.
        let ready = if woken == 0 { now } else { woken.max(paused) };
        if paused != 0 {
            add(&polls.idle, ready.saturating_sub(paused));
        }
        if woken == 0 {
            return (now, None);
        }
        polls.woken.store(0, Ordering::Relaxed);
        let delay = now.saturating_sub(ready);
        add(&polls.wakes, 1);
        add(&polls.delay, delay);
        raise(&polls.longest_delay, delay);
        (now, Some(Duration::from_nanos(delay)))
    }

    /// Notes the end, at the moment `now`, of the poll that began at `begun`. Returns how long it took.
    pub(crate) fn poll_ends(&self, begun: u64, now: u64) -> Duration {
        let polls = &self.polls;
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
        (begun != 0).then(|| Duration::from_nanos(moment().saturating_sub(begun)))
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
