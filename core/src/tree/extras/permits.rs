//! The permits of limiters that a task holds until it and everything below it have ended.

use std::sync::{Arc, PoisonError};

use crate::sync::Mutex;
use crate::tree::node::{Control, TaskRef};
use crate::tree::state::HAS_PERMIT;

/// A permit that several may hold. The last of them to drop it returns it.
pub(crate) type SharedPermit = Arc<dyn Send + Sync>;

/// A task's permits. Under a lock, since blocking work that is given up shares them while the task may hold
/// them. The lock is short, and taken only where a limiter has admitted the task: for each entry, each end,
/// and each job that is given up.
#[derive(Default)]
pub(crate) struct HeldPermits(Mutex<Held>);

#[derive(Clone, Default)]
struct Held {
    /// For the whole task, with its recovery: the task was spawned with it.
    task: Option<SharedPermit>,
    /// For its work.
    work: Option<SharedPermit>,
}

impl HeldPermits {
    fn with<O>(&self, f: impl FnOnce(&mut Held) -> O) -> O {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Control {
    /// Holds `permit` until the task's end, or until its recovery begins, beside one that it holds already: a
    /// task of an orchestra may have one there, and one of its own limiter.
    pub(crate) fn hold_permit(&self, permit: SharedPermit) {
        self.extras().held.with(|held| {
            held.work = Some(match held.work.take() {
                Some(first) => Arc::new((first, permit)),
                None => permit,
            });
        });
        self.state.note_permit();
    }

    /// Holds `permit` until the task's end.
    pub(crate) fn hold_task_permit(&self, permit: SharedPermit) {
        self.extras().held.with(|held| held.task = Some(permit));
        self.state.note_permit();
    }

    /// Returns the permits that the task holds, if any.
    pub(crate) fn return_permits(&self) {
        drop(self.with_permits(std::mem::take));
    }

    /// Returns the permit for the work of the task, if it holds one.
    pub(crate) fn return_work_permit(&self) {
        drop(self.with_permits(|held| held.work.take()));
    }

    /// Calls `f` with the permits, if the task holds any (I5 of `state`). They are dropped after the lock is
    /// free.
    fn with_permits<O>(&self, f: impl FnOnce(&mut Held) -> O) -> Option<O> {
        let extras = self.extras.get().filter(|_| self.state.load().has(HAS_PERMIT))?;
        Some(extras.held.with(f))
    }
}

/// The permits that the work of `task` runs under: its own, and those of the tasks that wait for it.
pub(crate) fn permits(task: &TaskRef) -> Vec<SharedPermit> {
    let mut all = Vec::new();
    let mut next = Some(task.clone());
    while let Some(task) = next {
        let held = task.control.with_permits(|held| held.clone()).unwrap_or_default();
        all.extend(held.task.into_iter().chain(held.work));
        next = task.parent();
    }
    all
}
