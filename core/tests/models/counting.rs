//! `PendingChildren`: a parent that lingers, closes or leaves, against the last of its children and against
//! one more.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread::spawn;

use crate::pending_children::Left;
use crate::state::{IN_PLACE, RUNNING};
use crate::task::{Ending, Task, end, leave};
use crate::{ALL, FEW, check, joined};

/// A parent, and children of it that have begun.
fn family<const N: usize>(flags: u32) -> (Arc<Task>, [Arc<Task>; N]) {
    let parent = Task::new(RUNNING | flags);
    let children = std::array::from_fn(|_| {
        parent.pending_children.add();
        Arc::new(Task::below(RUNNING, Some(parent.clone())))
    });
    (parent, children)
}

/// `supervise::is_over`, then a pause, then `is_over` again: true if the parent waits for its children.
pub(crate) fn lingers(parent: &Task, is_over: impl Fn(&Task) -> bool) -> bool {
    !is_over(parent) && {
        parent.pause();
        !is_over(parent)
    }
}

#[test]
fn a_lingering_parent_is_woken_by_its_last_child_or_sees_none() {
    check(ALL, || {
        let (parent, [first, second]) = family(0);
        let work = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let run = |index: usize, child: Arc<Task>| {
            let work = work.clone();
            move || {
                work.iter().skip(index).take(1).for_each(|done| done.store(1, Ordering::Relaxed));
                end(&child, Ending::Completed)
            }
        };
        let (first, second) = (spawn(run(0, first)), spawn(run(1, second)));
        let waits = lingers(&parent, |parent| parent.pending_children.linger());
        if !waits {
            // Quiescent: the work of the children has happened before.
            assert_eq!(work.iter().map(|done| done.load(Ordering::Relaxed)).sum::<usize>(), 2);
        }
        assert_eq!((joined(first), joined(second)), (Some(1), Some(1)));
        assert!(!waits || parent.waker.has_rung(), "asleep");
        assert!(parent.pending_children.linger());
    });
}

#[test]
fn a_parent_that_leaves_is_ended_once_after_all_its_children() {
    check(ALL, || {
        let grandparent = Task::new(RUNNING);
        grandparent.pending_children.add();
        let parent = Arc::new(Task::below(RUNNING, Some(grandparent.clone())));
        let work = Arc::new(AtomicUsize::new(0));
        let run = || {
            parent.pending_children.add();
            let (child, work) = (Task::below(RUNNING, Some(parent.clone())), work.clone());
            move || {
                work.fetch_add(1, Ordering::Relaxed);
                let ended = end(&child, Ending::Completed);
                // It has ended the parent too, so the other child's work has happened before.
                assert!(ended < 2 || work.load(Ordering::Relaxed) == 2);
                ended
            }
        };
        let (first, second) = (spawn(run()), spawn(run()));
        let left = leave(&parent);
        assert!(left == 0 || work.load(Ordering::Relaxed) == 2);
        let ends = [Some(left), joined(first), joined(second)].into_iter().flatten().sum::<usize>();
        assert_eq!(ends, 3);
        assert!(parent.state.load().is_terminal());
        assert!(grandparent.pending_children.is_empty());
    });
}

#[test]
fn a_parent_that_lingered_before_it_left_is_ended_once() {
    check(ALL, || {
        let (parent, [child]) = family(0);
        let child = spawn(move || end(&child, Ending::Completed));
        let waits = lingers(&parent, |parent| parent.pending_children.linger());
        let left = leave(&parent);
        assert!(waits || left == 1);
        assert_eq!(joined(child).map(|ended| ended + left), Some(2));
    });
}

/// A child that is added from anywhere, if the parent takes it, and its end. Gives true if it was taken, and
/// the number of tasks that have ended.
fn born_from_anywhere(parent: Arc<Task>, work: Arc<AtomicUsize>) -> impl FnOnce() -> (bool, usize) {
    move || {
        if !parent.pending_children.try_add() {
            return (false, 0);
        }
        assert!(!parent.state.load().is_terminal(), "added to a parent that had ended");
        work.fetch_add(1, Ordering::Relaxed);
        (true, end(&Task::below(RUNNING, Some(parent)), Ending::Completed))
    }
}

#[test]
fn a_closed_parent_takes_no_child_and_loses_none() {
    check(FEW, || {
        let (parent, [member]) = family(IN_PLACE);
        let work = Arc::new(AtomicUsize::new(0));
        let late = spawn(born_from_anywhere(parent.clone(), work.clone()));
        let member = spawn(move || end(&member, Ending::Completed));
        let is_over = |parent: &Task| parent.pending_children.close() == Left::Nothing;
        let waits = lingers(&parent, is_over);
        let seen = (!waits).then(|| {
            end(&parent, Ending::Completed);
            work.load(Ordering::Relaxed)
        });
        let (late, member) = (joined(late), joined(member));
        let taken = late.is_some_and(|(taken, _)| taken);
        assert_eq!((late.map(|(_, ended)| ended), member), (Some(usize::from(taken)), Some(1)));
        assert!(seen.is_none_or(|seen| seen == usize::from(taken)), "ended before a child");
        assert!(!waits || parent.waker.has_rung(), "asleep");
        assert!(is_over(&parent) && !parent.pending_children.try_add());
    });
}

#[test]
fn a_parent_that_has_left_takes_no_child_after_its_last() {
    check(ALL, || {
        let grandparent = Task::new(RUNNING);
        grandparent.pending_children.add();
        let parent = Arc::new(Task::below(RUNNING | IN_PLACE, Some(grandparent.clone())));
        parent.pending_children.add();
        let (member, work) = (Task::below(RUNNING, Some(parent.clone())), Arc::new(AtomicUsize::new(0)));
        let late = spawn(born_from_anywhere(parent.clone(), work));
        let member = spawn(move || end(&member, Ending::Completed));
        let left = leave(&parent);
        let Some((taken, late)) = joined(late) else { return };
        assert_eq!(joined(member).map(|ended| ended + late + left), Some(2 + usize::from(taken)), "ends");
        assert!(grandparent.pending_children.is_empty(), "notified twice");
        assert!(!parent.pending_children.try_add());
    });
}
