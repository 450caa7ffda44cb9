//! The sliding window of a circuit breaker, as a value: no clock, no task.

#[path = "../src/breaker/window.rs"]
#[allow(dead_code, unreachable_pub, reason = "public in core, which has other uses for it")]
mod window;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::ensure;
use proptest::prelude::{Strategy, any};
use proptest::{prop_assert, prop_assert_eq, proptest};
use window::{BreakerWindow, Call, Counts, Limits, Window};

const GOOD: Call = Call { has_failed: false, is_slow: false };
const BAD: Call = Call { has_failed: true, is_slow: false };
const SLOW: Call = Call { has_failed: false, is_slow: true };
const BAD_AND_SLOW: Call = Call { has_failed: true, is_slow: true };

/// Limits that no call reaches.
const NONE: Limits = Limits { failures: None, minimum: 1, failure_rate: None, slow_rate: None };

/// Opens once half of at least four calls have failed.
const HALF_OF_FOUR: Limits = Limits { minimum: 4, failure_rate: Some(0.5), ..NONE };

/// Records calls of era 0 without a time, and returns the number of the first that reaches a limit, from 1.
fn reached_at(window: BreakerWindow, limits: Limits, calls: &[Call]) -> Option<usize> {
    let mut window = Window::new(window);
    calls.iter().position(|call| window.record(0, *call, None, &limits)).map(|index| index + 1)
}

#[test]
fn a_limit_is_reached_by_the_call_that_reaches_it() -> anyhow::Result<()> {
    let ten = BreakerWindow::Calls(10);
    let slow = Limits { minimum: 2, slow_rate: Some(0.5), ..NONE };
    let in_a_row = Limits { failures: Some(3), ..HALF_OF_FOUR };
    for (limits, calls, due) in [
        (HALF_OF_FOUR, &[GOOD, GOOD, BAD, BAD][..], Some(4)),
        (HALF_OF_FOUR, &[GOOD, GOOD, GOOD, BAD, BAD], None),
        (HALF_OF_FOUR, &[GOOD, GOOD, GOOD, BAD, BAD, BAD], Some(6)),
        (HALF_OF_FOUR, &[BAD, BAD, BAD], None),
        // By a success, with which there are enough.
        (HALF_OF_FOUR, &[BAD, BAD, BAD, GOOD], Some(4)),
        (HALF_OF_FOUR, &[SLOW, SLOW, SLOW, SLOW], None),
        (slow, &[SLOW], None),
        (slow, &[GOOD, SLOW], Some(2)),
        (slow, &[GOOD, BAD_AND_SLOW], Some(2)),
        (slow, &[BAD, BAD, BAD, BAD], None),
        // The one limit, and the other.
        (in_a_row, &[BAD, BAD, BAD], Some(3)),
        (in_a_row, &[BAD, BAD, GOOD, BAD], Some(4)),
        (in_a_row, &[BAD, GOOD, GOOD, GOOD, GOOD, BAD, BAD, SLOW, GOOD, GOOD], None),
    ] {
        let reached = reached_at(ten, limits, calls);
        ensure!(reached == due, "{limits:?}, {calls:?}: {reached:?}");
    }
    Ok(())
}

#[test]
fn a_share_is_compared_as_it_is_written() -> anyhow::Result<()> {
    for percent in 1..=100_u32 {
        let rate = Some(f64::from(percent) / 100.0);
        let limits = Limits { minimum: 100, failure_rate: rate, ..NONE };
        for (failures, due) in [(percent, Some(100)), (percent - 1, None)] {
            let calls: Vec<_> = (0..100).map(|index| if index < failures { BAD } else { GOOD }).collect();
            let reached = reached_at(BreakerWindow::Calls(100), limits, &calls);
            ensure!(reached == due, "{failures} of 100, {rate:?}: {reached:?}");
        }
    }
    Ok(())
}

#[test]
fn a_call_leaves_a_window_of_time_when_its_slice_is_over() -> anyhow::Result<()> {
    let (start, milli) = (Instant::now(), Duration::from_millis(1));
    let mut window = Window::new(BreakerWindow::Time(milli * 1000));
    // The times in ms, and the calls that are then in the window: slices begin with the first call.
    for (at, due) in [(0, 1), (50, 2), (100, 3), (999, 4), (1000, 3), (1099, 4), (1100, 4), (5000, 1)] {
        window.record(0, GOOD, Some(start + milli * at), &NONE);
        ensure!(window.counts().calls == due, "{at} ms: {:?}", window.counts());
    }
    // A clock that is late by a moment: the call counts in the newest slice.
    window.record(0, BAD, Some(start), &NONE);
    let due = Counts { calls: 2, failures: 1, slow: 0 };
    ensure!(window.counts() == due, "{:?}", window.counts());
    Ok(())
}

