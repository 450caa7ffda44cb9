//! The order of admission to a limiter, against a naive wait queue: one list, searched each time.

use std::time::{Duration, Instant};

use proptest::prelude::*;

#[path = "limits/naive.rs"]
mod naive;
#[path = "../src/vocabulary/priority.rs"]
#[allow(dead_code, unnameable_types, unreachable_pub, reason = "public in core, which has other uses for it")]
mod priority;
#[path = "../src/limit/order.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod queue;

// The name by which core's files know it.
mod vocabulary {
    pub(crate) use crate::priority;
}

use naive::{Naive, Waiting};
use priority::TaskPriority;
use queue::{Key, Limits, Queue, Rate};

const LAST: u8 = 4;

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Come(u8),
    Leave(usize),
    Change(usize, u8),
    End,
}

fn limits() -> impl Strategy<Value = Limits> {
    let rate = (1_u64..20, 1_u32..5).prop_map(|(gap, burst)| Rate { gap: Duration::from_nanos(gap), burst });
    (
        proptest::option::of(1_usize..4),
        proptest::option::of(rate),
        proptest::option::of(0_usize..6),
        prop_oneof![1_u64..40, Just(u64::MAX)],
    )
        .prop_map(|(permits, rate, most_waiting, ageing)| Limits {
            permits,
            rate,
            most_waiting,
            ageing: Duration::from_nanos(ageing),
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop_oneof![0_u64..4, 0_u64..60].prop_map(Step::Pass),
        5 => (0..=LAST).prop_map(Step::Come),
        1 => any::<prop::sample::Index>().prop_map(|at| Step::Leave(at.index(64))),
        1 => (any::<prop::sample::Index>(), 0..=LAST).prop_map(|(at, class)| Step::Change(at.index(64), class)),
        4 => Just(Step::End),
    ];
    proptest::collection::vec(step, 0..120)
}

/// The queue, the naive one, and the times of admission.
struct Both {
    queue: Queue<u64>,
    naive: Naive,
    now: Instant,
    keys: Vec<(u64, Key)>,
    admitted: Vec<Instant>,
    came: u64,
    refused: usize,
    left: usize,
    ended: usize,
}

impl Both {
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Pass(nanos) => self.now += Duration::from_nanos(nanos),
            Step::Come(class) => self.come(class)?,
            Step::Leave(at) => {
                if let Some((who, key)) = self.chosen(at) {
                    prop_assert_eq!(self.queue.leave(key), Some(who));
                    prop_assert_eq!(self.queue.leave(key), None, "it has left");
                    self.naive.line.retain(|one| one.who != who);
                    self.keys.retain(|(other, _)| *other != who);
                    self.left += 1;
                }
            }
            Step::Change(at, class) => {
                if let Some((who, key)) = self.chosen(at) {
                    let changed = self.queue.change(key, class);
                    prop_assert_eq!(changed.0, class);
                    self.keys
                        .iter_mut()
                        .filter(|(other, _)| *other == who)
                        .for_each(|(_, key)| *key = changed);
                    self.naive.line.iter_mut().filter(|one| one.who == who).for_each(|one| one.class = class);
                }
            }
            Step::End => {
                if self.naive.under_way > 0 {
                    self.naive.under_way -= 1;
                    self.queue.end();
                    self.ended += 1;
                }
            }
        }
        self.admit()?;
        prop_assert_eq!(self.queue.under_way(), self.naive.under_way);
        prop_assert_eq!(self.queue.waiting(), self.naive.line.len());
        self.is_seen_from_outside()
    }

    /// Compares what an observer and an eviction ask about the queue.
    fn is_seen_from_outside(&mut self) -> Result<(), TestCaseError> {
        let Limits { permits, rate, .. } = self.naive.limits;
        // Fills the bucket up to now.
        self.naive.is_open(self.now);
        let (filled, under_way) = (self.naive.filled, self.naive.under_way);
        let is_full = rate.is_none_or(|rate| filled == rate.gap.as_nanos() * u128::from(rate.burst));
        let is_new = under_way == 0 && self.naive.line.is_empty() && is_full;
        prop_assert_eq!(self.queue.is_as_new(self.now), is_new);
        let has_token = rate.is_none_or(|rate| filled >= rate.gap.as_nanos());
        let is_used_up = permits.is_some_and(|permits| under_way >= permits);
        let lacks = !self.naive.line.is_empty() && is_used_up && has_token;
        prop_assert_eq!(self.queue.lacks_permits(self.now), lacks);
        Ok(())
    }

    fn chosen(&self, at: usize) -> Option<(u64, Key)> {
        self.keys.get(at.checked_rem(self.keys.len())?).copied()
    }

    fn come(&mut self, class: u8) -> Result<(), TestCaseError> {
        let (who, now) = (self.came, self.now);
        self.came += 1;
        let enters = self.naive.line.is_empty() && self.naive.is_open(now);
        prop_assert_eq!(self.queue.enter(now), enters);
        if enters {
            self.naive.admit();
            self.admitted.push(now);
            return Ok(());
        }
        let may_wait = self.naive.limits.most_waiting.is_none_or(|most| self.naive.line.len() < most);
        match self.queue.wait(class, now, who) {
            Ok(key) => {
                prop_assert!(may_wait);
                self.keys.push((who, key));
                self.naive.line.push(Waiting { who, class, since: now });
            }
            Err(same) => {
                prop_assert!(!may_wait && same == who);
                self.refused += 1;
            }
        }
        Ok(())
    }

    fn admit(&mut self) -> Result<(), TestCaseError> {
        loop {
            let first = self.queue.first_waiting(self.now);
            match (self.queue.next(self.now), self.naive.next(self.now)) {
                (Ok(who), Some(other)) => {
                    prop_assert!(who == other && first == Some(who), "{who}, not {other}");
                    let key =
                        self.keys.iter().position(|(one, _)| *one == who).map(|at| self.keys.remove(at));
                    let Some((_, key)) = key else { return Err(TestCaseError::fail("the key of no waiter")) };
                    prop_assert_eq!(self.queue.leave(key), None, "it was let in");
                    prop_assert_eq!(self.queue.change(key, 0), key, "it was let in");
                    self.admitted.push(self.now);
                }
                (Err(due), None) => return self.is_due(due),
                (one, other) => prop_assert!(false, "{one:?}, not {other:?}"),
            }
        }
    }

    /// Checks that the rate has to be waited for, and that it opens at `due`.
    fn is_due(&mut self, due: Option<Instant>) -> Result<(), TestCaseError> {
        let has_permit = self.naive.limits.permits.is_none_or(|permits| self.naive.under_way < permits);
        prop_assert_eq!(due.is_some(), has_permit && !self.naive.line.is_empty());
        let (Some(due), Some(rate)) = (due, self.naive.limits.rate) else { return Ok(()) };
        let missing = rate.gap.as_nanos() - self.naive.filled;
        prop_assert_eq!(due.duration_since(self.now).as_nanos(), missing);
        Ok(())
    }

    fn adds_up(&self) -> Result<(), TestCaseError> {
        let Limits { permits, rate, .. } = self.naive.limits;
        prop_assert!(permits.is_none_or(|permits| self.queue.under_way() <= permits));
        prop_assert_eq!(self.admitted.len(), self.ended + self.queue.under_way());
        let came = usize::try_from(self.came).map_err(|_| TestCaseError::fail("too many"))?;
        prop_assert_eq!(came, self.admitted.len() + self.queue.waiting() + self.left + self.refused);
        let Some(Rate { gap, burst }) = rate else { return Ok(()) };
        for (first, from) in self.admitted.iter().enumerate() {
            for (last, to) in self.admitted.iter().enumerate().skip(first) {
                let gaps = to.duration_since(*from).as_nanos() / gap.as_nanos();
                let most = u128::from(burst) + gaps;
                prop_assert!((last - first + 1) as u128 <= most, "{} in {gaps} gaps", last - first + 1);
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn admission_agrees_with_a_naive_wait_queue(limits in limits(), steps in steps()) {
        let now = Instant::now();
        let mut both = Both {
            queue: Queue::new(limits),
            naive: Naive::new(limits, now),
            now,
            keys: Vec::new(),
            admitted: Vec::new(),
            came: 0,
            refused: 0,
            left: 0,
            ended: 0,
        };
        for step in &steps {
            both.step(step)?;
        }
        both.adds_up()?;
    }

    #[test]
    fn no_waiter_waits_longer_than_the_bound(class in 0..=LAST, before in 0_usize..5, ageing in 1_u64..50) {
        // With one permit, each turn takes 1 ns, and one of the most urgent class arrives with each.
        let start = Instant::now();
        let ageing = Duration::from_nanos(ageing);
        let mut queue = Queue::new(Limits { permits: Some(1), ageing, ..Limits::default() });
        prop_assert!(queue.enter(start));
        for _ in 0..before {
            prop_assert!(queue.wait(0, start, false).is_ok());
        }
        prop_assert!(queue.wait(class, start, true).is_ok());
        let mut turns = 0_u32;
        loop {
            turns += 1;
            let now = start + Duration::from_nanos(u64::from(turns));
            prop_assert!(queue.wait(0, now, false).is_ok());
            queue.end();
            if queue.next(now) == Ok(true) {
                break;
            }
        }
        let aged = ageing * u32::from(class);
        let first_after = u32::try_from(before).map_err(|_| TestCaseError::fail("too many"))? + 1;
        let aged = u32::try_from(aged.as_nanos()).map_err(|_| TestCaseError::fail("too long"))?;
        prop_assert_eq!(turns, aged.max(first_after));
    }

    #[test]
    fn a_waiter_for_the_rate_knows_the_turn_of_the_one_before(
        gap in 1_u64..20,
        burst in 1_u32..4,
        classes in proptest::collection::vec(0..=LAST, 1..20),
        passed in 0_u64..30,
    ) {
        // No other waiter arrives, and none ages.
        let rate = Some(Rate { gap: Duration::from_nanos(gap), burst });
        let mut queue = Queue::new(Limits { rate, ageing: Duration::MAX, ..Limits::default() });
        let mut now = Instant::now();
        for _ in 0..burst {
            prop_assert!(queue.enter(now));
        }
        now += Duration::from_nanos(passed % gap);
        let keys: Vec<_> = (0..).zip(classes).filter_map(|(who, class)| queue.wait(class, now, who).ok()).collect();
        let expected: Vec<_> = keys.iter().map(|key| queue.turn_before(*key, now)).collect();
        let mut before = queue.opens(now);
        while queue.waiting() > 0 {
            match queue.next(now) {
                Ok(who) => {
                    prop_assert_eq!(expected.get::<usize>(who).copied().flatten(), before);
                    before = Some(now);
                }
                Err(Some(due)) => now = due,
                Err(None) => prop_assert!(false, "no waiter is admitted any more"),
            }
        }
    }

    #[test]
    fn priorities_compare_in_reverse_of_their_numbers(one in 0..=LAST, other in 0..=LAST) {
        let (left, right) = (TaskPriority::try_from(one), TaskPriority::try_from(other));
        prop_assert_eq!(left.map(|left| right.map(|right| left.cmp(&right))), Ok(Ok(other.cmp(&one))));
    }
}

#[test]
fn a_stale_clock_reading_admits_nothing_early() {
    let rate = Some(Rate { gap: Duration::from_nanos(10), burst: 1 });
    let mut queue = Queue::<()>::new(Limits { rate, ageing: Duration::MAX, ..Limits::default() });
    let start = Instant::now();
    assert!(queue.enter(start + Duration::from_nanos(100)));
    // This caller read the clock before, and arrives after.
    assert!(!queue.enter(start + Duration::from_nanos(95)));
    assert!(!queue.enter(start + Duration::from_nanos(109)));
    assert!(queue.enter(start + Duration::from_nanos(110)));
}

#[test]
fn a_gap_of_the_longest_duration_never_opens() {
    let rate = Some(Rate { gap: Duration::MAX, burst: 1 });
    let mut queue = Queue::new(Limits { rate, ageing: Duration::MAX, ..Limits::default() });
    let start = Instant::now();
    assert!(queue.enter(start));
    assert!(queue.wait(0, start, ()).is_ok());
    let later = start + Duration::from_secs(1_000_000_000);
    assert_eq!(queue.next(later), Err(None));
}
