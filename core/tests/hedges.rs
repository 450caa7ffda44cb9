//! The budget of hedges, as a value: no clock, no task.

use std::thread;

use proptest::prelude::any;
use proptest::{collection::vec, prop_assert, prop_assert_eq, proptest};
use sweet_async_core::HedgeBudget;

fn pay(budget: &HedgeBudget, calls: usize) {
    (0..calls).for_each(|_| budget.called());
}

#[test]
fn it_begins_empty_and_each_call_pays_its_share() {
    for (percent, calls) in [(100.0, 1), (50.0, 2), (25.0, 4), (12.5, 8), (10.0, 10), (0.1, 1000)] {
        let budget = HedgeBudget::percent(percent);
        assert!(!budget.take(), "{budget:?}");
        pay(&budget, calls - 1);
        assert!(!budget.take(), "{budget:?}");
        pay(&budget, 1);
        assert_eq!(budget.tokens(), 1.0, "{budget:?}");
        assert!(budget.take() && !budget.take(), "{budget:?}");
        assert_eq!(budget.tokens(), 0.0, "{budget:?}");
    }
}

#[test]
fn at_most_ten_tokens_are_saved_up() {
    let budget = HedgeBudget::percent(30.0);
    pay(&budget, 10_000);
    assert_eq!(budget.tokens(), 10.0);
    assert_eq!((0..100).filter(|_| budget.take()).count(), 10);
    pay(&budget, 1);
    assert_eq!(budget.tokens(), 0.3);
}

#[test]
fn clones_are_the_same_budget() {
    let budget = HedgeBudget::percent(100.0);
    let same = budget.clone();
    same.called();
    assert!(budget.take() && !same.take());
}

#[test]
fn the_smallest_share_is_not_rounded_to_nothing() {
    let budget = HedgeBudget::percent(f64::MIN_POSITIVE);
    pay(&budget, 1000);
    assert!(budget.tokens() > 0.0 && !budget.take(), "{budget:?}");
}

/// A number that is no share is refused when work starts; until then it must do no harm.
#[test]
fn numbers_that_are_no_share_neither_panic_nor_overflow() {
    for percent in [0.0, -0.0, -1.0, 100.1, f64::MAX, f64::MIN, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        let budget = HedgeBudget::percent(percent);
        pay(&budget, 100);
        assert!(budget.tokens() <= 10.0, "{budget:?}");
    }
}

#[test]
fn threads_take_no_more_together() {
    let budget = HedgeBudget::percent(20.0);
    let taken: usize = thread::scope(|s| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                s.spawn(|| {
                    let step = |_: &usize| {
                        budget.called();
                        budget.take()
                    };
                    (0..1000).filter(step).count()
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    // A fifth of 4000 calls, unless some found the budget full.
    assert!(taken <= 800, "{taken}");
    assert!(budget.tokens() <= 10.0);
}

proptest! {
    /// In every order, the hedges are never more than the share of the calls before them.
    #[test]
    fn no_more_than_the_share_is_hedged(percent in 1_usize..=100, steps in vec(any::<bool>(), 0..2000)) {
        let budget = HedgeBudget::percent(percent as f64);
        let (mut calls, mut hedges) = (0, 0);
        for is_call in steps {
            if is_call {
                budget.called();
                calls += 1;
            } else if budget.take() {
                hedges += 1;
            }
            prop_assert!(hedges * 100 <= calls * percent, "{hedges} hedges of {calls} calls");
        }
    }

    /// Without a pause in the hedges nothing is lost: the share is used in full.
    #[test]
    fn the_share_is_used_in_full(percent in 1_usize..=100, calls in 0_usize..2000) {
        let budget = HedgeBudget::percent(percent as f64);
        let hedges = (0..calls).filter(|_| {
            budget.called();
            budget.take()
        });
        prop_assert_eq!(hedges.count(), calls * percent / 100);
    }
}
