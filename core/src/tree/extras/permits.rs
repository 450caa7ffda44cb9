//! The permits of limiters that a task holds until it and everything below it have ended.

use std::sync::{Arc, Mutex, PoisonError};

use crate::tree::node::{Control, TaskRef};
use crate::tree::state::HAS_PERMIT;

/// A permit that several may hold. The last of them to drop it returns it.
pub(crate) type SharedPermit = Arc<dyn Send + Sync>;

/// A task's permit. Under a lock, since blocking work that is given up shares it while the task may hold it.
/// The lock is short, and taken only where a limiter has admitted the task: for each entry, each end, and
/// each job that is given up.
#[derive(Default)]
pub(crate) struct HeldPermit(Mutex<Option<SharedPermit>>);

impl HeldPermit {
    fn with<O>(&self, f: impl FnOnce(&mut Option<SharedPermit>) -> O) -> O {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Control {
    /// Holds `permit` until the task's end, beside one that it holds already: a task of an
    /// orchestra may have one there, and one of its own limiter.
    pub(crate) fn hold_permit(&self, permit: SharedPermit) {
        self.extras().held.with(|held| {
            *held = Some(match held.take() {
                Some(first) => Arc::new((first, permit)),
                None => permit,
            });
        });
        self.state.note_permit();
    }

    /// Returns the task's permit, if it holds one (I5 of `state`).
    pub(crate) fn return_permit(&self) {
        if self.state.load().has(HAS_PERMIT)
            && let Some(extras) = self.extras.get()
        {
            let permit = extras.held.with(Option::take);
            drop(permit);
        }
    }

    fn permit(&self) -> Option<SharedPermit> {
        let extras = self.extras.get().filter(|_| self.state.load().has(HAS_PERMIT))?;
        extras.held.with(|held| held.clone())
    }
}

/// The permits that the work of `task` runs under: its own, and those of the tasks that wait for it.
pub(crate) fn permits(task: &TaskRef) -> Vec<SharedPermit> {
    let mut all = Vec::new();
    let mut next = Some(task.clone());
    while let Some(task) = next {
        all.extend(task.control.permit());
        next = task.parent();
    }
    all
}
