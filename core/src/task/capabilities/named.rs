//! The capability of a task to have a name.

use std::sync::Arc;

use crate::task::capabilities::Handle;

/// A task that has a name.
pub trait NamedTask {
    /// Its name, if it has one.
    fn name(&self) -> Option<Arc<str>>;

    /// Renames it, also while it runs.
    fn set_name(&self, name: &str);
}

impl<H: Handle> NamedTask for H {
    fn name(&self) -> Option<Arc<str>> {
        self.task_ref()?.control.name()
    }

    fn set_name(&self, name: &str) {
        if let Some(task) = self.task_ref() {
            task.control.set_name(name.into());
        }
    }
}
