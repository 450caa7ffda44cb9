//! The capability of a task to have a priority.

use crate::task::capabilities::Handle;
use crate::tree::priority::{assign, repoll_tree};
use crate::vocabulary::priority::{RankableByPriority, TaskPriority};

/// A task with a priority, by which a [`Limiter`](crate::Limiter) admits waiters. Nothing that runs is
/// interrupted for it.
///
/// A task without a priority of its own has that of the task around it; at the top it is
/// [`Normal`](TaskPriority::Normal). A task is never less urgent than the tasks that wait for it: a task that
/// awaits a handle lends its priority to the other task, until that ends.
pub trait PrioritizedTask: RankableByPriority {
    /// The priority that was set for this task, or for the nearest task above it that has one.
    fn priority(&self) -> TaskPriority;

    /// Sets the priority. It holds for waiters, too: the task and the tasks below it are polled at once, and
    /// read it.
    fn set_priority(&self, priority: TaskPriority);

    /// Raises the priority by one class.
    fn increase_priority(&self) {
        self.set_priority(self.priority().increased());
    }

    /// Lowers the priority by one class.
    fn decrease_priority(&self) {
        self.set_priority(self.priority().decreased());
    }
}

impl<H: Handle> RankableByPriority for H {
    /// Its priority, raised to the priorities that were lent to it.
    fn rank(&self) -> TaskPriority {
        self.task_ref().map_or(TaskPriority::Normal, |task| task.urgency())
    }
}

impl<H: Handle> PrioritizedTask for H {
    fn priority(&self) -> TaskPriority {
        self.task_ref().map_or(TaskPriority::Normal, |task| task.priority())
    }

    fn set_priority(&self, priority: TaskPriority) {
        if let Some(task) = self.task_ref() {
            assign(&task, priority);
            repoll_tree(&task);
        }
    }
}
