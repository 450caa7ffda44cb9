//! The state of a task: cancellers against each other, against a poll, and against the end.

use std::sync::Arc;

use loom::sync::Notify;
use loom::thread::spawn;

use crate::state::{AtomicState, COMPLETED, GRACEFUL, HAS_BEEN_PENDING, KILL, RUNNING, STARTED};
use crate::task::{CAUSE, Ending, Task, cancel};
use crate::{ALL, FEW, check, joined};

/// `flags` is the state that the poll finds: that of the first poll, or of a later one.
fn a_request_is_never_slept_through(flags: u32, level: u32) {
    check(ALL, move || {
        let task = Task::new(flags);
        let asked = task.clone();
        let canceller = spawn(move || cancel(&asked, level));
        // A request that the poll sees is answered; otherwise the task sleeps, and has to be woken.
        let sees = !task.begin() || task.pause().level() == level;
        assert_eq!(joined(canceller), Some(true));
        assert!(sees || task.waker.has_rung(), "asleep");
        assert_eq!(task.level(), level);
    });
}

#[test]
fn a_kill_is_not_missed_in_the_first_poll() {
    a_request_is_never_slept_through(0, KILL);
}

#[test]
fn a_kill_is_not_missed_in_a_later_poll() {
    a_request_is_never_slept_through(RUNNING | HAS_BEEN_PENDING, KILL);
}

#[test]
fn a_graceful_request_is_not_missed() {
    a_request_is_never_slept_through(0, GRACEFUL);
    a_request_is_never_slept_through(RUNNING | HAS_BEEN_PENDING, GRACEFUL);
}

#[test]
fn a_killed_task_is_polled_until_it_has_ended() {
    check(FEW, || {
        let (task, woken) = (Task::new(0), Arc::new(Notify::new()));
        let (asked, wakes) = (task.clone(), woken.clone());
        let canceller = spawn(move || {
            for level in [GRACEFUL, KILL] {
                assert!(cancel(&asked, level));
                if asked.waker.has_rung() {
                    wakes.notify();
                }
            }
        });
        // A wake that is missed leaves this waiting forever, which loom reports.
        while !task.poll(|| ()) {
            woken.wait();
        }
        assert!(joined(canceller).is_some());
    });
}

#[test]
fn a_level_only_rises_and_the_first_cause_stays() {
    check(ALL, || {
        let word = Arc::new(AtomicState::new(RUNNING));
        let raise = |level, cause| {
            let word = word.clone();
            move || word.raise(level, cause).map(|before| before.level())
        };
        let (graceful, kill) = (spawn(raise(GRACEFUL, 1)), spawn(raise(KILL, 2)));
        let (first, second) = (word.load(), word.load());
        assert!(first.level() <= second.level());
        assert!(first.level() == 0 || first.cause() == second.cause());
        let last = match (joined(graceful), joined(kill)) {
            (Some(Some(0)), Some(Some(GRACEFUL))) => 1,
            (Some(None), Some(Some(0))) => 2,
            _ => 0,
        };
        assert_eq!((word.load().level(), word.load().cause()), (KILL, last));
        assert!(second.level() == 0 || second.cause() == last);
    });
}

#[test]
fn nothing_is_raised_after_the_end_and_nothing_undoes_it() {
    check(ALL, || {
        let word = Arc::new(AtomicState::new(RUNNING));
        let raise = |level| {
            let word = word.clone();
            move || word.raise(level, CAUSE).map(|before| before.is_terminal())
        };
        let (graceful, kill) = (spawn(raise(GRACEFUL)), spawn(raise(KILL)));
        let before = word.end(Ending::Completed);
        assert!(!before.is_terminal());
        assert_ne!(joined(graceful), Some(Some(true)));
        assert_ne!(joined(kill), Some(Some(true)));
        let after = word.load();
        assert_eq!((after.phase(), after.level()), (COMPLETED, before.level()));
        assert!(word.raise(KILL + 1, CAUSE).is_none());
    });
}

#[test]
fn a_raise_clears_no_flag() {
    check(ALL, || {
        let word = Arc::new(AtomicState::new(0));
        let raised = word.clone();
        let canceller = spawn(move || raised.raise(KILL, CAUSE).is_some());
        let flagged = word.clone();
        let flags = spawn(move || flagged.note_started());
        word.begin();
        let paused = word.pause_first();
        assert_eq!((joined(canceller), joined(flags)), (Some(true), Some(false)));
        let after = word.load();
        assert!(after.has(STARTED) && after.has(HAS_BEEN_PENDING) && after.phase() == RUNNING);
        assert_eq!(after.level(), KILL);
        assert!(paused.level() == 0 || paused.level() == KILL);
    });
}