#[test]
fn windows_of_every_length_count() -> anyhow::Result<()> {
    let now = Instant::now();
    for length in [Duration::from_nanos(1), Duration::from_nanos(19), Duration::MAX] {
        let mut window = Window::new(BreakerWindow::Time(length));
        for later in [0, 0, 1_000_000] {
            window.record(0, BAD, Some(now + Duration::from_secs(later)), &NONE);
        }
        let due = if length == Duration::MAX { 3 } else { 1 };
        ensure!(window.counts().failures == due, "{length:?}: {:?}", window.counts());
    }
    let limits = Limits { failure_rate: Some(1.0), ..NONE };
    ensure!(reached_at(BreakerWindow::Calls(1), limits, &[GOOD, BAD]) == Some(2));
    Ok(())
}

#[test]
fn a_later_era_begins_with_an_empty_window() -> anyhow::Result<()> {
    let now = Instant::now();
    for kind in [BreakerWindow::Calls(8), BreakerWindow::Time(Duration::from_secs(1))] {
        let mut window = Window::new(kind);
        let limits = Limits { failures: Some(4), minimum: 4, failure_rate: Some(1.0), slow_rate: None };
        for _ in 0..3 {
            ensure!(!window.record(0, BAD, Some(now), &limits));
        }
        // The first call of another era, and one of the era before.
        ensure!(!window.record(3, BAD, Some(now), &limits) && !window.record(0, BAD, Some(now), &limits));
        let due = Counts { calls: 1, failures: 1, slow: 0 };
        ensure!(window.counts() == due, "{kind:?}: {:?}", window.counts());
        ensure!(window.failures_in_a_row() == 1, "{kind:?}");
        window.begin(3);
        ensure!(window.counts().calls == 1, "it has begun before");
        window.begin(4);
        ensure!(window.counts() == Counts::default() && window.failures_in_a_row() == 0, "{kind:?}");
    }
    Ok(())
}

fn calls() -> impl Strategy<Value = Vec<(bool, bool, u16)>> {
    proptest::collection::vec((any::<bool>(), any::<bool>(), 0..400u16), 0..300)
}

/// The sum of `calls`.
fn sum<'a>(calls: impl Iterator<Item = &'a Call>) -> Counts {
    calls.fold(Counts::default(), |sum, call| Counts {
        calls: sum.calls + 1,
        failures: sum.failures + u64::from(call.has_failed),
        slow: sum.slow + u64::from(call.is_slow),
    })
}

proptest! {
    #[test]
    fn a_window_of_calls_holds_the_last_of_them(most in 1..40u32, calls in calls()) {
        let (mut window, mut last) = (Window::new(BreakerWindow::Calls(most)), VecDeque::new());
        for (has_failed, is_slow, _) in calls {
            let call = Call { has_failed, is_slow };
            window.record(0, call, None, &NONE);
            last.push_back(call);
            while last.len() > most as usize {
                last.pop_front();
            }
            prop_assert_eq!(window.counts(), sum(last.iter()));
        }
    }

    #[test]
    fn in_a_window_of_time_a_call_counts_for_nine_to_ten_tenths(calls in calls()) {
        let (length, mut now) = (Duration::from_secs(1), Instant::now());
        let (mut window, mut all) = (Window::new(BreakerWindow::Time(length)), Vec::new());
        for (has_failed, is_slow, later) in calls {
            now += Duration::from_millis(later.into());
            let call = Call { has_failed, is_slow };
            window.record(0, call, Some(now), &NONE);
            all.push((now, call));
            let younger = |age: Duration| {
                sum(all.iter().filter(|(at, _)| now - *at < age).map(|(_, call)| call))
            };
            let (least, counts, most) = (younger(length * 9 / 10), window.counts(), younger(length));
            let parts: [fn(&Counts) -> u64; 3] =
                [|counts| counts.calls, |counts| counts.failures, |counts| counts.slow];
            for part in parts {
                let (least, number, most) = (part(&least), part(&counts), part(&most));
                prop_assert!(least <= number && number <= most, "{:?}", counts);
            }
        }
    }
}
