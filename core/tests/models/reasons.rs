//! `children::cancel_because` against itself, against `cancel`, and against the end: which reason is found.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread::spawn;

use crate::state::{AtomicState, GRACEFUL, HAS_REASON, KILL, RUNNING};
use crate::task::Ending;
use crate::{ALL, FEW, check, joined};

/// The causes of the requests in these models. The number of its cause stands for the reason of a request.
const ASKED: u32 = 1;
const KILLED: u32 = 2;
const PLAIN: u32 = 3;

fn level(cause: u32) -> u32 {
    if cause == KILLED { KILL } else { GRACEFUL }
}

/// A task, as far as its cancellation goes.
struct Cancellable {
    state: AtomicState,
    /// The `OnceLock` in the extras: the cause of the first request with a reason, or 0.
    first: AtomicU32,
}

impl Cancellable {
    fn new() -> Arc<Self> {
        Arc::new(Self { state: AtomicState::new(RUNNING), first: AtomicU32::new(0) })
    }

    /// `Control::explain`.
    fn explain(&self, cause: u32) -> Option<u32> {
        let state = self.state.load();
        if state.level() > 0 || state.is_terminal() {
            return None;
        }
        // As `OnceLock::get_or_init`.
        match self.first.compare_exchange(0, cause, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Some(cause),
            Err(first) => Some(first),
        }
    }

    /// `children::cancel_because`.
    fn cancel_because(&self, cause: u32) {
        if let Some(first) = self.explain(cause) {
            self.state.raise_with_reason(level(first), first);
        }
        self.state.raise(level(cause), cause);
    }

    /// `Control::reason`.
    fn reason(&self) -> Option<u32> {
        self.state.load().has(HAS_REASON).then(|| self.first.load(Ordering::Acquire))
    }

    /// The recorded cause, if there is one.
    fn cause(&self) -> Option<u32> {
        let state = self.state.load();
        (state.level() > 0).then(|| state.cause())
    }
}

#[test]
fn readers_of_two_reasons_find_that_of_the_recorded_cause() {
    check(FEW, || {
        let task = Cancellable::new();
        let cancel = |cause| {
            let task = task.clone();
            move || {
                task.cancel_because(cause);
                task.reason()
            }
        };
        let (asked, killed) = (spawn(cancel(ASKED)), spawn(cancel(KILLED)));
        // A thread that sees the cancellation sees the reason.
        let seen = task.cause();
        let found = task.reason();
        assert!(seen.is_none() || found == seen);
        let (asked, killed) = (joined(asked), joined(killed));
        let last = task.reason();
        assert!(last.is_some() && last == task.cause());
        assert!(found.is_none() || found == last);
        assert!(asked == Some(last) && killed == Some(last));
        assert_eq!(task.state.load().level(), KILL);
    });
}

#[test]
fn a_request_without_a_reason_is_given_none() {
    check(ALL, || {
        let task = Cancellable::new();
        let (plain, explained) = (task.clone(), task.clone());
        let plain = spawn(move || plain.state.raise(level(PLAIN), PLAIN).is_some());
        let explained = spawn(move || explained.cancel_because(KILLED));
        assert!(joined(plain).is_some() && joined(explained).is_some());
        let due = task.cause().filter(|cause| *cause != PLAIN);
        assert_eq!(task.reason(), due);
        assert_eq!(task.state.load().level(), KILL);
    });
}

#[test]
fn a_request_after_the_end_records_no_reason() {
    check(ALL, || {
        let task = Cancellable::new();
        let explained = task.clone();
        let explained = spawn(move || explained.cancel_because(KILLED));
        let before = task.state.end(Ending::Completed);
        assert!(joined(explained).is_some());
        let due = (before.level() > 0).then_some(KILLED);
        assert_eq!((task.reason(), task.cause()), (due, due));
    });
}
