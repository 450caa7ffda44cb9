//! The settings of a builder's retries.

use std::time::Duration;

use crate::error::AsyncTaskError;
use crate::retry::{FailedAttempt, Jitter, RetryBudget, RetryStrategy};
use crate::runtime::RuntimeSource;
use crate::task::builder::repeats::WithRetry;
use crate::task::builder::task_builder::TaskBuilder;

/// The settings of the retries, also of work whose attempts are hedged.
impl<T, S: RuntimeSource, P: WithRetry<T>, W> TaskBuilder<T, S, P, W> {
    /// Sets the growth of the wait between two attempts; [`RetryStrategy::default`] by default. The
    /// [`Jitter`] stays as it is.
    pub fn backoff(self, strategy: RetryStrategy) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.backoff(strategy)))
    }

    /// Sets the random part of the wait; [`Jitter::Full`] by default.
    pub fn jitter(self, jitter: Jitter) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.jitter(jitter)))
    }

    /// Tries again only after errors for which `predicate` is true. It is not called for errors that are
    /// never retried.
    pub fn retry_if(self, predicate: impl Fn(&AsyncTaskError) -> bool + Send + Sync + 'static) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.retry_if(predicate)))
    }

    /// Lets the error of a failed attempt set the wait before the next: see [`Retry::retry_after`](crate::Retry::retry_after).
    pub fn retry_after(
        self,
        delay: impl Fn(&AsyncTaskError) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.retry_after(delay)))
    }

    /// Sets the longest wait that an error may ask for; one minute by default.
    pub fn max_retry_after(self, max: Duration) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.max_retry_after(max)))
    }

    /// Calls `observe` when an attempt has failed and another follows: see [`Retry::on_retry`](crate::Retry::on_retry).
    pub fn on_retry(self, observe: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.on_retry(observe)))
    }

    /// Sets a budget of retries, which other work may share.
    pub fn retry_budget(self, budget: &RetryBudget) -> Self {
        self.with_policies(|policies| policies.with_retry(|retry| retry.budget(budget)))
    }
}
