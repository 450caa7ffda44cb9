//! A handle that detaches its task against the end of the task: exactly one of the two counts it out of the
//! parent.

use loom::thread::{JoinHandle, spawn};

use crate::tasks::{Woken, counted, detach, ends, has_ended, lingers, task};
use crate::tree::children::{end, leave};
use crate::tree::daemons::is_childless;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::RUNNING;
use crate::{ALL, check, joined};

/// A parent that waits for one child, and the child.
fn family() -> (TaskRef, TaskRef) {
    let parent = task(RUNNING);
    let child = counted(RUNNING, &parent);
    (parent, child)
}

fn ending(child: &TaskRef, parent: &TaskRef) -> JoinHandle<()> {
    let (child, parent) = (child.clone(), parent.clone());
    spawn(move || end(&child, Some(&parent), Ending::Completed))
}

fn detaching(child: &TaskRef) -> JoinHandle<()> {
    let child = child.clone();
    spawn(move || detach(&child))
}

#[test]
fn a_detach_and_an_end_notify_the_parent_once() {
    check(ALL, || {
        let (parent, child) = family();
        let (woken, waker) = Woken::new();
        let ender = ending(&child, &parent);
        detach(&child);
        // A lingering parent has to be woken by whichever of the two counts the child out.
        let waits = lingers(&parent, &waker);
        assert!(joined(ender).is_some());
        assert!(!waits || woken.was_woken());
        // Counted out twice, there would be fewer than none.
        assert!(is_childless(&parent) && !has_ended(&parent));
    });
}

#[test]
fn a_lingering_parent_is_woken_by_a_detach_or_an_end() {
    check(ALL, || {
        let (parent, child) = family();
        let (woken, waker) = Woken::new();
        let (ender, detacher) = (ending(&child, &parent), detaching(&child));
        let waits = lingers(&parent, &waker);
        assert!(joined(ender).is_some() && joined(detacher).is_some());
        assert!(!waits || woken.was_woken());
        assert!(is_childless(&parent) && !has_ended(&parent));
    });
}

#[test]
fn a_parent_that_is_dropped_ends_once_when_its_last_child_is_detached() {
    check(ALL, || {
        let (parent, child) = family();
        let (ender, detacher) = (ending(&child, &parent), detaching(&child));
        leave(&parent, None);
        assert!(joined(ender).is_some() && joined(detacher).is_some());
        assert_eq!((ends(&child), ends(&parent)), (1, 1));
        assert!(child.control.is_detached() && has_ended(&parent));
    });
}
