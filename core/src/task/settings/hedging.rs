//! A task's policies with hedged attempts.

use std::fmt;

use crate::hedge::Hedge;
use crate::retry::Retry;
use crate::task::settings::resilience::Resilience;

/// Settings with hedged attempts: the work must be asynchronous, and callable again. `R` is `()`, or the
/// [`Retry`] of work that is retried, too. See [`TaskBuilder::hedge`](crate::TaskBuilder::hedge).
pub struct Hedging<T, R = ()> {
    pub(crate) resilience: Resilience<T>,
    pub(crate) retry: R,
    pub(crate) hedge: Hedge,
}

/// The retries of hedged work: none, or a [`Retry`].
pub trait RetrySetting: Clone + fmt::Debug + Send + Sync + 'static {
    /// The policy, if there is one.
    #[doc(hidden)]
    fn retry(&self) -> Option<&Retry>;
}

impl RetrySetting for () {
    fn retry(&self) -> Option<&Retry> {
        None
    }
}

impl RetrySetting for Retry {
    fn retry(&self) -> Option<&Retry> {
        Some(self)
    }
}

impl<T, R: Clone> Clone for Hedging<T, R> {
    fn clone(&self) -> Self {
        Self { resilience: self.resilience.clone(), retry: self.retry.clone(), hedge: self.hedge.clone() }
    }
}

impl<T, R: fmt::Debug> fmt::Debug for Hedging<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedging")
            .field("resilience", &self.resilience)
            .field("retry", &self.retry)
            .field("hedge", &self.hedge)
            .finish()
    }
}
