//! The decision whether to try again, and when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{AsyncTaskError, RetriesError};
use crate::retry::{Jitter, RetryBudget, RetryStrategy};

type Predicate = Arc<dyn Fn(&AsyncTaskError) -> bool + Send + Sync>;

/// A retry policy: how often failing work is tried again, after which wait, and after which errors. It is a
/// value: clonable, and without state except for a budget that it may share.
#[derive(Clone, Default)]
pub struct Retry {
    retries: u32,
    strategy: RetryStrategy,
    jitter: Jitter,
    predicate: Option<Predicate>,
    budget: Option<RetryBudget>,
}

impl Retry {
    /// A policy of `retries` more attempts after the first, with the default backoff: exponential from 100
    /// ms, full jitter.
    pub fn new(retries: u32) -> Self {
        Self { retries, ..Self::default() }
    }

    /// Sets how the wait grows.
    pub fn backoff(self, strategy: RetryStrategy) -> Self {
        Self { strategy, ..self }
    }

    /// Sets the random part of the wait; [`Jitter::Full`] by default, whatever the strategy.
    pub fn jitter(self, jitter: Jitter) -> Self {
        Self { jitter, ..self }
    }

    /// Tries again only after errors for which `predicate` is true. It is not called for errors that are
    /// never retried.
    pub fn retry_if(self, predicate: impl Fn(&AsyncTaskError) -> bool + Send + Sync + 'static) -> Self {
        Self { predicate: Some(Arc::new(predicate)), ..self }
    }

    /// Shares the limit of `budget` with others.
    pub fn budget(self, budget: &RetryBudget) -> Self {
        Self { budget: Some(budget.clone()), ..self }
    }

    /// The most attempts after the first.
    pub fn max_retries(&self) -> u32 {
        self.retries
    }

    /// The growth of the wait.
    pub fn strategy(&self) -> RetryStrategy {
        self.strategy
    }

    /// True if another attempt might help after `error`. It is false after a cancellation, a panic, a
    /// shutdown, a breaker's or a limiter's refusal, an invalid state or configuration, and without a
    /// runtime; and wherever the predicate is false.
    pub fn is_retryable(&self, error: &AsyncTaskError) -> bool {
        let never = error.is_of_caller() || error.is_panic();
        !never && self.predicate.as_ref().is_none_or(|predicate| predicate(error))
    }

    /// Decides on attempt `number`, which has failed with `error`, after `retries` retries that count;
    /// `chance` gives 64 random bits. Returns the wait before another attempt, and the error again; else the
    /// error of the whole.
    pub fn follow(
        &self,
        error: AsyncTaskError,
        number: u32,
        retries: u32,
        chance: impl FnOnce() -> u64,
    ) -> Result<(Duration, AsyncTaskError), AsyncTaskError> {
        if !self.is_retryable(&error) {
            return Err(error);
        }
        if let Some(budget) = &self.budget {
            budget.failed();
        }
        if retries >= self.retries || self.budget.as_ref().is_some_and(|budget| !budget.permits()) {
            return Err(if number > 1 { RetriesError::exhausted(number, error) } else { error });
        }
        let delay = self.strategy.delay(retries.saturating_add(1));
        let chance = if self.jitter == Jitter::None { 0 } else { chance() };
        Ok((self.jitter.apply(delay, chance), error))
    }

    /// Reports a success, which pays into the budget if there is one.
    pub fn succeeded(&self) {
        if let Some(budget) = &self.budget {
            budget.succeeded();
        }
    }

    /// Fails with `InvalidConfig` for a setting that is out of its range.
    pub fn check(&self) -> Result<(), AsyncTaskError> {
        self.strategy.check()
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("retries", &self.retries)
            .field("strategy", &self.strategy)
            .field("jitter", &self.jitter)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
