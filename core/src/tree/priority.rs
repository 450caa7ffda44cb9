//! The urgency of a task: its priority, or that of the tasks that wait for it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::runtime::erased::ErasedRuntime;
use crate::tree::children::children;
use crate::tree::current::with_urgent;
use crate::tree::node::{Shared, TaskRef};
use crate::vocabulary::priority::TaskPriority;

/// True once any task of the process was given a priority: until then, no task has one to lend.
static USED: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_used() -> bool {
    // Relaxed: a caller that gives a priority wakes the task, whose next poll sees this.
    USED.load(Ordering::Relaxed)
}

/// Sets the priority of a task. If it may have been polled, [`repoll_tree`] must follow.
pub(crate) fn assign(task: &TaskRef, priority: TaskPriority) {
    USED.store(true, Ordering::Relaxed);
    task.control.set_priority(priority);
}

/// Has `task`, and all tasks below it, polled again, so that waiters among them read their urgency anew.
pub(crate) fn repoll_tree(task: &TaskRef) {
    let mut level = vec![task.clone()];
    while !level.is_empty() {
        level.iter().for_each(|task| task.control.request_repoll());
        level = level.iter().flat_map(children).collect();
    }
}

impl Shared<dyn ErasedRuntime> {
    /// Its own priority, or that of the nearest task above it that has one.
    pub(crate) fn priority(&self) -> TaskPriority {
        let (mut own, mut above) = (self.control.own_priority(), self.parent());
        while let (None, Some(task)) = (own, &above) {
            own = task.control.own_priority();
            above = task.parent();
        }
        own.unwrap_or_default()
    }

    /// Its priority, with what was lent to it and to the tasks above it, which wait for it. A task above
    /// whose own work is done lends its priority.
    pub(crate) fn urgency(&self) -> TaskPriority {
        if !is_used() {
            return TaskPriority::Normal;
        }
        let (mut most, mut above) = (self.priority().max_of(self.control.lent()), self.parent());
        while let Some(task) = above {
            most = most.max_of(task.control.lent());
            if task.control.is_work_done() {
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

/// The urgency of the task that is polled here.
pub(crate) fn urgency() -> TaskPriority {
    if !is_used() {
        return TaskPriority::Normal;
    }
    with_urgent(|task| task.urgency()).unwrap_or_default()
}

/// Lends the urgency of the task that is polled here to `task`, which it waits for.
pub(crate) fn lend(task: &TaskRef) {
    let urgency = urgency();
    if urgency > task.urgency() && task.control.lend(urgency) {
        repoll_tree(task);
    }
}

/// Lends the priority of `task` to `child`: the work of `task` is done, and it waits for `child`.
pub(crate) fn lend_to_child(task: &TaskRef, child: &TaskRef) {
    if is_used() && task.priority() > child.priority() {
        repoll_tree(child);
    }
}
