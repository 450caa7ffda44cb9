//! The count of pending children: a parent that lingers, closes or leaves, against the last of its children
//! and against one more.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::spawn;

use crate::tasks::{Idle, Woken, counted, ends, has_ended, lingers, task, task_on};
use crate::tree::children::{end, leave};
use crate::tree::daemons::is_childless;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::{IN_PLACE, RUNNING};
use crate::{ALL, FEW, check, joined};

/// A parent, and children of it that have begun.
fn family<const N: usize>(flags: u32) -> (TaskRef, [TaskRef; N]) {
    let parent = task(RUNNING | flags);
    let children = std::array::from_fn(|_| counted(RUNNING, &parent));
    (parent, children)
}

/// The end of a child of `parent`.
fn ending(child: TaskRef, parent: &TaskRef) -> impl FnOnce() + use<> {
    let parent = parent.clone();
    move || end(&child, Some(&parent), Ending::Completed)
}

#[test]
fn a_lingering_parent_is_woken_by_its_last_child_or_sees_none() {
    check(ALL, || {
        let (parent, [first, second]) = family(0);
        let (woken, waker) = Woken::new();
        let work = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let run = |index: usize, child: TaskRef| {
            let (work, end) = (work.clone(), ending(child, &parent));
            move || {
                work.iter().skip(index).take(1).for_each(|done| done.store(1, Ordering::Relaxed));
                end();
            }
        };
        let (first, second) = (spawn(run(0, first)), spawn(run(1, second)));
        let waits = lingers(&parent, &waker);
        if !waits {
            // Quiescent: the work of the children has happened before.
            assert_eq!(work.iter().map(|done| done.load(Ordering::Relaxed)).sum::<usize>(), 2);
        }
        assert!(joined(first).is_some() && joined(second).is_some());
        assert!(!waits || woken.was_woken(), "asleep");
        assert!(is_childless(&parent));
    });
}

#[test]
fn a_parent_that_leaves_is_ended_once_after_all_its_children() {
    check(FEW, || {
        let (grandparent, [parent]) = family(0);
        let work = Arc::new(AtomicUsize::new(0));
        let run = || {
            let (parent, work) = (parent.clone(), work.clone());
            let end = ending(counted(RUNNING, &parent), &parent);
            move || {
                work.fetch_add(1, Ordering::Relaxed);
                end();
                // If this has ended the parent too, the other child's work has happened before.
                assert!(!has_ended(&parent) || work.load(Ordering::Relaxed) == 2);
            }
        };
        let (first, second) = (spawn(run()), spawn(run()));
        leave(&parent, Some(grandparent.clone()));
        assert!(!has_ended(&parent) || work.load(Ordering::Relaxed) == 2);
        assert!(joined(first).is_some() && joined(second).is_some());
        assert!(has_ended(&parent));
        assert_eq!(ends(&parent), 1);
        // Counted out twice, there would be fewer than none.
        assert!(is_childless(&grandparent));
    });
}

#[test]
fn a_reported_end_is_counted_everywhere() {
    check(ALL, || {
        let (parent, [child]) = family(0);
        let ender = spawn(ending(child.clone(), &parent));
        if child.control.state().is_reported() {
            assert_eq!(ends(&child), 1);
            assert!(is_childless(&parent));
        }
        assert!(joined(ender).is_some());
    });
}

#[test]
fn a_parent_that_lingered_before_it_left_is_ended_once() {
    check(ALL, || {
        let (parent, [child]) = family(0);
        let (_, waker) = Woken::new();
        let child = spawn(ending(child, &parent));
        let waits = lingers(&parent, &waker);
        leave(&parent, None);
        assert!(waits || has_ended(&parent));
        assert!(joined(child).is_some());
        assert_eq!(ends(&parent), 1);
    });
}

/// A child that is added from anywhere, if the parent takes it, and its end. Gives true if it was taken.
fn born_from_anywhere(parent: &TaskRef, work: &Arc<AtomicUsize>) -> impl FnOnce() -> bool + use<> {
    let (parent, work) = (parent.clone(), work.clone());
    move || {
        let is_taken = parent.control.member_started();
        if is_taken {
            assert!(!has_ended(&parent), "added to a parent that had ended");
            work.fetch_add(1, Ordering::Relaxed);
            let child = task_on(&Idle::default(), RUNNING, Some(&parent));
            end(&child, Some(&parent), Ending::Completed);
        }
        is_taken
    }
}

#[test]
fn a_closed_parent_takes_no_child_and_loses_none() {
    check(FEW, || {
        let (parent, [member]) = family(IN_PLACE);
        let (woken, waker) = Woken::new();
        let work = Arc::new(AtomicUsize::new(0));
        let late = spawn(born_from_anywhere(&parent, &work));
        let member = spawn(ending(member, &parent));
        let waits = lingers(&parent, &waker);
        let seen = (!waits).then(|| {
            end(&parent, None, Ending::Completed);
            work.load(Ordering::Relaxed)
        });
        let taken = joined(late);
        assert!(taken.is_some() && joined(member).is_some());
        assert!(seen.is_none_or(|seen| Some(seen == 1) == taken), "ended before a child");
        assert!(!waits || woken.was_woken(), "asleep");
        assert!(is_childless(&parent) && !parent.control.member_started());
    });
}

#[test]
fn a_parent_that_has_left_takes_no_child_after_its_last() {
    check(FEW, || {
        let grandparent = task(RUNNING);
        let parent = counted(RUNNING | IN_PLACE, &grandparent);
        let member = counted(RUNNING, &parent);
        let work = Arc::new(AtomicUsize::new(0));
        let late = spawn(born_from_anywhere(&parent, &work));
        let member = spawn(ending(member, &parent));
        leave(&parent, Some(grandparent.clone()));
        assert!(joined(late).is_some() && joined(member).is_some());
        assert!(has_ended(&parent));
        assert!(is_childless(&grandparent), "notified twice");
        assert!(!parent.control.member_started());
    });
}
