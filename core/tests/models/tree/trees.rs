//! Cancellations that go down the tree while children are added, and while other threads read the list of
//! children.

use loom::thread::{JoinHandle, spawn};

use crate::tasks::{Woken, child, detach, level, member, poll, task};
use crate::tree::children::{adopt, cancel, children, kill_children};
use crate::tree::node::TaskRef;
use crate::tree::state::{COMPLETED, GRACEFUL, IN_PLACE, KILL, RUNNING};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::{ALL, FEW, check, joined};

/// A scope with one member.
fn scope() -> (TaskRef, TaskRef) {
    let scope = task(RUNNING | IN_PLACE);
    let first = child(&scope);
    (scope, first)
}

fn request(task: &TaskRef, level: CancelLevel) -> bool {
    cancel(task, level, CancelCause::Requested)
}

fn requesting(task: &TaskRef, level: CancelLevel) -> JoinHandle<bool> {
    let task = task.clone();
    spawn(move || request(&task, level))
}

/// As after the drop of a body that was killed.
fn kill_those_below(task: &TaskRef) {
    kill_children(task, CancelCause::ParentCancelled);
}

fn joining(scope: &TaskRef) -> JoinHandle<Option<TaskRef>> {
    let scope = scope.clone();
    spawn(move || member(&scope))
}

/// The level of the member that a thread has added.
fn level_of(joining: JoinHandle<Option<TaskRef>>) -> Option<u32> {
    joined(joining).flatten().as_ref().map(level)
}

/// Adds a second member in a thread of its own, while `cancel` cancels the scope and another thread goes
/// through its list. In the end both members have `expected`.
fn nobody_is_missed(cancel: fn(&TaskRef), expected: u32) {
    check(FEW, move || {
        let (scope, first) = scope();
        let second = joining(&scope);
        let looked = scope.clone();
        let reader = spawn(move || children(&looked).len());
        cancel(&scope);
        let second = level_of(second);
        assert!(joined(reader) >= Some(1));
        assert_eq!((level(&first), second), (expected, Some(expected)));
    });
}

/// As [`nobody_is_missed`], where the next member that is added goes through the list, since most of it have
/// ended.
fn nobody_is_missed_in_a_sweep(cancel: fn(&TaskRef), expected: u32) {
    check(FEW, move || {
        let (scope, first) = scope();
        let over = task(COMPLETED);
        (0..5).for_each(|_| adopt(&scope, &over));
        let (second, third) = (joining(&scope), joining(&scope));
        cancel(&scope);
        let (second, third) = (level_of(second), level_of(third));
        assert_eq!((level(&first), second, third), (expected, Some(expected), Some(expected)));
        assert_eq!(children(&scope).len(), 3);
    });
}

/// As [`nobody_is_missed`], for the first member: the scope had no list before.
fn the_first_is_not_missed(cancel: fn(&TaskRef), expected: u32) {
    check(FEW, move || {
        let scope = task(RUNNING | IN_PLACE);
        let first = joining(&scope);
        cancel(&scope);
        assert_eq!(level_of(first), Some(expected));
    });
}

fn ask_gracefully(scope: &TaskRef) {
    assert!(request(scope, CancelLevel::Graceful));
}

fn kill(scope: &TaskRef) {
    assert!(request(scope, CancelLevel::Kill));
    // The next poll of the scope.
    assert!(!scope.begin());
    kill_those_below(scope);
}

#[test]
fn a_graceful_request_reaches_all_members() {
    nobody_is_missed(ask_gracefully, GRACEFUL);
}

#[test]
fn a_kill_reaches_all_members() {
    nobody_is_missed(kill, KILL);
}

#[test]
fn a_failed_body_kills_all_members() {
    // The scope itself was not cancelled.
    nobody_is_missed(kill_those_below, KILL);
}

#[test]
fn a_request_reaches_the_first_member() {
    the_first_is_not_missed(ask_gracefully, GRACEFUL);
    the_first_is_not_missed(kill, KILL);
    the_first_is_not_missed(kill_those_below, KILL);
}

#[test]
fn a_request_reaches_all_members_while_the_list_is_swept() {
    nobody_is_missed_in_a_sweep(ask_gracefully, GRACEFUL);
    nobody_is_missed_in_a_sweep(kill_those_below, KILL);
}

#[test]
fn a_kill_is_not_missed_after_a_graceful_request() {
    check(ALL, || {
        let (scope, first) = scope();
        let graceful = requesting(&scope, CancelLevel::Graceful);
        request(&scope, CancelLevel::Kill);
        kill_those_below(&scope);
        assert!(joined(graceful).is_some());
        assert_eq!(level(&first), KILL);
    });
}

#[test]
fn concurrent_readers_all_see_the_child() {
    check(FEW, || {
        let (scope, first) = scope();
        let look = || {
            let scope = scope.clone();
            spawn(move || children(&scope).len())
        };
        let readers = [look(), look()];
        assert_eq!(children(&scope).len(), 1);
        assert_eq!(readers.map(joined), [Some(1), Some(1)]);
        assert_eq!(children(&scope).len(), 1);
        assert_eq!(level(&first), 0);
    });
}

#[test]
fn a_child_spawned_in_a_poll_is_killed_with_its_task() {
    check(ALL, || {
        let (parent, (woken, waker)) = (task(0), Woken::new());
        let (first, mut second) = (child(&parent), None);
        let canceller = requesting(&parent, CancelLevel::Kill);
        let mut killed = poll(&parent, &waker, || second = Some(child(&parent)));
        assert_eq!(joined(canceller), Some(true));
        if !killed {
            assert!(woken.was_woken());
            killed = poll(&parent, &waker, || ());
        }
        assert!(killed);
        kill_those_below(&parent);
        // The second child does not exist if the first poll did not get to it.
        assert_eq!(level(&first), KILL);
        assert!(second.is_none_or(|second| level(&second) == KILL));
    });
}

#[test]
fn a_kill_during_a_poll_reaches_the_children_before_the_poll_ends() {
    check(ALL, || {
        let parent = task(RUNNING);
        let first = child(&parent);
        let canceller = requesting(&parent, CancelLevel::Kill);
        let begun = parent.begin();
        assert_eq!(joined(canceller), Some(true));
        assert!(!begun || level(&first) == KILL, "the poll goes on, and the child is not cancelled");
    });
}

#[test]
fn a_child_of_a_destructor_in_a_kill_can_be_detached_and_lives() {
    check(ALL, || {
        let parent = task(RUNNING | IN_PLACE);
        request(&parent, CancelLevel::Kill);
        let canceller = requesting(&parent, CancelLevel::Graceful);
        // The body is dropped, and its destructor's child is detached before the kill is passed on.
        let child = child(&parent);
        detach(&child);
        kill_those_below(&parent);
        assert_eq!((joined(canceller), level(&child)), (Some(false), 0));
    });
}

#[test]
fn a_child_detached_by_a_destructor_survives_a_concurrent_kill() {
    check(FEW, || {
        let (parent, (_, waker)) = (task(RUNNING), Woken::new());
        let canceller = requesting(&parent, CancelLevel::Kill);
        // The canceller may still go through the children when the body is dropped, since a poll was in
        // progress when it raised the level.
        let child = poll(&parent, &waker, || ()).then(|| {
            let child = child(&parent);
            detach(&child);
            kill_those_below(&parent);
            assert_eq!(level(&child), 0);
            child
        });
        assert_eq!(joined(canceller), Some(true));
        assert!(child.is_none_or(|child| level(&child) == 0));
    });
}
