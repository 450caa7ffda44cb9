//! Stands for `core/src/panic.rs`, without the catching: a panic in a model, loom's own included, has to end
//! it.

use crate::error::AsyncTaskError;
use crate::sync::Event;

pub(crate) fn caught<O>(f: impl FnOnce() -> O) -> Result<O, AsyncTaskError> {
    Ok(f())
}

pub(crate) fn notify_all(event: &Event) {
    event.notify(usize::MAX);
}
