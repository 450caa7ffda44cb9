//! Decisions of retries and circuit breakers, as values: no clock, no chance, no task.

#[path = "../src/breaker/state.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod state;

use std::time::{Duration, Instant};

use anyhow::ensure;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{prop_assert, prop_assert_eq, proptest};
use state::{Outcome, Pass, Phase, Round, State, Thresholds};
use sweet_async_core::{Jitter, RetryStrategy};

const SECOND: Duration = Duration::from_secs(1);

/// Three failures open it for 10 s; two probes close it, and have 5 s.
const THRESHOLDS: Thresholds = Thresholds {
    failures: 3,
    open_for: Duration::from_secs(10),
    probes: 2,
    probe_for: Duration::from_secs(5),
};

/// An event of a breaker.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// A call arrives.
    Call,
    /// A call of the current state has ended.
    Ended(Outcome),
    /// A call of an earlier state has ended.
    Late(Outcome),
    /// A call of an earlier round of the current state has ended.
    Overdue(Outcome),
}

fn closed(failures: u32) -> Phase {
    Phase::Closed { failures }
}

/// Half-open, in the round `number`, which is over at `over`.
fn half_open((number, over): (u32, Instant), under_way: u32, succeeded: u32) -> Phase {
    Phase::HalfOpen { under_way, succeeded, round: Round { number, over: Some(over) } }
}

