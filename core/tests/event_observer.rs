//! The number of permits that the controller finds for a limiter, which tells it of each change: as a table
//! of windows, and against a model of a service whose best number is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[path = "../src/adaptive/aimd.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod aimd;
#[path = "../src/adaptive/event_observer.rs"]
mod event_observer;
#[path = "../src/adaptive/observer.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod observer;

// The name by which core's files know them.
mod adaptive {
    pub(crate) use crate::{aimd, observer};
}

use event_observer::EventObserver;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// An observer, and the time of the latest event.
struct Observed {
    observer: EventObserver,
    now: Instant,
}

impl Observed {
    fn new(range: (usize, usize)) -> Self {
        let mut observed = Self { observer: EventObserver::new(range), now: Instant::now() };
        observed.passes(Duration::ZERO, 0, false);
        observed
    }

    /// Lets `busy` pieces be under way for some time.
    fn passes(&mut self, time: Duration, busy: usize, waiting: bool) {
        self.now += time;
        self.observer.pass(self.now, busy, waiting);
    }

    /// Ends `number` pieces; returns the number of permits from now on, if it changes.
    fn ends(&mut self, number: usize) -> Option<usize> {
        (0..number).for_each(|_| self.observer.end());
        self.observer.decide().map(|change| change.decided)
    }
}

#[test]
fn a_window_is_ten_milliseconds_of_work_and_four_ends_for_each_piece() {
    let mut observed = Observed::new((1, 8));
    observed.passes(9 * MILLI, 1, true);
    assert_eq!(observed.ends(4), None, "too short");
    observed.passes(MILLI, 1, true);
    assert_eq!(observed.ends(0), Some(2));
    observed.passes(10 * MILLI, 2, true);
    assert_eq!(observed.ends(7), None, "too few");
    assert_eq!(observed.ends(1), Some(4));
    observed.passes(10 * MILLI, 4, true);
    assert_eq!(observed.ends(15), None, "those of the windows before do not count");
}

#[test]
fn time_without_work_is_in_no_window() {
    let mut observed = Observed::new((1, 8));
    observed.passes(10 * MILLI, 1, true);
    assert_eq!(observed.ends(4), Some(2));
    // Half a window, an hour, and the other half: the work takes as long as before.
    observed.passes(5 * MILLI, 2, true);
    assert_eq!(observed.ends(4), None);
    observed.passes(HOUR, 0, false);
    observed.passes(5 * MILLI, 2, true);
    assert_eq!(observed.ends(4), Some(4));
    // An hour alone is none.
    observed.passes(HOUR, 0, false);
    assert_eq!(observed.ends(0), None);
}

#[test]
fn the_number_rises_only_if_work_has_waited_for_it_most_of_the_time() {
    for (waited, due) in [(4, None), (5, Some(2))] {
        let mut observed = Observed::new((1, 8));
        observed.passes(waited * MILLI, 1, true);
        observed.passes((10 - waited) * MILLI, 1, false);
        assert_eq!(observed.ends(4), due, "{waited} of 10");
    }
}

#[test]
fn a_clock_that_was_read_before_another_takes_nothing_back() {
    let mut observed = Observed::new((1, 8));
    observed.passes(5 * MILLI, 1, true);
    observed.observer.pass(observed.now - 5 * MILLI, 1, true);
    observed.observer.pass(observed.now, 1, true);
    assert_eq!(observed.ends(4), None, "five milliseconds count twice");
    observed.passes(5 * MILLI, 1, true);
    assert_eq!(observed.ends(0), Some(2));
}

#[test]
fn times_and_numbers_beyond_counting_are_no_panic() {
    let mut observed = Observed::new((1, usize::MAX));
    for _ in 0..3 {
        observed.passes(1_000_000 * HOUR, usize::MAX, true);
        assert_eq!(observed.ends(1_000), None);
    }
}

/// A reproducible sequence of numbers from 0 to 1.
fn chances(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// A service that serves `capacity` pieces at the same time, in 5 ms each, and more of them in as much more
/// time. It works off `pieces` that all wait at first. Returns the greatest number of permits, and the time.
fn work_off(pieces: usize, capacity: usize, max: usize, jitter: f64, seed: u64) -> (usize, Duration) {
    let (mut observer, start, mut chance) = (EventObserver::new((1, max)), Instant::now(), chances(seed));
    let (mut permits, mut most, mut waiting, mut passed) = (1, 1, pieces, Duration::ZERO);
    let mut ends = BinaryHeap::new();
    observer.pass(start, 0, false);
    loop {
        while waiting > 0 && ends.len() < permits {
            waiting -= 1;
            let load = (ends.len() + 1).max(capacity) as f64 / capacity as f64;
            ends.push(Reverse(passed + (5 * MILLI).mul_f64(load * (1.0 + jitter * chance()))));
        }
        most = most.max(ends.len());
        let (busy, lacks) = (ends.len(), waiting > 0 && ends.len() >= permits);
        let Some(Reverse(end)) = ends.pop() else { return (most, passed) };
        passed = end;
        observer.pass(start + passed, busy, lacks);
        observer.end();
        permits = observer.decide().map_or(permits, |change| change.decided);
    }
}

/// The same inputs in each run: the bounds are those of a random process, which some input in millions exceeds.
fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(fixed(64))]

    #[test]
    fn it_finds_what_the_service_can_do(capacity in 1_usize..8, jitter in 0.0..0.5, seed: u64) {
        let (most, took) = work_off(6_000, capacity, 64, jitter, seed);
        // The average of the work's own time, at full capacity all the time.
        let best = (5 * MILLI).mul_f64((1.0 + jitter / 2.0) * 6_000.0 / capacity as f64);
        prop_assert!(took <= best.mul_f64(1.25), "{took:?}, and {best:?} is possible");
        // Under a load that never ends, the number does not drift away.
        prop_assert!(most <= 12 * capacity, "{most} permits for a capacity of {capacity}");
    }

    #[test]
    fn it_takes_all_where_nothing_is_used_up(max in 1_usize..64, jitter in 0.0..0.5, seed: u64) {
        let (most, _) = work_off(20_000, 64, max, jitter, seed);
        prop_assert_eq!(most, max);
    }
}
