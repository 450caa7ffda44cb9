//! The reason of a cancellation: a text that its caller gave.

use std::sync::Arc;

use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// The first request with a reason that came into the extras. Its level and its cause are here as well, so
/// that another request can record it in its place (I14 of `state`).
pub(crate) struct FirstReason {
    pub(crate) level: CancelLevel,
    pub(crate) cause: CancelCause,
    pub(crate) reason: Arc<str>,
}
