//! The place of a limiter that a task has: kept until it and all that is under it have ended.

use std::sync::{Arc, Mutex, PoisonError};

use crate::tree::node::{Control, TaskRef};
use crate::tree::state::HELD;

/// Gives the place back with the last that holds it.
pub(crate) type Place = Arc<dyn Send + Sync>;

/// A task's place. A lock, since it is shared by those who give up blocking work while the task may hold it, and short: it is
/// taken only where a limiter was passed, for each entry, each end, and each job that is given up.
#[derive(Default)]
pub(crate) struct Held(Mutex<Option<Place>>);

impl Held {
    fn with<O>(&self, f: impl FnOnce(&mut Option<Place>) -> O) -> O {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Control {
    /// Keeps `place` until the task's end, beside one that it has: a task of an orchestra may have one there, and one of its
    /// own limiter.
    pub(crate) fn hold(&self, place: Place) {
        self.extras().held.with(|held| {
            *held = Some(match held.take() {
                Some(first) => Arc::new((first, place)),
                None => place,
            });
        });
        self.state.set(HELD);
    }

    /// Gives the task's place back, if it has one.
    pub(crate) fn give_back(&self) {
        if self.state.load().has(HELD)
            && let Some(extras) = self.extras.get()
        {
            let place = extras.held.with(Option::take);
            drop(place);
        }
    }

    fn place(&self) -> Option<Place> {
        let extras = self.extras.get().filter(|_| self.state.load().has(HELD))?;
        extras.held.with(|held| held.clone())
    }
}

/// The places that what is under `task` is in: its own, and those of the tasks that wait for it.
pub(crate) fn places(task: &TaskRef) -> Vec<Place> {
    let mut all = Vec::new();
    let mut next = Some(task.clone());
    while let Some(task) = next {
        all.extend(task.control.place());
        next = task.parent();
    }
    all
}
