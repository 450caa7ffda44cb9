//! The capability of a task to give its relatives and its runtime.

use crate::runtime::Runtime;
use crate::runtime::erased::DynRuntime;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::task::view::context::TaskContext;
use crate::task::view::relationships::Relationships;

/// A task that gives its relatives and its runtime.
pub trait ContextualizedTask {
    /// The runtime that it is on.
    type Runtime: Runtime;

    /// Its parent, its children, and the channels between it and the task that spawned it.
    fn relationships(&self) -> Relationships;

    /// The runtime that it is on; `None` if none was found for it.
    fn runtime(&self) -> Option<Self::Runtime>;
}

impl<T: Send + 'static, R: Runtime> ContextualizedTask for Task<T, R> {
    type Runtime = R;

    fn relationships(&self) -> Relationships {
        Relationships::new(self.task_ref())
    }

    fn runtime(&self) -> Option<R> {
        self.shared().map(|task| task.runtime.clone())
    }
}

impl ContextualizedTask for TaskContext {
    type Runtime = DynRuntime;

    fn relationships(&self) -> Relationships {
        self.relationships()
    }

    fn runtime(&self) -> Option<DynRuntime> {
        Some(self.runtime())
    }
}

impl<T: Send + 'static, R: Runtime> ContextualizedTask for ScopedTask<T, R> {
    type Runtime = R;

    fn relationships(&self) -> Relationships {
        Relationships::new(self.task_ref())
    }

    fn runtime(&self) -> Option<R> {
        self.runtime()
    }
}
