//! A service that answers by a script.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The answer to a request.
pub(super) type Answer = Result<&'static str, ServiceError>;

/// The error of a service.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum ServiceError {
    #[error("busy")]
    Busy { retry_after: Duration },
    #[error("not found")]
    NotFound,
    #[error("unavailable")]
    Unavailable,
}

impl ServiceError {
    /// The wait that the service asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => Some(*retry_after),
            Self::NotFound | Self::Unavailable => None,
        }
    }
}

/// A service, and the number of requests that it has had.
pub(super) struct Service {
    script: Mutex<VecDeque<Answer>>,
    after: Answer,
    requests: AtomicU32,
}

impl Service {
    /// Gives the answers of `script`, one after the other, and `after` from then on.
    pub(super) fn new(script: impl IntoIterator<Item = Answer>, after: Answer) -> Self {
        Self { script: Mutex::new(script.into_iter().collect()), after, requests: AtomicU32::new(0) }
    }

    /// Sends a request.
    pub(super) async fn ask(&self) -> Answer {
        self.requests.fetch_add(1, Ordering::Relaxed);
        sweet_async::yield_now().await;
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.pop_front().unwrap_or(self.after)
    }

    /// The number of requests so far.
    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }
}
