//! The order in which a limiter admits waiters: permits, a rate, urgency and age. Pure: the time is an
//! argument.
//!
//! There is one queue for each class, in the order of arrival. After each interval that it has waited, a
//! waiter counts as of the class above. So only the first of each queue has to be compared: the one with the
//! best class wins, and among equals the one that has waited longest. A waiter that has waited for as many
//! intervals as there are classes above its own is therefore before everything that arrived after it.
//!
//! The rate is a token bucket in its form as a virtual schedule: the generic cell rate algorithm (ITU-T
//! I.371).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::vocabulary::priority::CLASSES;

/// The limits of a limiter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The number of permits; `None` for any number.
    pub(crate) permits: Option<usize>,
    pub(crate) rate: Option<Rate>,
    /// The greatest number of waiters; `None` for any number.
    pub(crate) most_waiting: Option<usize>,
    /// The time after which a waiter counts as one class more urgent.
    pub(crate) ageing: Duration,
}

/// The rate of admissions: `burst` at once, and one more after each `gap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) gap: Duration,
    pub(crate) burst: u32,
}

/// The most waiters of its own class that are counted to find the position of a waiter.
const COUNTED: usize = 1024;

/// The key of a waiter: its class, and its number in the order of arrival.
pub(crate) type Key = (u8, u64);

/// The waiters of a limiter, and its count of the work under way.
pub(crate) struct Queue<W> {
    limits: Limits,
    under_way: usize,
    /// The lead of the admissions over the schedule of the rate, and the time as of which it holds. It is not
    /// an instant of the schedule: that may be later than a clock can count.
    ahead: Option<(Duration, Instant)>,
    /// The greatest lead with which one more is admitted: as many as the burst may be admitted before their
    /// time.
    most_ahead: Duration,
    queues: [BTreeMap<u64, (Instant, W)>; CLASSES],
    waiting: usize,
    /// The number of the next waiter.
    next: u64,
}

