//! The root scope at a shutdown: the tasks that it lists, and the kills of all shutdowns.

use loom::thread::spawn;

use crate::runtime::Runtime;
use crate::tasks::{Idle, level, task_on};
use crate::tree::children::end;
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::root::RootScope;
use crate::tree::state::{GRACEFUL, KILL, RUNNING};
use crate::{ALL, FEW, check, joined};

/// A task of the root scope, and that.
fn task() -> (Idle, TaskRef) {
    let runtime = Idle::default();
    let task = task_on(&runtime, RUNNING, None);
    runtime.root().task_begun(&task);
    (runtime, task)
}

/// Lists two tasks, each in a thread of its own, while `close` closes the scope. In the end both have
/// `expected`.
fn no_orphan_is_missed(close: fn(&RootScope), expected: u32) {
    check(FEW, move || {
        let (runtime, first) = task();
        let second = task_on(&runtime, RUNNING, None);
        let list = |task: &TaskRef| {
            let (runtime, task) = (runtime.clone(), task.clone());
            spawn(move || runtime.root().list_orphan(&task))
        };
        let listing = [list(&first), list(&second)];
        close(runtime.root());
        assert_eq!(listing.map(joined), [Some(()), Some(())]);
        assert_eq!((level(&first), level(&second)), (expected, expected));
    });
}

#[test]
fn a_shutdown_reaches_the_tasks_that_are_listed_meanwhile() {
    no_orphan_is_missed(RootScope::begin_closing, GRACEFUL);
    no_orphan_is_missed(RootScope::close, KILL);
}

#[test]
fn a_shutdown_reaches_the_tasks_while_the_list_is_read() {
    check(FEW, || {
        let (runtime, first) = task();
        let second = task_on(&runtime, RUNNING, None);
        runtime.root().list_orphan(&first);
        runtime.root().list_orphan(&second);
        let read = runtime.clone();
        // It takes each task out of the list and puts it back.
        let reader = spawn(move || read.root().listed().len());
        runtime.root().begin_closing();
        assert!(joined(reader).is_some());
        assert_eq!((level(&first), level(&second)), (GRACEFUL, GRACEFUL));
    });
}

#[test]
fn a_shutdown_that_finds_nothing_left_finds_the_kill() {
    check(ALL, || {
        let (runtime, task) = task();
        let other = runtime.clone();
        // As `program::shutdown::hurried`, whose limit has passed.
        let killer = spawn(move || {
            let root = other.root();
            let Some(remaining) = root.remaining() else { return };
            root.kills().add(remaining);
            root.refuse();
            root.close();
            end(&task, None, Ending::Cancelled);
        });
        let root = runtime.root();
        assert!(!root.is_idle() || root.kills().after(0).is_some());
        assert!(joined(killer).is_some());
        assert!(root.is_idle() && root.kills().count() == 1);
    });
}
