//! What shutdowns have killed, for all of them to report.

use std::sync::PoisonError;
use std::time::Duration;

use super::RootScope;
use crate::error::RuntimeError;
use crate::sync::{Mutex, MutexGuard};
use crate::task::TaskInfo;

/// What was left when a shutdown's time was up.
#[derive(Clone)]
pub(super) struct Left {
    tasks: usize,
    blocking: usize,
    named: Vec<TaskInfo>,
}

impl Left {
    /// `None` if nothing is left.
    pub(super) fn of(root: &RootScope) -> Option<Self> {
        // Counted before anything is killed, so that what is killed is counted.
        let (tasks, blocking) = (root.active_tasks(), root.active_blocking_jobs());
        (tasks > 0 || blocking > 0).then(|| Self { tasks, blocking, named: root.live_tasks() })
    }

    pub(super) fn within(self, limit: Duration) -> RuntimeError {
        let Self { tasks, blocking, named } = self;
        RuntimeError::TasksLeft { limit, tasks, blocking, named }
    }
}

/// Each kill, in their order. A lock: it is taken by shutdowns alone, a few times each.
#[derive(Default)]
pub(super) struct Kills(Mutex<Vec<Left>>);

impl Kills {
    fn lock(&self) -> MutexGuard<'_, Vec<Left>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The first after so many: what came later found less.
    pub(super) fn after(&self, count: usize) -> Option<Left> {
        self.lock().get(count).cloned()
    }

    /// To be called before anything is killed: whoever then sees that nothing is left finds it. Gives the first after so many.
    pub(super) fn add(&self, left: Left, count: usize) -> Left {
        let mut kills = self.lock();
        kills.push(left.clone());
        kills.get(count).cloned().unwrap_or(left)
    }
}
