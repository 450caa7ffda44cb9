//! What shutdowns have killed, for all of them to report.

use std::sync::PoisonError;
use std::time::Duration;

use crate::error::RuntimeError;
use crate::sync::{Mutex, MutexGuard};
use crate::vocabulary::info::TaskInfo;

/// What was left when a shutdown's time was up.
#[derive(Clone)]
pub(crate) struct Left {
    tasks: usize,
    blocking: usize,
    named: Vec<TaskInfo>,
}

impl Left {
    pub(crate) fn new(tasks: usize, blocking: usize, named: Vec<TaskInfo>) -> Self {
        Self { tasks, blocking, named }
    }

    pub(crate) fn within(self, limit: Duration) -> RuntimeError {
        let Self { tasks, blocking, named } = self;
        RuntimeError::TasksLeft { limit, tasks, blocking, named }
    }
}

/// Each kill, in their order. A lock: it is taken by shutdowns alone, a few times each.
#[derive(Default)]
pub(crate) struct Kills(Mutex<Vec<Left>>);

impl Kills {
    fn lock(&self) -> MutexGuard<'_, Vec<Left>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The first after so many: what came later found less.
    pub(crate) fn after(&self, count: usize) -> Option<Left> {
        self.lock().get(count).cloned()
    }

    /// To be called before anything is killed: whoever then sees that nothing is left finds it. Gives its number.
    pub(crate) fn add(&self, left: Left) -> usize {
        let mut kills = self.lock();
        kills.push(left);
        kills.len() - 1
    }

    /// So many tasks were left in the kill of this number: with those that others had spawned before the root scope was closed.
    pub(crate) fn correct(&self, number: usize, tasks: usize) {
        if let Some(left) = self.lock().get_mut(number) {
            left.tasks = tasks;
        }
    }
}
