//! The steps of a builder to retried and to hedged work, as types.

use crate::error::AsyncTaskError;
use crate::hedge::Hedge;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::task::builder::policies::sealed::Sealed;
use crate::task::builder::policies::{Once, Policies};
use crate::task::settings::configured::Configured;
use crate::task::settings::hedging::{Hedging, RetrySetting};
use crate::task::settings::resilience::{Resilience, Retrying};

/// The types that the policies of a builder become with retries, and with hedged attempts. Implemented by all
/// policies.
pub trait Repeats<T>: Policies<T> {
    /// The policies with retries.
    type Retried: Policies<T>;
    /// The policies with hedged attempts.
    type Hedged: Policies<T>;

    #[doc(hidden)]
    fn retried(self, retry: Retry) -> Self::Retried;

    #[doc(hidden)]
    fn hedged(self, hedge: Hedge) -> Self::Hedged;
}

impl<T, P: Policies<T> + Once> Repeats<T> for P {
    type Retried = Retrying<T>;
    type Hedged = Hedging<T>;

    fn retried(self, retry: Retry) -> Retrying<T> {
        let (resilience, _) = self.into_all();
        Retrying { resilience, retry }
    }

    fn hedged(self, hedge: Hedge) -> Hedging<T> {
        let (resilience, _) = self.into_all();
        Hedging { resilience, retry: (), hedge }
    }
}

impl<T> Repeats<T> for Retrying<T> {
    type Retried = Self;
    type Hedged = Hedging<T, Retry>;

    fn retried(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    fn hedged(self, hedge: Hedge) -> Hedging<T, Retry> {
        let Self { resilience, retry } = self;
        Hedging { resilience, retry, hedge }
    }
}

impl<T, R: RetrySetting> Repeats<T> for Hedging<T, R> {
    type Retried = Hedging<T, Retry>;
    type Hedged = Self;

    fn retried(self, retry: Retry) -> Hedging<T, Retry> {
        let Self { resilience, hedge, .. } = self;
        Hedging { resilience, retry, hedge }
    }

    fn hedged(self, hedge: Hedge) -> Self {
        Self { hedge, ..self }
    }
}

/// The policies of a builder with retries.
pub trait WithRetry<T>: Policies<T> {
    #[doc(hidden)]
    fn with_retry(self, change: impl FnOnce(Retry) -> Retry) -> Self;
}

impl<T> WithRetry<T> for Retrying<T> {
    fn with_retry(self, change: impl FnOnce(Retry) -> Retry) -> Self {
        Self { retry: change(self.retry), ..self }
    }
}

impl<T> WithRetry<T> for Hedging<T, Retry> {
    fn with_retry(self, change: impl FnOnce(Retry) -> Retry) -> Self {
        Self { retry: change(self.retry), ..self }
    }
}

impl<T, R> Sealed for Hedging<T, R> {}

impl<T, R: RetrySetting> Policies<T> for Hedging<T, R> {
    type More = Self;
    type Own = Self;
    type Resilient = Self;

    fn more(mut self, change: impl FnOnce(&mut Configured)) -> Self {
        change(&mut self.resilience.settings);
        self
    }

    fn own(self, change: impl FnOnce(&mut Configured)) -> Self {
        self.more(change)
    }

    fn resilient(mut self, change: impl FnOnce(&mut Resilience<T>)) -> Self {
        change(&mut self.resilience);
        self
    }

    fn settings(&self) -> Option<&Configured> {
        Some(&self.resilience.settings)
    }

    fn limiter(&self) -> Option<&Limiter> {
        self.resilience.limiter.as_ref()
    }

    fn check(&self) -> Result<(), AsyncTaskError> {
        self.hedge.check()?;
        self.retry.retry().map_or(Ok(()), Retry::check)?;
        self.resilience.check()
    }

    fn hedge(&self) -> Option<&Hedge> {
        Some(&self.hedge)
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (self.resilience, self.retry.retry().cloned())
    }
}
