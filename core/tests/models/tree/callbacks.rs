//! `tree::extras::on_cancel` against a cancellation and against the end.

use std::sync::{Arc, Mutex, PoisonError};

use loom::thread::{JoinHandle, spawn};

use crate::tasks::{Woken, task};
use crate::tree::children::{cancel, end};
use crate::tree::ending::Ending;
use crate::tree::extras::callbacks::{Callback, IntoCallback, Kind};
use crate::tree::extras::on_cancel::on_cancel;
use crate::tree::node::TaskRef;
use crate::tree::state::RUNNING;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::{FEW, check, joined};

/// The callbacks that have run, by their numbers. The mutex is not loom's: it only observes.
#[derive(Clone, Default)]
struct Ran(Arc<Mutex<Vec<usize>>>);

impl Ran {
    fn callback(&self, number: usize) -> Callback {
        let ran = self.clone();
        (move || ran.0.lock().unwrap_or_else(PoisonError::into_inner).push(number)).into_callback()
    }

    fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// True if no callback is left.
    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

fn registering(task: &TaskRef, callback: Callback) -> JoinHandle<bool> {
    let task = task.clone();
    spawn(move || on_cancel(&task, callback).is_ok())
}

/// As `grace` runs them.
fn call_back(task: &TaskRef) {
    while let Some(callback) = task.control.pop_callback() {
        if let Kind::Now(callback) = callback.0 {
            callback();
        }
    }
}

#[test]
fn no_callback_is_left_at_the_end() {
    check(FEW, || {
        let (task, ran) = (task(RUNNING), Ran::default());
        assert!(on_cancel(&task, ran.callback(0)).is_ok());
        let (first, second) = (registering(&task, ran.callback(1)), registering(&task, ran.callback(2)));
        end(&task, None, Ending::Completed);
        assert_eq!((joined(first), joined(second)), (Some(true), Some(true)));
        assert!(ran.is_alone(), "left behind");
        assert!(!ran.take().contains(&0), "registered before the end of a task that nobody asked to stop");
        assert!(on_cancel(&task, ran.callback(3)).is_ok());
        assert_eq!(ran.take(), [3], "registered after the end");
    });
}

#[test]
fn a_callback_that_comes_during_a_cancellation_is_seen() {
    check(FEW, || {
        let (task, ran, (woken, waker)) = (task(RUNNING), Ran::default(), Woken::new());
        let asked = task.clone();
        let canceller = spawn(move || cancel(&asked, CancelLevel::Graceful, CancelCause::Requested));
        let registrar = registering(&task, ran.callback(1));
        task.begin();
        if task.control.pause(&waker).0.level() > 0 {
            call_back(&task);
        }
        assert_eq!((joined(canceller), joined(registrar)), (Some(true), Some(true)));
        // It has run, or is still there and another poll comes for it.
        assert!(ran.take() == [1] || task.control.has_pending_callbacks() && woken.was_woken());
    });
}
