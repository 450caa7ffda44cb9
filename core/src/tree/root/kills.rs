//! The kills of all shutdowns, for each of them to report.

use std::sync::PoisonError;
use std::time::Duration;

use crate::error::RuntimeError;
use crate::sync::{Mutex, MutexGuard};
use crate::vocabulary::info::TaskInfo;

/// The work that was left when the limit of a shutdown passed.
#[derive(Clone)]
pub(crate) struct Remaining {
    tasks: usize,
    blocking: usize,
    named: Vec<TaskInfo>,
}

impl Remaining {
    pub(crate) fn new(tasks: usize, blocking: usize, named: Vec<TaskInfo>) -> Self {
        Self { tasks, blocking, named }
    }

    pub(crate) fn within(self, limit: Duration) -> RuntimeError {
        let Self { tasks, blocking, named } = self;
        RuntimeError::TasksLeft { limit, tasks, blocking, named }
    }
}

/// All kills, in their order. Under a lock: only shutdowns take it, a few times each.
#[derive(Default)]
pub(crate) struct Kills(Mutex<Vec<Remaining>>);

impl Kills {
    fn lock(&self) -> MutexGuard<'_, Vec<Remaining>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of kills.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The first kill after the first `count` ones: later kills found less.
    pub(crate) fn after(&self, count: usize) -> Option<Remaining> {
        self.lock().get(count).cloned()
    }

    /// Adds a kill, and returns its number. It must be called before anything is killed: a shutdown that then
    /// sees that nothing is left finds the kill.
    pub(crate) fn add(&self, remaining: Remaining) -> usize {
        let mut kills = self.lock();
        kills.push(remaining);
        kills.len() - 1
    }

    /// Sets the number of tasks that were left in kill `number`: with those that others had spawned before
    /// the root scope was closed.
    pub(crate) fn correct(&self, number: usize, tasks: usize) {
        if let Some(remaining) = self.lock().get_mut(number) {
            remaining.tasks = tasks;
        }
    }
}
