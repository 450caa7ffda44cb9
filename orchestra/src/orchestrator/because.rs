//! Cancellations with a reason of the caller's own.

use std::sync::Arc;

use crate::OrchestratorError;
use crate::execution::cancel_request::CancelRequest;
use crate::orchestrator::handle::Orchestrator;
use crate::orchestrator::start::Ending;
use crate::registry::key::{Key, TaskKey};
use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::Cancellation;

impl<S: RuntimeSource> Orchestrator<S> {
    /// As [`cancel`](Self::cancel), for a reason: see
    /// [`Task::cancel_because`](sweet_async_core::Task::cancel_because). All its tasks have it, those that
    /// have not begun included.
    pub fn cancel_because(&self, level: CancelLevel, reason: impl Into<Arc<str>>) -> Cancellation {
        self.request(&CancelRequest::new(level, Some(reason.into())))
    }

    /// As [`cancel_task`](Self::cancel_task), for a reason: see
    /// [`Task::cancel_because`](sweet_async_core::Task::cancel_because). It is in
    /// [`OrchestratorError::TaskCancelled`] as well.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn cancel_task_because(
        &self,
        task: impl TaskKey,
        level: CancelLevel,
        reason: impl Into<Arc<str>>,
    ) -> Result<Ending, OrchestratorError> {
        let task = Key::of(&task);
        let number = self.shared.registry().number(task)?;
        Ok(self.cancel_all(vec![number], &CancelRequest::new(level, Some(reason.into()))))
    }

    /// As [`cancel_task_because`](Self::cancel_task_because), for all tasks of a group.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownGroup`].
    pub fn cancel_group_because(
        &self,
        group: &str,
        level: CancelLevel,
        reason: impl Into<Arc<str>>,
    ) -> Result<Ending, OrchestratorError> {
        let numbers = self.shared.registry().group(group)?;
        Ok(self.cancel_all(numbers, &CancelRequest::new(level, Some(reason.into()))))
    }
}
