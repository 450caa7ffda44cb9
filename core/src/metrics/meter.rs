//! What is kept of one task with metrics.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::metrics::counters::{Counters, Sums};
use crate::metrics::ledger::Ledger;
use crate::metrics::usage::PollUsage;

/// What one task has used: it writes, and many may read.
///
/// Moments are nanoseconds since `base`, and 0 is none. Relaxed where nothing else is said: each is a number of its own.
pub(crate) struct Meter {
    base: Instant,
    /// What it has used itself, and what its children had when they ended.
    own: Counters,
    ended: Counters,
    /// Of what is moved from children to `ended`.
    ledger: Ledger,
    /// The most that was told of it and its children, which is never taken back.
    told: Counters,
    /// It was added to the one above it.
    handed_up: AtomicBool,
    /// Since when it is on, and how long it was before.
    on_since: AtomicU64,
    on_for: AtomicU64,
    /// When it was asked to stop first.
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
    /// When the poll under way began; when the last one ended; when it was woken first since then.
    begun: AtomicU64,
    paused: AtomicU64,
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

/// Only the one who polls the task writes it: no addition is lost.
fn add(counter: &AtomicU64, more: u64) {
    counter.store(get(counter).saturating_add(more), Ordering::Relaxed);
}

fn raise(counter: &AtomicU64, to: u64) {
    if to > get(counter) {
        counter.store(to, Ordering::Relaxed);
    }
}

impl Meter {
    /// Of a task that waits for its first poll from now on, or one that runs already.
    pub(crate) fn new(is_new: bool) -> Self {
        let polls = Polls { woken: AtomicU64::new(u64::from(is_new)), ..Polls::default() };
        Self {
            base: Instant::now(),
            own: Counters::default(),
            ended: Counters::default(),
            ledger: Ledger::default(),
            told: Counters::default(),
            handed_up: AtomicBool::new(false),
            on_since: AtomicU64::new(0),
            on_for: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            polls,
        }
    }

    /// Never 0.
    pub(crate) fn now(&self) -> u64 {
        nanos(self.base.elapsed()).max(1)
    }

    /// Since its making.
    pub(crate) fn age(&self) -> Duration {
        self.base.elapsed()
    }

    pub(crate) fn on(&self) {
        // What was noted before it was off says nothing any more; what was noted at its making does.
        if get(&self.on_for) != 0 {
            self.polls.paused.store(0, Ordering::Relaxed);
            self.polls.woken.store(0, Ordering::Relaxed);
        }
        self.on_since.store(self.now(), Ordering::Relaxed);
    }

    /// Again changes nothing.
    pub(crate) fn off(&self) {
        let since = self.on_since.swap(0, Ordering::Relaxed);
        if since != 0 {
            self.on_for.fetch_add(self.now().saturating_sub(since).max(1), Ordering::Relaxed);
        }
    }

    /// How long it was on.
    pub(crate) fn wall(&self) -> Duration {
        let (since, before) = (get(&self.on_since), duration(&self.on_for));
        let now = if since == 0 { 0 } else { self.now().saturating_sub(since) };
        before.saturating_add(Duration::from_nanos(now))
    }

    /// The task was asked to stop; the first time counts.
    pub(crate) fn asked(&self) {
        let _ = self.asked.compare_exchange(0, self.now(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// How long ago it was asked to stop, if it was.
    pub(crate) fn stopping_for(&self) -> Option<Duration> {
        let asked = get(&self.asked);
        (asked != 0).then(|| Duration::from_nanos(self.now().saturating_sub(asked)))
    }

    pub(super) fn book(&self, sums: &Sums) {
        self.own.add(sums);
    }

    /// What it has used, and its children that have ended.
    pub(crate) fn sums(&self) -> Sums {
        self.own.read().plus(&self.ended.read())
    }

    /// Takes over what `child`, which has ended, has used: it is then here, and no longer with the child.
    ///
    /// In this order: who adds up meanwhile, this first and then the child, may miss it, and never has it twice.
    pub(crate) fn take_over(&self, child: &Self) {
        self.ledger.add(|| {
            let sums = child.sums();
            child.hand_up();
            self.ended.add(&sums);
        });
    }

    /// `sums` of it and its children, which may have missed some: at least what was told before.
    pub(crate) fn tell(&self, sums: &Sums) -> Sums {
        self.told.raise(sums);
        self.told.read()
    }

    /// It is in somebody else's account from now on.
    pub(crate) fn hand_up(&self) {
        // Release pairs with `was_handed_up`.
        self.handed_up.store(true, Ordering::Release);
    }

    pub(crate) fn was_handed_up(&self) -> bool {
        self.handed_up.load(Ordering::Acquire)
    }

    /// See [`Ledger::reading`].
    pub(crate) fn reading(&self) -> Option<usize> {
        self.ledger.reading()
    }

    /// It may run on. The first wake since the last poll counts.
    pub(crate) fn woken(&self) {
        if get(&self.polls.woken) == 0 {
            self.polls.woken.store(self.now(), Ordering::Relaxed);
        }
    }

    /// A poll begins. Gives how long it was waited for, if that is known.
    pub(crate) fn poll_begins(&self) -> (u64, Option<Duration>) {
        let (polls, now) = (&self.polls, self.now());
        polls.begun.store(now, Ordering::Relaxed);
        let (woken, paused) = (polls.woken.swap(0, Ordering::Relaxed), get(&polls.paused));
        // Woken while it was still being polled, it has waited since the end of that.
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

    /// The poll that began then has ended. Gives how long it took.
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

    /// For how long a poll has been under way, if one is.
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
