//! `Control::poll_change` against every change that it waits for.

use std::task::Context;

use loom::thread::spawn;

use crate::tasks::{Woken, task};
use crate::tree::children::{cancel, end};
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::{RUNNING, STARTED, State};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::{ALL, FEW, check, joined};

/// One thread waits for `done` while `change` brings it about.
fn a_change_is_never_missed(change: fn(&TaskRef), done: fn(State) -> bool) {
    check(ALL, move || {
        let task = task(RUNNING);
        let changed = task.clone();
        let changer = spawn(move || change(&changed));
        let ((woken, waker), mut listener) = (Woken::new(), None);
        let mut poll = || task.control.poll_change(&mut listener, done, &mut Context::from_waker(&waker));
        let mut is_ready = poll().is_ready();
        if !is_ready && woken.was_woken() {
            is_ready = poll().is_ready();
        }
        assert!(joined(changer).is_some());
        assert!(is_ready || woken.was_woken(), "missed");
        assert!(poll().is_ready());
    });
}

fn complete(task: &TaskRef) {
    end(task, None, Ending::Completed);
}

#[test]
fn an_end_is_not_missed() {
    a_change_is_never_missed(complete, State::is_reported);
}

#[test]
fn a_cancellation_is_not_missed() {
    a_change_is_never_missed(
        |task| assert!(cancel(task, CancelLevel::Graceful, CancelCause::Requested)),
        |state| state.level() > 0,
    );
}

#[test]
fn a_task_that_is_ready_is_not_missed() {
    a_change_is_never_missed(
        |task| task.control.started(),
        |state| state.has(STARTED) || state.is_reported(),
    );
}

#[test]
fn an_end_is_not_missed_after_a_cancellation() {
    a_change_is_never_missed(
        |task| {
            cancel(task, CancelLevel::Kill, CancelCause::Requested);
            end(task, None, Ending::Cancelled);
        },
        State::is_reported,
    );
}

#[test]
fn each_of_two_listeners_is_notified() {
    check(FEW, || {
        let task = task(RUNNING);
        let listen = || {
            let task = task.clone();
            spawn(move || {
                let ((woken, waker), mut listener) = (Woken::new(), None);
                let mut cx = Context::from_waker(&waker);
                let is_ready =
                    task.control.poll_change(&mut listener, State::is_reported, &mut cx).is_ready();
                (is_ready, woken, listener)
            })
        };
        let listeners = [listen(), listen()];
        complete(&task);
        for listener in listeners {
            let Some((is_ready, woken, _listener)) = joined(listener) else { return };
            assert!(is_ready || woken.was_woken(), "not notified");
        }
    });
}