#[test]
fn each_state_has_one_answer_to_each_event() -> anyhow::Result<()> {
    use Happens::{Call, Ended, Late, Overdue};
    use Outcome::{Failed, Slow, Succeeded, Unknown};
    let now = Instant::now();
    let open = |until: Instant| Phase::Open { until: Some(until) };
    let (waits, over) = (open(now + SECOND * 4), open(now));
    let opened = open(now + THRESHOLDS.open_for);
    let (endless, isolated) = (Phase::Open { until: None }, Phase::Isolated);
    let refused = |seconds: u32| Err(SECOND * seconds);
    // The last call of the round came 2 s before, or just now; or all came long before.
    let half_open_at = |ends: Instant| move |under_way, succeeded| half_open((4, ends), under_way, succeeded);
    let (earlier, renewed, overdue) =
        (half_open_at(now + SECOND * 3), half_open_at(now + THRESHOLDS.probe_for), half_open_at(now));
    let next_round = |under_way, succeeded| half_open((5, now + THRESHOLDS.probe_for), under_way, succeeded);
    let first_round = half_open((0, now + THRESHOLDS.probe_for), 1, 0);
    for (before, event, after) in [
        (closed(0), Call, Ok(closed(0))),
        (closed(2), Call, Ok(closed(2))),
        (closed(0), Ended(Succeeded), Ok(closed(0))),
        (closed(2), Ended(Succeeded), Ok(closed(0))),
        (closed(2), Ended(Slow), Ok(closed(0))),
        (closed(0), Ended(Failed), Ok(closed(1))),
        (closed(1), Ended(Failed), Ok(closed(2))),
        (closed(2), Ended(Failed), Ok(opened)),
        (closed(2), Ended(Unknown), Ok(closed(2))),
        (closed(2), Late(Failed), Ok(closed(2))),
        (closed(2), Late(Succeeded), Ok(closed(2))),
        (waits, Call, refused(4)),
        (endless, Call, Err(THRESHOLDS.open_for)),
        (over, Call, Ok(first_round)),
        (waits, Ended(Succeeded), Ok(waits)),
        (waits, Ended(Failed), Ok(waits)),
        (waits, Ended(Unknown), Ok(waits)),
        (waits, Late(Succeeded), Ok(waits)),
        (waits, Late(Failed), Ok(waits)),
        (earlier(0, 0), Call, Ok(renewed(1, 0))),
        (earlier(1, 0), Call, Ok(renewed(2, 0))),
        (earlier(0, 1), Call, Ok(renewed(1, 1))),
        (earlier(2, 0), Call, refused(3)),
        (earlier(1, 1), Call, refused(3)),
        (overdue(1, 0), Call, Ok(renewed(2, 0))),
        (overdue(2, 0), Call, Ok(next_round(1, 0))),
        (overdue(1, 1), Call, Ok(next_round(1, 1))),
        (earlier(2, 0), Ended(Succeeded), Ok(earlier(1, 1))),
        (earlier(1, 1), Ended(Succeeded), Ok(closed(0))),
        (earlier(2, 0), Ended(Failed), Ok(opened)),
        (earlier(1, 1), Ended(Failed), Ok(opened)),
        (earlier(2, 0), Ended(Slow), Ok(opened)),
        (earlier(1, 1), Ended(Slow), Ok(opened)),
        (earlier(2, 0), Ended(Unknown), Ok(earlier(1, 0))),
        (earlier(1, 1), Ended(Unknown), Ok(earlier(0, 1))),
        (earlier(1, 1), Late(Succeeded), Ok(earlier(1, 1))),
        (earlier(1, 1), Late(Failed), Ok(earlier(1, 1))),
        (earlier(1, 1), Late(Unknown), Ok(earlier(1, 1))),
        (earlier(1, 0), Overdue(Succeeded), Ok(earlier(1, 1))),
        (earlier(1, 1), Overdue(Succeeded), Ok(closed(0))),
        (earlier(1, 0), Overdue(Failed), Ok(opened)),
        (earlier(1, 0), Overdue(Unknown), Ok(earlier(1, 0))),
        (isolated, Call, Err(Duration::MAX)),
        (isolated, Ended(Succeeded), Ok(isolated)),
        (isolated, Ended(Failed), Ok(isolated)),
        (isolated, Late(Failed), Ok(isolated)),
    ] {
        let state = State { phase: before, era: 7 };
        let next = match event {
            Call => state.admit(|| now, &THRESHOLDS),
            Ended(outcome) => Ok(state.record(state.pass(), outcome, || now, &THRESHOLDS)),
            Late(outcome) => {
                let pass = State { era: 6, ..state }.pass();
                Ok(state.record(pass, outcome, || now, &THRESHOLDS))
            }
            Overdue(outcome) => {
                let pass = State { phase: half_open((3, now), 1, 0), ..state }.pass();
                Ok(state.record(pass, outcome, || now, &THRESHOLDS))
            }
        };
        ensure!(next.map(|next| next.phase) == after, "{before:?}, {event:?}: {next:?}");
        // An era ends with a change of phase, and with nothing else.
        let changes =
            next.is_ok_and(|next| std::mem::discriminant(&next.phase) != std::mem::discriminant(&before));
        let era = if changes { 8 } else { 7 };
        ensure!(next.is_err() || next.is_ok_and(|next| next.era == era), "{before:?}, {event:?}: {next:?}");
    }
    Ok(())
}

#[test]
fn by_hand_it_is_isolated_or_closed_from_each_state_and_earlier_calls_do_not_count() -> anyhow::Result<()> {
    let now = Instant::now();
    let open = Phase::Open { until: Some(now + SECOND) };
    for phase in [closed(0), closed(2), open, half_open((1, now), 1, 0), Phase::Isolated] {
        let state = State { phase, era: 7 };
        let (isolated, cleared) = (state.isolate(), state.close());
        ensure!(isolated.phase == Phase::Isolated && cleared.phase == closed(0), "{phase:?}");
        // A second `isolate` changes nothing; each `close` begins anew.
        let eras = if phase == Phase::Isolated { (7, 8) } else { (8, 8) };
        ensure!((isolated.era, cleared.era) == eras, "{phase:?}");
        ensure!(isolated.isolate() == isolated && isolated.admit(|| now + SECOND * 99, &THRESHOLDS).is_err());
        for outcome in [Outcome::Failed, Outcome::Succeeded] {
            let after = cleared.record(state.pass(), outcome, || now, &THRESHOLDS);
            ensure!(after == cleared, "{phase:?}, {outcome:?}: {after:?}");
        }
    }
    Ok(())
}

