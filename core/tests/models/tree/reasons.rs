//! `children::cancel_because` against itself, against `cancel`, and against the end: which reason is found.

use std::sync::Arc;

use loom::thread::spawn;

use crate::tasks::task;
use crate::tree::children::{cancel, cancel_because, end};
use crate::tree::ending::Ending;
use crate::tree::node::TaskRef;
use crate::tree::state::RUNNING;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::{ALL, FEW, check, joined};

/// The causes of the requests in these models. The name of its cause is the reason of a request.
const ASKED: CancelCause = CancelCause::Requested;
const KILLED: CancelCause = CancelCause::SiblingFailed;
const PLAIN: CancelCause = CancelCause::Unneeded;

fn level(cause: CancelCause) -> CancelLevel {
    if cause == KILLED { CancelLevel::Kill } else { CancelLevel::Graceful }
}

fn reason_of(cause: CancelCause) -> Arc<str> {
    cause.to_string().into()
}

fn request(task: &TaskRef, cause: CancelCause) {
    cancel_because(task, level(cause), cause, Some(&reason_of(cause)));
}

/// The recorded cause, if there is one.
fn cause(task: &TaskRef) -> Option<CancelCause> {
    task.control.asked().map(|(_, cause)| cause)
}

fn reason(task: &TaskRef) -> Option<Arc<str>> {
    task.control.reason().cloned()
}

#[test]
fn readers_of_two_reasons_find_that_of_the_recorded_cause() {
    check(FEW, || {
        let task = task(RUNNING);
        let request = |cause| {
            let task = task.clone();
            spawn(move || {
                request(&task, cause);
                reason(&task)
            })
        };
        let (asked, killed) = (request(ASKED), request(KILLED));
        // A thread that sees the cancellation sees the reason.
        let seen = cause(&task);
        let found = reason(&task);
        assert!(seen.is_none() || found == seen.map(reason_of));
        let (asked, killed) = (joined(asked), joined(killed));
        let last = reason(&task);
        assert!(last.is_some() && last == cause(&task).map(reason_of));
        assert!(found.is_none() || found == last);
        assert!(asked.as_ref() == Some(&last) && killed.as_ref() == Some(&last));
        assert!(task.control.is_killed());
    });
}

#[test]
fn a_request_without_a_reason_is_given_none() {
    check(ALL, || {
        let task = task(RUNNING);
        let (plain, explained) = (task.clone(), task.clone());
        let plain = spawn(move || cancel(&plain, level(PLAIN), PLAIN));
        let explained = spawn(move || request(&explained, KILLED));
        assert!(joined(plain).is_some() && joined(explained).is_some());
        let due = cause(&task).filter(|cause| *cause != PLAIN).map(reason_of);
        assert_eq!(reason(&task), due);
        assert!(task.control.is_killed());
    });
}

#[test]
fn a_request_after_the_end_records_no_reason() {
    check(ALL, || {
        let task = task(RUNNING);
        let explained = task.clone();
        let explained = spawn(move || request(&explained, KILLED));
        end(&task, None, Ending::Completed);
        let before = cause(&task);
        assert!(joined(explained).is_some());
        assert_eq!((cause(&task), reason(&task)), (before, before.map(reason_of)));
    });
}
