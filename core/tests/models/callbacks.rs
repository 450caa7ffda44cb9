//! `tree::extras::on_cancel` against a cancellation and against the end.

use std::sync::Arc;

use loom::thread::spawn;

use crate::state::{GRACEFUL, RUNNING};
use crate::sync::ConcurrentQueue;
use crate::task::{Ending, Task, cancel, end};
use crate::{FEW, check, joined};

/// A callback, by its number.
type Callback = usize;

struct Called {
    task: Arc<Task>,
    callbacks: ConcurrentQueue<Callback>,
    ran: ConcurrentQueue<Callback>,
}

impl Called {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            task: Task::new(RUNNING),
            callbacks: ConcurrentQueue::unbounded(),
            ran: ConcurrentQueue::unbounded(),
        })
    }

    fn has_ended(&self) -> bool {
        self.task.state.load().is_terminal()
    }

    /// `tree::extras::on_cancel::on_cancel`.
    fn on_cancel(&self, callback: Callback) {
        if self.has_ended() {
            let _ = self.ran.push(callback);
            return;
        }
        let _ = self.callbacks.push(callback);
        if self.task.level() > 0 {
            self.task.waker.ring();
        }
        if self.has_ended() {
            self.drop_callbacks();
        }
    }

    fn drop_callbacks(&self) {
        while self.callbacks.pop().is_ok() {}
    }

    /// As in `children::end_one`: the end is recorded, then the callbacks are dropped.
    fn end(&self) {
        end(&self.task, Ending::Completed);
        self.drop_callbacks();
    }

    /// `grace::call_back`.
    fn call_back(&self) {
        while let Ok(callback) = self.callbacks.pop() {
            let _ = self.ran.push(callback);
        }
    }

    fn ran(&self) -> Vec<Callback> {
        let mut ran: Vec<_> = std::iter::from_fn(|| self.ran.pop().ok()).collect();
        ran.sort_unstable();
        ran
    }
}

#[test]
fn no_callback_is_left_at_the_end() {
    check(FEW, || {
        let called = Called::new();
        called.on_cancel(0);
        let register = |callback| {
            let called = called.clone();
            move || called.on_cancel(callback)
        };
        let (first, second) = (spawn(register(1)), spawn(register(2)));
        called.end();
        assert!(joined(first).is_some() && joined(second).is_some());
        assert_eq!(called.callbacks.len(), 0, "left behind");
        let ran = called.ran();
        assert!(!ran.contains(&0), "registered before the end of a task that nobody asked to stop");
        assert!(ran.windows(2).all(|pair| pair.first() < pair.last()), "twice");
        called.on_cancel(3);
        assert_eq!(called.ran(), [3], "registered after the end");
    });
}

#[test]
fn a_callback_that_comes_during_a_cancellation_is_seen() {
    check(FEW, || {
        let called = Called::new();
        let (asked, registers) = (called.clone(), called.clone());
        let canceller = spawn(move || cancel(&asked.task, GRACEFUL));
        let registrar = spawn(move || registers.on_cancel(1));
        called.task.begin();
        let told = called.task.pause().level() > 0;
        if told {
            called.call_back();
        }
        assert!(joined(canceller) == Some(true) && joined(registrar).is_some());
        // It has run, or is still there and another poll comes for it.
        let ran = called.ran();
        assert!(ran == [1] || called.callbacks.len() == 1 && called.task.waker.has_rung());
    });
}
