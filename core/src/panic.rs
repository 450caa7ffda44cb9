//! Foreign code, run so that its panic is an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use event_listener::Event;

use crate::error::{AsyncTaskError, PanicError};

/// Runs `f`; a panic becomes its error.
///
/// `AssertUnwindSafe`: what the panic may have left half-changed is the caller's own work, which is dropped, or what
/// that work shares with others, whose own business poisoning is.
pub fn caught<O>(f: impl FnOnce() -> O) -> Result<O, AsyncTaskError> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| AsyncTaskError::Panic(PanicError::new(payload)))
}

/// Tells all who listen. A waker is foreign code: one that panics has been passed over when the others are told again.
pub fn notify_all(event: &Event) {
    while caught(|| event.notify(usize::MAX)).is_err() {}
}
