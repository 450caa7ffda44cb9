//! Who is let in next: places, a rate, and those who wait, by urgency and age. Pure: the time is an argument.
//!
//! Those who wait stand in one line for each class, in the order of their coming. Whoever has waited for an interval counts
//! as of the class above, and so on, so that only the first of each line has to be looked at: the one with the best class
//! wins, and among equals the one that has waited longest. What has waited for as many intervals as there are classes above
//! its own is therefore before everything that came after it.
//!
//! The rate is a token bucket in its form as a virtual schedule: the generic cell rate algorithm (ITU-T I.371).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::vocabulary::priority::CLASSES;

/// What may be under way, and how fast it may begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) places: Option<usize>,
    pub(crate) rate: Option<Rate>,
    pub(crate) most_waiting: Option<usize>,
    pub(crate) ageing: Duration,
}

/// `burst` at once, and one more each `gap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) gap: Duration,
    pub(crate) burst: u32,
}

/// How many are counted to know somebody's place in a line.
const COUNTED: usize = 1024;

/// One who waits: his class, and his number in the order of coming.
pub(crate) type Key = (u8, u64);

pub(crate) struct Queue<W> {
    limits: Limits,
    under_way: usize,
    /// How far ahead of the time those who were let in have come, as of then, by the schedule of the rate. No moment of the
    /// schedule itself: that may lie beyond what a clock can count.
    ahead: Option<(Duration, Instant)>,
    lines: [BTreeMap<u64, (Instant, W)>; CLASSES],
    waiting: usize,
    next: u64,
}

impl<W> Queue<W> {
    pub(crate) fn new(limits: Limits) -> Self {
        let lines = std::array::from_fn(|_| BTreeMap::new());
        Self { limits, under_way: 0, ahead: None, lines, waiting: 0, next: 0 }
    }

    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// One comes while nobody waits: true if he is let in at once.
    pub(crate) fn enter(&mut self, now: Instant) -> bool {
        self.waiting == 0 && self.opening(now) == Opening::Now && {
            self.let_in(now);
            true
        }
    }

    /// One comes who has to wait; `Err` gives him back where as many wait as may.
    pub(crate) fn wait(&mut self, class: u8, now: Instant, who: W) -> Result<Key, W> {
        if self.limits.most_waiting.is_some_and(|most| self.waiting >= most) {
            return Err(who);
        }
        let number = self.next;
        self.next += 1;
        self.put((class, number), (now, who));
        Ok((class, number))
    }

    fn put(&mut self, (class, number): Key, entry: (Instant, W)) {
        let last = CLASSES - 1;
        if let Some(line) = self.lines.get_mut(usize::from(class).min(last)) {
            line.insert(number, entry);
            self.waiting += 1;
        }
    }

    fn take(&mut self, (class, number): Key) -> Option<(Instant, W)> {
        let entry = self.lines.get_mut(usize::from(class))?.remove(&number)?;
        self.waiting -= 1;
        Some(entry)
    }

    /// One gives up waiting; `None` if he had been let in.
    pub(crate) fn leave(&mut self, key: Key) -> Option<W> {
        self.take(key).map(|(_, who)| who)
    }

    /// One has become more urgent, or less: he keeps his age.
    pub(crate) fn change(&mut self, key: Key, class: u8) -> Key {
        match self.take(key) {
            Some(entry) => {
                self.put((class, key.1), entry);
                (class, key.1)
            }
            None => key,
        }
    }

    /// From now on so many may be under way; those that are go on.
    pub(crate) fn set_places(&mut self, places: usize) {
        self.limits.places = Some(places);
    }

    /// One who was let in has ended.
    pub(crate) fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Lets in the next of those who wait; or says until when there is nothing to do but to wait for the rate.
    pub(crate) fn next(&mut self, now: Instant) -> Result<W, Option<Instant>> {
        let Some(key) = self.first(now) else { return Err(None) };
        match self.opening(now) {
            Opening::Now => {}
            Opening::At(when) => return Err(Some(when)),
            Opening::WithAnEnd | Opening::Never => return Err(None),
        }
        let (_, who) = self.take(key).ok_or(None)?;
        self.let_in(now);
        Ok(who)
    }

