//! How urgent a task is: as it was said, or as those are that wait for it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::runtime::erased::ErasedRuntime;
use crate::tree::children::children;
use crate::tree::current::with_frame;
use crate::tree::node::{Shared, TaskRef};
use crate::vocabulary::priority::TaskPriority;

/// True once any task of the process was given a priority: until then, nobody has one to lend.
static USED: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_used() -> bool {
    // Relaxed: who gives a priority wakes the task, whose next poll sees this.
    USED.load(Ordering::Relaxed)
}

/// Sets the priority of a task that nobody has polled.
pub(crate) fn give(task: &TaskRef, priority: TaskPriority) {
    USED.store(true, Ordering::Relaxed);
    task.control.set_priority(priority);
}

/// What waits below `task` looks at its priority again.
pub(crate) fn rouse(task: &TaskRef) {
    let mut level = vec![task.clone()];
    while !level.is_empty() {
        level.iter().for_each(|task| task.control.retune());
        level = level.iter().flat_map(children).collect();
    }
}

impl Shared<dyn ErasedRuntime> {
    /// Its own priority, or that of the nearest task around it that has one.
    pub(crate) fn priority(&self) -> TaskPriority {
        let (mut own, mut above) = (self.control.own_priority(), self.parent());
        while let (None, Some(task)) = (own, &above) {
            own = task.control.own_priority();
            above = task.parent();
        }
        own.unwrap_or_default()
    }

    /// With what was lent to it, and to those around it, which wait for it; those whose own work is done lend what they have.
    pub(crate) fn urgency(&self) -> TaskPriority {
        if !is_used() {
            return TaskPriority::Normal;
        }
        let (mut most, mut above) = (self.priority().max_of(self.control.lent()), self.parent());
        while let Some(task) = above {
            most = most.max_of(task.control.lent());
            if task.control.is_settled() {
                most = most.max(task.priority());
            }
            above = task.parent();
        }
        most
    }
}

impl TaskPriority {
    fn max_of(self, other: Option<Self>) -> Self {
        other.map_or(self, |other| self.max(other))
    }
}

/// How urgent what is polled here is.
pub(crate) fn urgency() -> TaskPriority {
    if !is_used() {
        return TaskPriority::Normal;
    }
    with_frame(|frame| frame.task.urgency()).unwrap_or_default()
}

/// The task that is polled here waits for `task`, and lends it its priority.
pub(crate) fn lend(task: &TaskRef) {
    let urgency = urgency();
    if urgency > task.urgency() && task.control.lend(urgency) {
        rouse(task);
    }
}

/// The work of `task` is done, and what is left of it waits for `child`.
pub(crate) fn lend_to_child(task: &TaskRef, child: &TaskRef) {
    if is_used() && task.priority() > child.priority() {
        rouse(child);
    }
}
