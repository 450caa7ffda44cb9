//! A handle that detaches its task against the end of the task: exactly one of the two counts it out of the
//! parent.

use std::sync::Arc;

use loom::thread::spawn;

use crate::state::{DETACHED, RUNNING};
use crate::task::{Ending, Task, end, leave, release};
use crate::{ALL, check, joined};

/// A parent that waits for one child, and the child.
fn family() -> (Arc<Task>, Arc<Task>) {
    let parent = Task::new(RUNNING);
    parent.pending_children.add();
    let child = Arc::new(Task::below(RUNNING, Some(parent.clone())));
    (parent, child)
}

/// `Task::detach`. Gives how many tasks have ended by it.
fn detach(child: &Task) -> usize {
    match &child.parent {
        Some(parent) if child.detach() => release(parent),
        _ => 0,
    }
}

#[test]
fn a_detach_and_an_end_notify_the_parent_once() {
    check(ALL, || {
        let (parent, child) = family();
        let ended = child.clone();
        let ender = spawn(move || end(&ended, Ending::Completed));
        let detached = detach(&child);
        // A lingering parent has to be woken by whichever of the two counts the child out.
        let waits = !parent.pending_children.linger() && {
            parent.pause();
            !parent.pending_children.linger()
        };
        assert_eq!((detached, joined(ender)), (0, Some(1)));
        assert!(!waits || parent.waker.has_rung());
        // Counted out twice, there would be fewer than none.
        assert!(parent.pending_children.is_empty());
    });
}

#[test]
fn a_lingering_parent_is_woken_by_a_detach_or_an_end() {
    check(ALL, || {
        let (parent, child) = family();
        let (ended, detached) = (child.clone(), child);
        let ender = spawn(move || end(&ended, Ending::Completed));
        let detacher = spawn(move || detach(&detached));
        let waits = !parent.pending_children.linger() && {
            parent.pause();
            !parent.pending_children.linger()
        };
        assert_eq!((joined(ender), joined(detacher)), (Some(1), Some(0)));
        assert!(!waits || parent.waker.has_rung());
        assert!(parent.pending_children.is_empty());
    });
}

#[test]
fn a_parent_that_is_dropped_ends_once_when_its_last_child_is_detached() {
    check(ALL, || {
        let (parent, child) = family();
        let (ended, detached) = (child.clone(), child.clone());
        let ender = spawn(move || end(&ended, Ending::Completed));
        let detacher = spawn(move || detach(&detached));
        let left = leave(&parent);
        let ends = [Some(left), joined(ender), joined(detacher)].into_iter().flatten().sum::<usize>();
        assert_eq!(ends, 2, "the child and the parent");
        assert!(child.state.load().has(DETACHED));
        assert!(parent.state.load().is_terminal());
    });
}
