//! The decision whether to try again, and when.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{AsyncTaskError, RetriesError};
use crate::retry::{Jitter, RetryBudget, RetryStrategy};

type Predicate = Arc<dyn Fn(&AsyncTaskError) -> bool + Send + Sync>;
type DelayOf = Arc<dyn Fn(&AsyncTaskError) -> Option<Duration> + Send + Sync>;
type OnRetry = Arc<dyn Fn(&FailedAttempt<'_>) + Send + Sync>;

/// The longest wait that an error may ask for, if [`Retry::max_retry_after`] sets no other: one minute.
pub const DEFAULT_MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// A retry policy: how often failing work is tried again, after which wait, and after which errors. It is a
/// value: clonable, and without state except for a budget that it may share.
#[derive(Clone, Default)]
pub struct Retry {
    retries: u32,
    strategy: RetryStrategy,
    jitter: Jitter,
    budget: Option<RetryBudget>,
    hooks: Option<Arc<Hooks>>,
}

/// The functions of the user, in one allocation, since few policies have any.
#[derive(Clone)]
struct Hooks {
    predicate: Option<Predicate>,
    delay_of: Option<DelayOf>,
    max_retry_after: Duration,
    on_retry: Option<OnRetry>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { predicate: None, delay_of: None, max_retry_after: DEFAULT_MAX_RETRY_AFTER, on_retry: None }
    }
}

/// An attempt that has failed and is followed by another, for [`Retry::on_retry`].
#[derive(Debug)]
pub struct FailedAttempt<'a> {
    number: u32,
    delay: Duration,
    error: &'a AsyncTaskError,
}

impl FailedAttempt<'_> {
    /// The number of the attempt that has failed; the first is 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The wait before the next attempt.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// The error of the attempt.
    pub fn error(&self) -> &AsyncTaskError {
        self.error
    }
}

impl Retry {
    /// A policy of `retries` more attempts after the first, with the default backoff: exponential from 100
    /// ms, full jitter.
    pub fn new(retries: u32) -> Self {
        Self { retries, ..Self::default() }
    }

    /// This policy with another number of retries.
    #[cfg(feature = "serde")]
    pub(crate) fn with_retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    fn with(mut self, change: impl FnOnce(&mut Hooks)) -> Self {
        change(Arc::make_mut(self.hooks.get_or_insert_default()));
        self
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
        self.with(|hooks| hooks.predicate = Some(Arc::new(predicate)))
    }

    /// Lets the error of a failed attempt set the wait before the next, as the header `Retry-After` of HTTP
    /// does. Where `delay` returns a duration, that is the wait: without jitter, and at most
    /// [`max_retry_after`](Self::max_retry_after). Where it returns `None`, the strategy sets the wait.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use sweet_async_core::{AsyncTaskError, Retry};
    ///
    /// #[derive(Debug, thiserror::Error)]
    /// #[error("too many requests")]
    /// struct TooMany { retry_after: Duration }
    ///
    /// let retry = Retry::new(3).retry_after(|error| error.downcast_ref::<TooMany>().map(|error| error.retry_after));
    /// ```
    pub fn retry_after(
        self,
        delay: impl Fn(&AsyncTaskError) -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        self.with(|hooks| hooks.delay_of = Some(Arc::new(delay)))
    }

    /// Sets the longest wait that an error may ask for; [`DEFAULT_MAX_RETRY_AFTER`] by default. A longer one
    /// is shortened to it, so that a faulty server cannot stop the work for hours.
    pub fn max_retry_after(self, max: Duration) -> Self {
        self.with(|hooks| hooks.max_retry_after = max)
    }

    /// Calls `observe` when an attempt has failed and another follows, unless the work is stopped meanwhile;
    /// before the wait. For logs and counts: it should be short. A panic in it ends the work with that panic.
    pub fn on_retry(self, observe: impl Fn(&FailedAttempt<'_>) + Send + Sync + 'static) -> Self {
        self.with(|hooks| hooks.on_retry = Some(Arc::new(observe)))
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
        let predicate = self.hooks.as_ref().and_then(|hooks| hooks.predicate.as_ref());
        !never && predicate.is_none_or(|predicate| predicate(error))
    }

    /// Decides on attempt `number`, which has failed with `error`, after `retries` retries that count;
    /// `chance` gives 64 random bits. Returns the wait before another attempt, and the error again; else the
    /// error of the whole.
    pub(crate) fn follow(
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
        if let Some(Hooks { delay_of: Some(delay_of), max_retry_after, .. }) = self.hooks.as_deref()
            && let Some(delay) = delay_of(&error)
        {
            return Ok((delay.min(*max_retry_after), error));
        }
        Ok((self.jitter.of(self.strategy.delay(retries.saturating_add(1)), chance), error))
    }

    /// Reports that attempt `number` has failed and that another follows after `delay`.
    pub(crate) fn notify(&self, number: u32, delay: Duration, error: &AsyncTaskError) {
        if let Some(on_retry) = self.hooks.as_ref().and_then(|hooks| hooks.on_retry.as_ref()) {
            on_retry(&FailedAttempt { number, delay, error });
        }
    }

    /// Reports a success, which pays into the budget if there is one.
    #[doc(hidden)]
    pub fn succeeded(&self) {
        if let Some(budget) = &self.budget {
            budget.succeeded();
        }
    }

    /// Fails with `InvalidConfig` for a setting that is out of its range.
    #[doc(hidden)]
    pub fn check(&self) -> Result<(), AsyncTaskError> {
        self.strategy.check()?;
        self.budget.as_ref().map_or(Ok(()), RetryBudget::check)
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
