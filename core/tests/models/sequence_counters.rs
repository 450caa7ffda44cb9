//! `SequenceCounter`: the usage of each child is in exactly one total, while children end and the totals are
//! read.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::thread::spawn;

use crate::metrics::sequence_counter::SequenceCounter;
use crate::{FEW, check, joined};

/// One child, as `Meter` has it.
struct Child {
    used: AtomicUsize,
    handed_up: AtomicBool,
}

/// `Meter`, as far as it is about children. Its numbers are several atomics, here two.
struct Parent {
    ended: [AtomicUsize; 2],
    moves: SequenceCounter,
    children: [Child; 2],
}

impl Parent {
    fn new() -> Self {
        let child = |used| Child { used: AtomicUsize::new(used), handed_up: AtomicBool::new(false) };
        Self {
            ended: [AtomicUsize::new(0), AtomicUsize::new(0)],
            moves: SequenceCounter::default(),
            children: [child(1), child(10)],
        }
    }

    /// `Meter::take_over`.
    fn take_over(&self, child: &Child) {
        self.moves.add(|| {
            let used = child.used.load(Ordering::Relaxed);
            child.handed_up.store(true, Ordering::Release);
            for number in &self.ended {
                number.fetch_add(used, Ordering::Release);
            }
        });
    }

    /// One turn of `sums`, in `tree/usage/metering.rs`: the sums, and true if they have to be read again.
    fn sums(&self) -> ([usize; 2], bool) {
        let before = self.moves.reading();
        let mut sums = self.ended.each_ref().map(|number| number.load(Ordering::Acquire));
        for child in &self.children {
            if !child.handed_up.load(Ordering::Acquire) {
                let used = child.used.load(Ordering::Relaxed);
                sums = sums.map(|sum| sum + used);
            }
        }
        (sums, before.is_none() || before != self.moves.reading())
    }
}

#[test]
fn a_reading_has_each_child_once_or_knows_that_it_may_miss_it() {
    check(FEW, || {
        let parent = Arc::new(Parent::new());
        let end = |index: usize| {
            let parent = parent.clone();
            spawn(move || parent.children.get(index).into_iter().for_each(|child| parent.take_over(child)))
        };
        let (first, second) = (end(0), end(1));
        let (sums, moved) = parent.sums();
        assert!(moved || sums == [11, 11], "{sums:?}");
        assert!(sums.iter().all(|sum| *sum <= 11), "twice: {sums:?}");
        assert!(joined(first).is_some() && joined(second).is_some());
        assert_eq!(parent.sums(), ([11, 11], false));
    });
}
