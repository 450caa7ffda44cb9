//! The cost of keeping the first of many values hardly depends on the order in which they come.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

#[path = "../src/outcome/firsts.rs"]
mod firsts;

use firsts::Firsts;

/// A rank that counts its comparisons.
struct Counted(u64, Rc<Cell<u64>>);

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Counted {}

impl PartialOrd for Counted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Counted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.1.set(self.1.get() + 1);
        self.0.cmp(&other.0)
    }
}

/// Ranks of several sources that are read at the same time, each in its own order.
fn interleaved(sources: u64, each: u64) -> Vec<u64> {
    (0..each).flat_map(|n| (0..sources).map(move |source| (source << 44) + n)).collect()
}

fn orders() -> [(&'static str, Vec<u64>); 4] {
    [
        ("rising", (0..40_000).collect()),
        ("falling", (0..40_000).rev().collect()),
        ("of one source", interleaved(1, 40_000)),
        ("of four sources at the same time", interleaved(4, 10_000)),
    ]
}

#[test]
fn the_lowest_ranks_are_kept_in_their_order() {
    for (name, ranks) in orders() {
        for most in [0, 1, 1_000, 39_999, 40_000, usize::MAX] {
            let mut kept = Firsts::new(most);
            ranks.iter().for_each(|rank| kept.add(*rank, *rank));
            let mut due = ranks.clone();
            due.sort_unstable();
            due.truncate(most);
            assert_eq!(kept.count(), 40_000);
            assert!(kept.into_sorted().eq(due), "{name}, {most} kept");
        }
    }
}

#[test]
fn of_equal_ranks_the_earlier_stay() {
    for most in [3, 10] {
        let mut kept = Firsts::new(most);
        (0..10).for_each(|n| kept.add(n % 2, n));
        let all = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9];
        assert!(kept.into_sorted().eq(all.into_iter().take(most)));
    }
}

#[test]
fn keeping_a_value_costs_a_logarithm_at_most() {
    for (name, ranks) in orders() {
        for most in [1_000, 40_000, usize::MAX] {
            let compared = Rc::new(Cell::new(0));
            let mut kept = Firsts::new(most);
            ranks.iter().for_each(|rank| kept.add(Counted(*rank, compared.clone()), ()));
            let added = compared.replace(0);
            // Values are moved as often as they are compared: nothing else is done with them.
            assert!(added <= 40_000 * 2 * 16, "{name}, {most} kept: {added} comparisons");
            if most == usize::MAX {
                assert_eq!(added, 0, "{name}: below the bound they are appended");
            }
            assert_eq!(kept.into_sorted().count(), most.min(40_000));
            assert!(compared.get() <= 40_000 * 16, "{name}, {most} kept: {} to sort", compared.get());
        }
    }
}
