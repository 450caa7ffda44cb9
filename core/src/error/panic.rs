//! A caught panic.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use sync_wrapper::SyncWrapper;

use crate::error::failure::subject;

/// A panic of user code, caught once, with its message and its payload.
pub struct PanicError(Box<Inner>);

struct Inner {
    task: Option<Arc<str>>,
    message: Box<str>,
    // A payload is `Send` but not `Sync`; the wrapper gives no shared access, so the error may be shared.
    payload: SyncWrapper<Box<dyn Any + Send>>,
}

impl PanicError {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => Box::from(*text),
            (_, Some(text)) => Box::from(text.as_str()),
            _ => Box::from("a payload that is not text"),
        };
        Self(Box::new(Inner { task: None, message, payload: SyncWrapper::new(payload) }))
    }

    /// The name of the task whose work it was, if it has one.
    pub fn task(&self) -> Option<&str> {
        self.0.task.as_deref()
    }

    pub(super) fn name(&mut self, task: &Arc<str>) {
        self.0.task.get_or_insert_with(|| task.clone());
    }

    /// The message of the panic.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The payload, for `std::panic::resume_unwind`.
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        self.0.payload.into_inner()
    }
}

impl fmt::Display for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} panicked: {}", subject(self.task()), self.message())
    }
}

impl fmt::Debug for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicError")
            .field("task", &self.task())
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

impl std::error::Error for PanicError {}