#[test]
fn a_limit_of_the_window_opens_it_in_its_era_while_it_is_closed() -> anyhow::Result<()> {
    let now = Instant::now();
    let state = State { phase: closed(0), era: 7 };
    let opened = state.trip(state.pass(), || now, &THRESHOLDS);
    let due = Phase::Open { until: Some(now + THRESHOLDS.open_for) };
    ensure!(opened.phase == due && opened.era == 8, "{opened:?}");
    ensure!(state.is_closed_for(state.pass()) && !opened.is_closed_for(state.pass()));
    let half_open = State { phase: half_open((0, now), 1, 0), era: 7 };
    for other in [opened, state.close(), state.isolate(), half_open] {
        ensure!(other.trip(state.pass(), || now, &THRESHOLDS) == other, "{other:?}");
        ensure!(!other.is_closed_for(state.pass()), "{other:?}");
    }
    Ok(())
}

#[test]
fn a_time_beyond_the_clocks_range_never_ends() -> anyhow::Result<()> {
    let now = Instant::now();
    let forever = Thresholds { failures: 1, open_for: Duration::MAX, probes: 1, probe_for: Duration::MAX };
    let state = State::CLOSED.record(State::CLOSED.pass(), Outcome::Failed, || now, &forever);
    ensure!(state.phase == Phase::Open { until: None });
    ensure!(state.admit(|| now + SECOND * 1_000_000, &forever) == Err(Duration::MAX));
    // The refusal then says the whole open time: only that of an isolated breaker has no end.
    let long = Thresholds { open_for: Duration::from_secs(u64::MAX), ..forever };
    let state = State::CLOSED.record(State::CLOSED.pass(), Outcome::Failed, || now, &long);
    ensure!(state.phase == Phase::Open { until: None });
    ensure!(state.admit(|| now, &long) == Err(long.open_for));
    Ok(())
}

/// Random events: the call under way that ends, or `None` for a new call; its outcome; and the time since the
/// event before, in half seconds.
fn events() -> impl Strategy<Value = Vec<(Option<usize>, Outcome, u8)>> {
    let outcome = prop_oneof![Just(Outcome::Succeeded), Just(Outcome::Failed), Just(Outcome::Unknown)];
    proptest::collection::vec((proptest::option::weighted(0.6, any::<usize>()), outcome, 0..4u8), 0..200)
}

fn strategies() -> impl Strategy<Value = RetryStrategy> {
    let duration = || prop_oneof![any::<Duration>(), (0..10_000u64).prop_map(Duration::from_millis)];
    prop_oneof![
        Just(RetryStrategy::Immediate),
        duration().prop_map(|delay| RetryStrategy::Fixed { delay }),
        (duration(), duration(), duration())
            .prop_map(|(base, step, max)| { RetryStrategy::Linear { base, step, max } }),
        (duration(), 1.0..1e6f64, duration())
            .prop_map(|(base, factor, max)| { RetryStrategy::Exponential { base, factor, max } }),
        (duration(), 1.0..1.001f64, duration())
            .prop_map(|(base, factor, max)| { RetryStrategy::Exponential { base, factor, max } }),
    ]
}

/// The longest wait of `strategy`.
fn longest(strategy: RetryStrategy) -> Duration {
    match strategy {
        RetryStrategy::Immediate => Duration::ZERO,
        RetryStrategy::Fixed { delay } => delay,
        RetryStrategy::Linear { max, .. } | RetryStrategy::Exponential { max, .. } => max,
        _ => Duration::MAX,
    }
}