impl<W> Queue<W> {
    pub(crate) fn new(limits: Limits) -> Self {
        let queues = std::array::from_fn(|_| BTreeMap::new());
        let most_ahead =
            limits.rate.map_or(Duration::ZERO, |rate| rate.gap.saturating_mul(rate.burst.saturating_sub(1)));
        Self { limits, under_way: 0, ahead: None, most_ahead, queues, waiting: 0, next: 0 }
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The number of permits; `None` for any number.
    pub(crate) fn permits(&self) -> Option<usize> {
        self.limits.permits
    }

    /// True if there are waiters, and another permit would admit one of them now.
    pub(crate) fn lacks_permits(&self, now: Instant) -> bool {
        self.waiting > 0 && self.opening(now) == Opening::WithAnEnd && self.early(now).is_zero()
    }

    /// True if it would admit the same as a new queue: nothing is under way or waits, and the whole burst of
    /// the rate is permitted again.
    pub(crate) fn is_as_new(&self, now: Instant) -> bool {
        self.under_way == 0 && self.waiting == 0 && self.ahead(now).is_zero()
    }

    /// Admits an arrival at once, if nothing waits and the limits permit it; true if so.
    pub(crate) fn enter(&mut self, now: Instant) -> bool {
        let ahead = self.ahead(now);
        let is_admitted = self.waiting == 0 && self.has_permit() && ahead <= self.most_ahead;
        if is_admitted {
            self.admit_ahead(ahead, now);
        }
        is_admitted
    }

    /// As [`enter`](Self::enter), where there is no rate and nothing waits.
    pub(crate) fn enter_untimed(&mut self) -> bool {
        let is_free = self.has_permit();
        self.under_way += usize::from(is_free);
        is_free
    }

    /// Adds a waiter; `Err` gives it back if there are as many waiters as there may be.
    pub(crate) fn wait(&mut self, class: u8, now: Instant, waiter: W) -> Result<Key, W> {
        if self.limits.most_waiting.is_some_and(|most| self.waiting >= most) {
            return Err(waiter);
        }
        let number = self.next;
        self.next += 1;
        self.put((class, number), (now, waiter));
        Ok((class, number))
    }

    fn put(&mut self, (class, number): Key, entry: (Instant, W)) {
        let last = CLASSES - 1;
        if let Some(queue) = self.queues.get_mut(usize::from(class).min(last)) {
            queue.insert(number, entry);
            self.waiting += 1;
        }
    }

    fn take(&mut self, (class, number): Key) -> Option<(Instant, W)> {
        let entry = self.queues.get_mut(usize::from(class))?.remove(&number)?;
        self.waiting -= 1;
        Some(entry)
    }

    /// Removes a waiter that gives up; `None` if it has been admitted.
    pub(crate) fn leave(&mut self, key: Key) -> Option<W> {
        self.take(key).map(|(_, waiter)| waiter)
    }

    /// Moves a waiter to another class; it keeps its age.
    pub(crate) fn change(&mut self, key: Key, class: u8) -> Key {
        match self.take(key) {
            Some(entry) => {
                self.put((class, key.1), entry);
                (class, key.1)
            }
            None => key,
        }
    }

    /// Sets the number of permits; held permits stay held.
    pub(crate) fn set_permits(&mut self, permits: usize) {
        self.limits.permits = Some(permits);
    }

    /// Returns the permit of work that has ended.
    pub(crate) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Admits the next waiter. `Err` holds the time at which the rate permits that, or `None` if it is not
    /// the rate that is waited for.
    pub(crate) fn next(&mut self, now: Instant) -> Result<W, Option<Instant>> {
        let Some(key) = self.first(now) else { return Err(None) };
        match self.opening(now) {
            Opening::Now => {}
            Opening::At(when) => return Err(Some(when)),
            Opening::WithAnEnd | Opening::Never => return Err(None),
        }
        let (_, waiter) = self.take(key).ok_or(None)?;
        self.admit(now);
        Ok(waiter)
    }

    /// The waiter that would be admitted next.
    pub(crate) fn first_waiting(&self, now: Instant) -> Option<W>
    where
        W: Clone,
    {
        let (class, number) = self.first(now)?;
        let (_, waiter) = self.queues.get(usize::from(class))?.get(&number)?;
        Some(waiter.clone())
    }

    /// The time at which the rate permits another admission; `None` if it is not the rate that is waited for.
    pub(crate) fn opens(&self, now: Instant) -> Option<Instant> {
        self.limits.rate?;
        match self.opening(now) {
            Opening::Now => Some(now),
            Opening::At(when) => Some(when),
            Opening::WithAnEnd | Opening::Never => None,
        }
    }

    /// The time at which the rate admits the waiter just before this one, or this one if it is the first; no
    /// later than that, unless others are put before them. `None` as in [`opens`](Self::opens).
    pub(crate) fn turn_before(&self, key: Key, now: Instant) -> Option<Instant> {
        let (opens, gap) = (self.opens(now)?, self.limits.rate?.gap);
        let before = u32::try_from(self.before(key)).unwrap_or(u32::MAX);
        Some(opens.checked_add(gap.saturating_mul(before.saturating_sub(1))).unwrap_or(opens))
    }

    /// The number of waiters before this one, without regard to ageing. Of its own class at most [`COUNTED`]
    /// are counted one by one.
    fn before(&self, (class, number): Key) -> usize {
        let (above, queue) = self.queues.split_at(usize::from(class).min(CLASSES - 1));
        let own = queue.first().map_or(0, |queue| match queue.last_key_value() {
            Some((last, _)) if *last == number => queue.len() - 1,
            _ => queue.range(..number).take(COUNTED).count(),
        });
        above.iter().map(BTreeMap::len).sum::<usize>() + own
    }

    /// All waiters.
    pub(crate) fn all(&self) -> impl Iterator<Item = &W> {
        self.queues.iter().flat_map(BTreeMap::values).map(|(_, waiter)| waiter)
    }

    /// The key of the waiter that would be admitted next.
    fn first(&self, now: Instant) -> Option<Key> {
        let heads = (0u8..).zip(&self.queues).filter_map(|(class, queue)| {
            let (number, (since, _)) = queue.first_key_value()?;
            let aged = self.intervals(now.saturating_duration_since(*since));
            Some((u128::from(class).saturating_sub(aged), *number, class))
        });
        heads.min().map(|(_, number, class)| (class, number))
    }

    /// The number of classes that a wait raises a waiter by.
    fn intervals(&self, waited: Duration) -> u128 {
        waited.as_nanos().checked_div(self.limits.ageing.as_nanos()).unwrap_or(0)
    }

    fn opening(&self, now: Instant) -> Opening {
        if !self.has_permit() {
            return Opening::WithAnEnd;
        }
        match self.early(now) {
            Duration::ZERO => Opening::Now,
            early => now.checked_add(early).map_or(Opening::Never, Opening::At),
        }
    }

    /// True if a permit is free.
    fn has_permit(&self) -> bool {
        self.limits.permits.is_none_or(|permits| self.under_way < permits)
    }

    /// The time until the rate permits another admission.
    fn early(&self, now: Instant) -> Duration {
        self.ahead(now).saturating_sub(self.most_ahead)
    }

    fn ahead(&self, now: Instant) -> Duration {
        self.ahead.map_or(Duration::ZERO, |(ahead, as_of)| {
            ahead.saturating_sub(now.saturating_duration_since(as_of))
        })
    }

    fn admit(&mut self, now: Instant) {
        self.admit_ahead(self.ahead(now), now);
    }

    /// As [`admit`](Self::admit), with the lead at that time.
    fn admit_ahead(&mut self, ahead: Duration, now: Instant) {
        self.under_way += 1;
        if let Some(Rate { gap, .. }) = self.limits.rate {
            // The latest arrival may have read the clock before another: the lead is then that of the other.
            let as_of = self.ahead.map_or(now, |(_, as_of)| as_of.max(now));
            self.ahead = Some((ahead.saturating_add(gap), as_of));
        }
    }
}

/// The time at which another admission is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Now,
    At(Instant),
    /// The end of some of the work under way permits it.
    WithAnEnd,
    /// After more time than a clock can count.
    Never,
}