    /// The one whose turn it would be.
    pub(crate) fn first_waiting(&self, now: Instant) -> Option<W>
    where
        W: Clone,
    {
        let (class, number) = self.first(now)?;
        let (_, who) = self.lines.get(usize::from(class))?.get(&number)?;
        Some(who.clone())
    }

    /// When the rate opens; `None` where it is not the rate that is waited for.
    pub(crate) fn opens(&self, now: Instant) -> Option<Instant> {
        self.limits.rate?;
        match self.opening(now) {
            Opening::Now => Some(now),
            Opening::At(when) => Some(when),
            Opening::WithAnEnd | Opening::Never => None,
        }
    }

    /// When the turn of the one just before this one comes by the rate, or his own if he is the first; not later, unless others
    /// come before them. `None` as in [`opens`](Self::opens).
    pub(crate) fn turn_before(&self, key: Key, now: Instant) -> Option<Instant> {
        let (opens, gap) = (self.opens(now)?, self.limits.rate?.gap);
        let before = u32::try_from(self.before(key)).unwrap_or(u32::MAX);
        Some(opens.checked_add(gap.saturating_mul(before.saturating_sub(1))).unwrap_or(opens))
    }

    /// How many are before one who waits, those apart who have aged; no more of his class are counted than are quick to.
    fn before(&self, (class, number): Key) -> usize {
        let (above, line) = self.lines.split_at(usize::from(class).min(CLASSES - 1));
        let own = line.first().map_or(0, |line| match line.last_key_value() {
            Some((last, _)) if *last == number => line.len() - 1,
            _ => line.range(..number).take(COUNTED).count(),
        });
        above.iter().map(BTreeMap::len).sum::<usize>() + own
    }

    /// All who wait.
    pub(crate) fn all(&self) -> impl Iterator<Item = &W> {
        self.lines.iter().flat_map(BTreeMap::values).map(|(_, who)| who)
    }

    fn first(&self, now: Instant) -> Option<Key> {
        let heads = (0u8..).zip(&self.lines).filter_map(|(class, line)| {
            let (number, (since, _)) = line.first_key_value()?;
            let aged = self.intervals(now.saturating_duration_since(*since));
            Some((u128::from(class).saturating_sub(aged), *number, class))
        });
        heads.min().map(|(_, number, class)| (class, number))
    }

    /// How many classes a wait is worth.
    fn intervals(&self, waited: Duration) -> u128 {
        waited.as_nanos().checked_div(self.limits.ageing.as_nanos()).unwrap_or(0)
    }

    fn opening(&self, now: Instant) -> Opening {
        if self.limits.places.is_some_and(|places| self.under_way >= places) {
            return Opening::WithAnEnd;
        }
        let Some(Rate { gap, burst }) = self.limits.rate else { return Opening::Now };
        // As many as the burst may come before their time.
        let early = self.ahead(now).saturating_sub(gap.saturating_mul(burst.saturating_sub(1)));
        if early.is_zero() {
            return Opening::Now;
        }
        now.checked_add(early).map_or(Opening::Never, Opening::At)
    }

    fn ahead(&self, now: Instant) -> Duration {
        self.ahead.map_or(Duration::ZERO, |(ahead, as_of)| {
            ahead.saturating_sub(now.saturating_duration_since(as_of))
        })
    }

    fn let_in(&mut self, now: Instant) {
        self.under_way += 1;
        if let Some(Rate { gap, .. }) = self.limits.rate {
            // Who came last may have looked at the clock before another.
            let now = self.ahead.map_or(now, |(_, as_of)| as_of.max(now));
            self.ahead = Some((self.ahead(now).saturating_add(gap), now));
        }
    }
}

/// When another may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opening {
    Now,
    At(Instant),
    /// When one of those who are in has ended.
    WithAnEnd,
    /// After more time than a clock can count.
    Never,
}
