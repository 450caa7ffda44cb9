//! Cancellations that go down the tree while children are added, and while other threads read the list of
//! children.

use std::sync::Arc;

use loom::thread::spawn;

use crate::state::{GRACEFUL, IN_PLACE, KILL, RUNNING};
use crate::task::{Task, adopt, cancel, children, kill_children, sweep};
use crate::{ALL, FEW, check, joined};

/// A scope with one member.
fn scope() -> (Arc<Task>, Arc<Task>) {
    let parent = Task::new(RUNNING | IN_PLACE);
    let child = adopt(&parent);
    (parent, child)
}

/// Adds a second member in a thread of its own, while `cancel` cancels the scope and another thread goes
/// through its list. In the end both members have `level`.
fn nobody_is_missed(cancel: fn(&Task), level: u32) {
    nobody_is_missed_beside(|parent| assert!(children(parent) >= 1), cancel, level);
    nobody_is_missed_beside(sweep, cancel, level);
}

fn nobody_is_missed_beside(look: fn(&Task), cancel: fn(&Task), level: u32) {
    check(FEW, move || {
        let (parent, first) = scope();
        let adopting = parent.clone();
        let adopter = spawn(move || adopt(&adopting));
        let looked = parent.clone();
        let sweeper = spawn(move || look(&looked));
        cancel(&parent);
        let second = joined(adopter).map(|second| second.level());
        assert!(joined(sweeper).is_some());
        assert_eq!((first.level(), second), (level, Some(level)));
    });
}

#[test]
fn a_graceful_request_reaches_all_members() {
    nobody_is_missed(|parent| assert!(cancel(parent, GRACEFUL)), GRACEFUL);
}

#[test]
fn a_kill_reaches_all_members() {
    nobody_is_missed(
        |parent| {
            cancel(parent, KILL);
            // The next poll of the scope.
            assert!(!parent.begin());
            kill_children(parent);
        },
        KILL,
    );
}

#[test]
fn a_failed_body_kills_all_members() {
    // The scope itself was not cancelled.
    nobody_is_missed(kill_children, KILL);
}

#[test]
fn a_kill_is_not_missed_after_a_graceful_request() {
    check(ALL, || {
        let (parent, child) = scope();
        let asked = parent.clone();
        let graceful = spawn(move || cancel(&asked, GRACEFUL));
        cancel(&parent, KILL);
        kill_children(&parent);
        assert!(joined(graceful).is_some());
        assert_eq!(child.level(), KILL);
    });
}

#[test]
fn concurrent_readers_all_see_the_child() {
    check(FEW, || {
        let (parent, child) = scope();
        let look = || {
            let parent = parent.clone();
            move || children(&parent)
        };
        let (first, second) = (spawn(look()), spawn(look()));
        assert_eq!(children(&parent), 1);
        assert_eq!((joined(first), joined(second)), (Some(1), Some(1)));
        assert_eq!(children(&parent), 1);
        assert_eq!(child.level(), 0);
    });
}

#[test]
fn a_child_spawned_in_a_poll_is_killed_with_its_task() {
    check(ALL, || {
        let parent = Task::new(0);
        let (first, mut second) = (adopt(&parent), None);
        let asked = parent.clone();
        let canceller = spawn(move || cancel(&asked, KILL));
        let mut killed = parent.poll(|| second = Some(adopt(&parent)));
        assert_eq!(joined(canceller), Some(true));
        if !killed {
            assert!(parent.waker.has_rung());
            killed = parent.poll(|| ());
        }
        assert!(killed);
        kill_children(&parent);
        // The second child does not exist if the first poll did not get to it.
        assert_eq!(first.level(), KILL);
        assert!(second.is_none_or(|second| second.level() == KILL));
    });
}

#[test]
fn a_kill_during_a_poll_reaches_the_children_before_the_poll_ends() {
    check(ALL, || {
        let parent = Task::new(RUNNING);
        let child = adopt(&parent);
        let asked = parent.clone();
        let canceller = spawn(move || cancel(&asked, KILL));
        let begun = parent.begin();
        assert_eq!(joined(canceller), Some(true));
        assert!(!begun || child.level() == KILL, "the poll goes on, and the child is not cancelled");
    });
}

#[test]
fn a_child_of_a_destructor_in_a_kill_can_be_detached_and_lives() {
    check(ALL, || {
        let parent = Task::new(RUNNING | IN_PLACE);
        cancel(&parent, KILL);
        let other = parent.clone();
        let canceller = spawn(move || cancel(&other, GRACEFUL));
        // The body is dropped, and its destructor's child is detached before the kill is passed on.
        let child = adopt(&parent);
        assert!(child.detach());
        kill_children(&parent);
        assert_eq!((joined(canceller), child.level()), (Some(false), 0));
    });
}

#[test]
fn a_child_detached_by_a_destructor_survives_a_concurrent_kill() {
    check(ALL, || {
        let parent = Task::new(RUNNING);
        let other = parent.clone();
        let canceller = spawn(move || cancel(&other, KILL));
        // The canceller may still go through the children when the body is dropped, since a poll was in
        // progress when it raised the level.
        let child = parent.poll(|| ()).then(|| {
            let child = adopt(&parent);
            assert!(child.detach());
            kill_children(&parent);
            assert_eq!(child.level(), 0);
            child
        });
        assert_eq!(joined(canceller), Some(true));
        assert!(child.is_none_or(|child| child.level() == 0));
    });
}
