//! The number of workers that the controller finds: as a table of steps, and against a model of a machine
//! whose best number is known.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[path = "../src/adaptive/aimd.rs"]
#[expect(unreachable_pub, reason = "public in core")]
mod aimd;

use aimd::{Aimd, Load, Scale, Window};

#[test]
fn the_number_doubles_until_congestion_then_adds_one_or_cuts_a_quarter() {
    use Load::{Congested, Spare, Steady};
    let mut number = Aimd::new(1, 20);
    let steps = [
        (Spare, 2),
        (Spare, 4),
        (Steady, 4),
        (Spare, 8),
        (Spare, 16),
        (Spare, 20),
        (Spare, 20),
        (Congested, 15),
        (Spare, 16),
        (Congested, 12),
        (Congested, 9),
        (Congested, 7),
        (Congested, 6),
        (Congested, 5),
        (Congested, 4),
        (Congested, 3),
        (Congested, 2),
        (Congested, 1),
        (Congested, 1),
        (Spare, 2),
    ];
    for (at, (load, due)) in steps.into_iter().enumerate() {
        assert_eq!(number.step(load), due, "step {at}, {load:?}");
    }
}

#[test]
fn a_number_that_is_fixed_does_not_move() {
    let mut number = Aimd::new(3, 3);
    for load in [Load::Spare, Load::Congested, Load::Steady, Load::Spare] {
        assert_eq!(number.step(load), 3);
    }
}

#[test]
fn a_number_that_may_be_zero_stays_there_and_comes_back() {
    use Load::{Congested, Spare};
    let mut number = Aimd::new(0, 4);
    let steps = [(Congested, 0), (Spare, 1), (Spare, 2), (Congested, 1), (Congested, 0), (Congested, 0)];
    for (load, due) in steps {
        assert_eq!(number.step(load), due, "{load:?}");
    }
    assert_eq!(Aimd::new(0, 4).step(Spare), 1);
    assert_eq!(Aimd::new(0, 0).step(Spare), 0);
}

/// A machine with some processors, and work that computes for a part of its time and waits for the rest.
#[derive(Clone, Copy, Debug)]
struct Machine {
    processors: f64,
    computes: f64,
    waits: f64,
}

impl Machine {
    /// The time that one piece takes while `number` run at the same time.
    fn latency(self, number: f64) -> f64 {
        (self.computes + self.waits).max(number * self.computes / self.processors)
    }

    fn throughput(self, number: f64) -> f64 {
        number / self.latency(number)
    }

    /// A minute of it, with measurements that are off by up to a tenth.
    fn window(self, number: usize, chance: f64) -> Window {
        let done = self.throughput(number as f64) * 60.0 * (0.9 + 0.2 * chance);
        Window { elapsed: Duration::from_secs(60), done: done as u64, busy: number, waiting: true }
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

/// Lets `scale` find its number, and gives the means of a hundred windows afterwards: throughput and workers.
fn settles(
    scale: &mut Scale,
    machine: Machine,
    (min, max): (usize, usize),
    chance: &mut impl FnMut() -> f64,
) -> (f64, f64) {
    let (mut sum, mut workers) = (0.0, 0);
    for at in 0..500 {
        let number = scale.workers();
        assert!((min..=max).contains(&number), "{number} is not in {min}..={max}");
        if at >= 400 {
            sum += machine.throughput(number as f64);
            workers += number;
        }
        scale.observe(&machine.window(number, chance()));
    }
    (sum / 100.0, workers as f64 / 100.0)
}

fn machines() -> impl Strategy<Value = Machine> {
    (1..16u32, 1..100u32, 0..5_000u32).prop_map(|(processors, computes, waits)| Machine {
        processors: f64::from(processors),
        computes: f64::from(computes) / 1e4,
        waits: f64::from(waits) / 1e4,
    })
}

/// The same inputs in each run: the bounds are those of a random process, which some input in millions exceeds.
fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(fixed(256))]

    #[test]
    fn it_finds_the_best_throughput_of_the_machine(machine in machines(), max in 1..200usize, seed: u64) {
        let mut scale = Scale::new(1, max);
        let (found, workers) = settles(&mut scale, machine, (1, max), &mut chances(seed));
        let best = machine.throughput(max as f64);
        prop_assert!(found >= 0.9 * best, "{found} of {best}, with {workers} workers");
    }

    #[test]
    fn it_follows_work_that_becomes_slower_or_faster(
        first in machines(),
        second in machines(),
        max in 1..200usize,
        seed: u64,
    ) {
        let (mut scale, mut chance) = (Scale::new(1, max), chances(seed));
        settles(&mut scale, first, (1, max), &mut chance);
        let (found, workers) = settles(&mut scale, second, (1, max), &mut chance);
        let best = second.throughput(max as f64);
        prop_assert!(found >= 0.9 * best, "{found} of {best}, with {workers} workers");
    }

    #[test]
    fn it_takes_no_more_than_twice_the_needed_workers(machine in machines(), seed: u64) {
        let mut scale = Scale::new(1, 100_000);
        let (_, workers) = settles(&mut scale, machine, (1, 100_000), &mut chances(seed));
        let needed = machine.processors * (machine.computes + machine.waits) / machine.computes;
        prop_assert!(workers <= 2.5 * needed + 1.0, "{workers} of {needed}");
    }
}

#[test]
fn no_workers_are_added_when_no_event_waits() {
    let mut scale = Scale::new(2, 10);
    for _ in 0..10 {
        let idle = Window { elapsed: Duration::from_millis(10), done: 5, busy: 1, waiting: false };
        assert_eq!(scale.observe(&idle), 2);
        let nothing = Window { done: 0, busy: 0, ..idle };
        assert_eq!(scale.observe(&nothing), 2);
    }
}
