//! A caught panic.

use std::any::Any;
use std::fmt;

use sync_wrapper::SyncWrapper;

/// A panic of user code, caught once, with its message and its payload.
pub struct PanicError(Box<Inner>);

struct Inner {
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
        Self(Box::new(Inner { message, payload: SyncWrapper::new(payload) }))
    }

    /// What the panic said.
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
        write!(f, "the work panicked: {}", self.message())
    }
}

impl fmt::Debug for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicError").field("message", &self.message()).finish_non_exhaustive()
    }
}

impl std::error::Error for PanicError {}
