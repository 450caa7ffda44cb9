//! A request for the cancellation of a node.

use std::sync::Arc;

use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{TaskRef, cancel_because};

#[derive(Clone)]
pub(crate) struct CancelRequest {
    pub(crate) level: CancelLevel,
    pub(crate) cause: CancelCause,
    pub(crate) reason: Option<Arc<str>>,
}

impl CancelRequest {
    /// The request of a caller. An empty reason is none.
    pub(crate) fn new(level: CancelLevel, reason: Option<Arc<str>>) -> Self {
        let reason = reason.filter(|reason| !reason.is_empty());
        Self { level, cause: CancelCause::Requested, reason }
    }

    /// Cancels `task`.
    pub(crate) fn cancel(&self, task: &TaskRef) {
        cancel_because(task, self.level, self.cause, self.reason.as_ref());
    }

    /// The error of the task `name`, which ends before it has begun; `None` where no reason was given, since
    /// the error would then say no more than the status.
    pub(crate) fn error(&self, name: &Arc<str>) -> Option<AsyncTaskError> {
        let Self { level, cause, reason } = self;
        let reason = Some(reason.clone()?);
        Some(AsyncTaskError::Cancelled { level: *level, cause: *cause, task: Some(name.clone()), reason })
    }
}