proptest! {
    #[test]
    fn never_do_more_probes_pass_than_are_permitted(
        (failures, probes) in (1..4u32, 1..5u32),
        events in events(),
    ) {
        let thresholds = Thresholds { failures, open_for: SECOND * 2, probes, probe_for: SECOND * 8 };
        let (mut state, mut now) = (State::CLOSED, Instant::now());
        // The calls that are under way with their eras, and the number of the current era that have
        // succeeded.
        let (mut calls, mut succeeded) = (Vec::<(u64, Pass)>::new(), 0);
        for (which, outcome, later) in events {
            now += SECOND * u32::from(later) / 2;
            let before = state;
            if let Some(which) = which.filter(|_| !calls.is_empty()) {
                let (era, pass) = calls.swap_remove(which % calls.len());
                state = state.record(pass, outcome, || now, &thresholds);
                succeeded += u32::from(outcome == Outcome::Succeeded && era == before.era);
            } else if let Ok(next) = state.admit(|| now, &thresholds) {
                state = next;
                calls.push((next.era, next.pass()));
                prop_assert!(!matches!(next.phase, Phase::Open { .. }), "a call has passed it");
            }
            if state.era != before.era {
                // It closes for one reason only.
                let closes = matches!(state.phase, Phase::Closed { .. });
                prop_assert!(!closes || succeeded == probes, "{before:?}, {state:?}, {succeeded}");
                succeeded = 0;
            }
            if let Phase::HalfOpen { under_way, .. } = state.phase {
                // Calls of earlier rounds have taken too long, and hold no permit any more.
                let current = calls.iter().filter(|(_, pass)| *pass == state.pass()).count() as u32;
                prop_assert_eq!(under_way, current, "a permit is lost, or was never there");
                prop_assert!(current <= probes, "{} under way", current);
            }
        }
    }

    #[test]
    fn no_wait_is_longer_than_its_limit_and_none_is_shorter_than_the_one_before(
        strategy in strategies(),
        (number, further) in (any::<u32>(), any::<u32>()),
    ) {
        for (number, later) in [(number, further), (number % 100, further % 100), (number, number.wrapping_add(1))] {
            let (number, later) = (number.min(later), number.max(later));
            let (wait, next) = (strategy.delay(number), strategy.delay(later));
            prop_assert!(wait <= next, "{}: {:?}, {}: {:?}", number, wait, later, next);
            prop_assert!(next <= longest(strategy), "{}: {:?}", later, next);
        }
    }

    #[test]
    fn a_wait_is_no_panic_for_any_number_and_factor(
        (base, max) in any::<(Duration, Duration)>(),
        factor in any::<f64>(),
        number in any::<u32>(),
    ) {
        for number in [0, 1, 2, number, u32::MAX] {
            let strategy = RetryStrategy::Exponential { base, factor, max };
            prop_assert!(strategy.delay(number) <= max.max(base), "{:?}", strategy.delay(number));
        }
    }

    #[test]
    fn jitter_stays_within_its_bounds(delay in any::<Duration>(), chance in any::<u64>()) {
        for chance in [0, chance, u64::MAX] {
            prop_assert_eq!(Jitter::None.apply(delay, chance), delay);
            prop_assert!(Jitter::Full.apply(delay, chance) <= delay);
            let equal = Jitter::Equal.apply(delay, chance);
            prop_assert!(delay / 2 <= equal && equal <= delay, "{:?}", equal);
        }
        prop_assert_eq!(Jitter::Full.apply(delay, 0), Duration::ZERO);
        prop_assert_eq!(Jitter::Equal.apply(delay, 0), delay / 2);
        // The whole wait is possible, if it can be counted in nanoseconds.
        let countable = delay.min(Duration::from_nanos(u64::MAX));
        if countable == delay {
            prop_assert_eq!(Jitter::Full.apply(delay, u64::MAX), delay);
            prop_assert_eq!(Jitter::Equal.apply(delay, u64::MAX), delay);
        }
    }

    #[test]
    fn jitter_is_greater_for_a_greater_chance(delay in any::<Duration>(), chances in any::<(u64, u64)>()) {
        let (less, more) = (chances.0.min(chances.1), chances.0.max(chances.1));
        for jitter in [Jitter::Full, Jitter::Equal] {
            prop_assert!(jitter.apply(delay, less) <= jitter.apply(delay, more));
        }
    }
}
