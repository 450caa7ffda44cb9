//! Calls into foreign code that turn a panic into an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{AsyncTaskError, PanicError};
use crate::sync::Event;

/// Runs `f`; a panic becomes an error.
///
/// `AssertUnwindSafe`: a panic can leave half-changed only the caller's own work, which is dropped, or state
/// that the work shares with others, and poisoning that is up to its owner.
pub fn caught<O>(f: impl FnOnce() -> O) -> Result<O, AsyncTaskError> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| AsyncTaskError::Panic(PanicError::new(payload)))
}

/// Notifies all listeners. A waker is foreign code. One that panics has been passed over by then, and the
/// loop notifies the others.
pub fn notify_all(event: &Event) {
    while caught(|| event.notify(usize::MAX)).is_err() {}
}
