//! `Control::listen` against every change that it waits for.

use std::sync::Arc;

use loom::thread::spawn;

use crate::state::{GRACEFUL, KILL, REPORTED, RUNNING, STARTED, State};
use crate::task::{Ending, Task, cancel, end};
use crate::{ALL, FEW, check, joined};

/// `Control::poll_change` in a loop with the two bells: one thread waits for `done` while `change` brings it
/// about.
fn a_change_is_never_missed(change: fn(&Task), done: fn(State) -> bool) {
    check(ALL, move || {
        let task = Task::new(RUNNING);
        let changed = task.clone();
        let changer = spawn(move || change(&changed));
        let mut waits = task.listen(0, done);
        let mut bell = 0;
        if waits && task.has_rung(0) {
            bell = 1;
            waits = task.listen(1, done);
        }
        assert!(joined(changer).is_some());
        assert!(!waits || task.has_rung(bell), "missed");
        assert!(done(task.state.load()));
    });
}

#[test]
fn an_end_is_not_missed() {
    a_change_is_never_missed(|task| assert_eq!(end(task, Ending::Completed), 1), |state| state.has(REPORTED));
}

#[test]
fn a_cancellation_is_not_missed() {
    a_change_is_never_missed(|task| assert!(cancel(task, GRACEFUL)), |state| state.level() > 0);
}

#[test]
fn a_task_that_is_ready_is_not_missed() {
    a_change_is_never_missed(Task::started, |state| state.has(STARTED) || state.has(REPORTED));
}

#[test]
fn an_end_is_not_missed_after_a_cancellation() {
    a_change_is_never_missed(
        |task| {
            cancel(task, KILL);
            end(task, Ending::Cancelled);
        },
        |state| state.has(REPORTED),
    );
}

#[test]
fn each_of_two_listeners_is_notified() {
    check(FEW, || {
        let task = Task::new(RUNNING);
        let listen = |bell| {
            let task: Arc<Task> = task.clone();
            move || task.listen(bell, |state| state.has(REPORTED))
        };
        let (first, second) = (spawn(listen(0)), spawn(listen(1)));
        end(&task, Ending::Failed);
        let (first, second) = (joined(first), joined(second));
        assert!(first == Some(false) || first == Some(true) && task.has_rung(0), "the first is not notified");
        assert!(
            second == Some(false) || second == Some(true) && task.has_rung(1),
            "the second is not notified"
        );
    });
}
