//! The capability of a task to have a priority.

use crate::task::capabilities::Handle;
use crate::tree::priority::{give, rouse};
use crate::vocabulary::priority::{RankableByPriority, TaskPriority};

/// What has a priority. It says who comes first where there is a limit ([`Limiter`](crate::Limiter)); nothing that runs is
/// interrupted for it.
///
/// A task without one of its own has that of the task around it, [`Normal`](TaskPriority::Normal) at the top. It is never
/// less urgent than those that wait for it: who awaits a handle lends the task its priority, until that ends.
pub trait PrioritizedTask: RankableByPriority {
    /// As it was set for this task, or for the nearest around it.
    fn priority(&self) -> TaskPriority;

    /// Sets it: also for what waits already, once that is polled, which it is at once.
    fn set_priority(&self, priority: TaskPriority);

    /// One class more urgent.
    fn increase_priority(&self) {
        self.set_priority(self.priority().increased());
    }

    /// One class less urgent.
    fn decrease_priority(&self) {
        self.set_priority(self.priority().decreased());
    }
}

impl<H: Handle> RankableByPriority for H {
    /// The greater of its priority and of what was lent to it.
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
            give(&task, priority);
            rouse(&task);
        }
    }
}
