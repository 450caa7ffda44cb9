//! The state of a task: cancellers against each other, against a poll, and against the end.

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::sync::Notify;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::spawn;

use crate::tasks::{Woken, level, poll, task};
use crate::tree::children::cancel;
use crate::tree::ending::Ending;
use crate::tree::state::{
    AtomicState, COMPLETED, GRACEFUL, HAS_BEEN_PENDING, IN_POLL, KILL, RUNNING, STARTED, State,
};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::{ALL, FEW, check, joined};

/// The code of an arbitrary cause.
const CAUSE: u32 = 3;

/// `flags` is the state that the poll finds: that of the first poll, or of a later one.
fn a_request_is_never_slept_through(flags: u32, by: CancelLevel) {
    check(ALL, move || {
        let (task, (woken, waker)) = (task(flags), Woken::new());
        let asked = task.clone();
        let canceller = spawn(move || cancel(&asked, by, CancelCause::Requested));
        // A request that the poll sees is answered; otherwise the task sleeps, and has to be woken.
        let sees = !task.begin() || task.control.pause(&waker).0.level() == by.code();
        assert_eq!(joined(canceller), Some(true));
        assert!(sees || woken.was_woken(), "asleep");
        assert_eq!(level(&task), by.code());
    });
}

#[test]
fn a_kill_is_not_missed_in_the_first_poll() {
    a_request_is_never_slept_through(0, CancelLevel::Kill);
}

#[test]
fn a_kill_is_not_missed_in_a_later_poll() {
    a_request_is_never_slept_through(RUNNING | HAS_BEEN_PENDING, CancelLevel::Kill);
}

#[test]
fn a_graceful_request_is_not_missed() {
    a_request_is_never_slept_through(0, CancelLevel::Graceful);
    a_request_is_never_slept_through(RUNNING | HAS_BEEN_PENDING, CancelLevel::Graceful);
}

/// A waker that its thread waits for.
struct Rings(Notify);

impl Wake for Rings {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

#[test]
fn a_killed_task_is_polled_until_it_has_ended() {
    check(FEW, || {
        let (task, rings) = (task(0), Arc::new(Rings(Notify::new())));
        let (asked, waker) = (task.clone(), Waker::from(rings.clone()));
        let canceller = spawn(move || {
            for level in [CancelLevel::Graceful, CancelLevel::Kill] {
                assert!(cancel(&asked, level, CancelCause::Requested));
            }
        });
        // A wake that is missed leaves this waiting forever, which loom reports.
        while !poll(&task, &waker, || ()) {
            rings.0.wait();
        }
        assert!(joined(canceller).is_some());
    });
}

/// The flag stands for a waker, and orders nothing: the step that ends the poll does.
fn a_request_finds_what_came_before(pause: fn(&AtomicState) -> State, flags: u32) {
    check(ALL, move || {
        let word = Arc::new((AtomicState::new(flags), AtomicBool::new(false)));
        let asked = word.clone();
        let canceller = spawn(move || {
            let (state, is_registered) = &*asked;
            assert!(state.raise(KILL, CAUSE).is_some());
            is_registered.load(Ordering::Relaxed)
        });
        let (state, is_registered) = &*word;
        is_registered.store(true, Ordering::Relaxed);
        let sees = pause(state).level() == KILL;
        assert!(joined(canceller) == Some(true) || sees);
    });
}

#[test]
fn a_request_after_the_end_of_a_poll_finds_its_waker() {
    a_request_finds_what_came_before(AtomicState::pause, RUNNING | IN_POLL | HAS_BEEN_PENDING);
    a_request_finds_what_came_before(AtomicState::pause_first, RUNNING | IN_POLL);
    a_request_finds_what_came_before(AtomicState::pause_unpolled, 0);
}

#[test]
fn a_level_only_rises_and_the_first_cause_stays() {
    check(ALL, || {
        let state = Arc::new(AtomicState::new(RUNNING));
        let raise = |level, cause| {
            let state = state.clone();
            move || state.raise(level, cause).map(|before| before.level())
        };
        let (graceful, kill) = (spawn(raise(GRACEFUL, 1)), spawn(raise(KILL, 2)));
        let (first, second) = (state.load(), state.load());
        assert!(first.level() <= second.level());
        assert!(first.level() == 0 || first.cause() == second.cause());
        let last = match (joined(graceful), joined(kill)) {
            (Some(Some(0)), Some(Some(GRACEFUL))) => 1,
            (Some(None), Some(Some(0))) => 2,
            _ => 0,
        };
        assert_eq!((state.load().level(), state.load().cause()), (KILL, last));
        assert!(second.level() == 0 || second.cause() == last);
    });
}

#[test]
fn nothing_is_raised_after_the_end_and_nothing_undoes_it() {
    check(ALL, || {
        let state = Arc::new(AtomicState::new(RUNNING));
        let raise = |level| {
            let state = state.clone();
            move || state.raise(level, CAUSE).map(|before| before.is_terminal())
        };
        let (graceful, kill) = (spawn(raise(GRACEFUL)), spawn(raise(KILL)));
        let before = state.end(Ending::Completed);
        assert!(!before.is_terminal());
        assert_ne!(joined(graceful), Some(Some(true)));
        assert_ne!(joined(kill), Some(Some(true)));
        let after = state.load();
        assert_eq!((after.phase(), after.level()), (COMPLETED, before.level()));
        assert!(state.raise(KILL + 1, CAUSE).is_none());
    });
}

#[test]
fn a_raise_clears_no_flag() {
    check(ALL, || {
        let state = Arc::new(AtomicState::new(0));
        let raised = state.clone();
        let canceller = spawn(move || raised.raise(KILL, CAUSE).is_some());
        let flagged = state.clone();
        let flags = spawn(move || flagged.note_started());
        state.begin();
        let paused = state.pause_first();
        assert_eq!((joined(canceller), joined(flags)), (Some(true), Some(false)));
        let after = state.load();
        assert!(after.has(STARTED) && after.has(HAS_BEEN_PENDING) && after.phase() == RUNNING);
        assert_eq!(after.level(), KILL);
        assert!(paused.level() == 0 || paused.level() == KILL);
    });
}
