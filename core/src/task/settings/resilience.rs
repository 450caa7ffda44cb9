//! A task's policies about failure and load: a breaker, a limiter, chaos, retries and a recovery.

use std::fmt;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::chaos::Chaos;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::task::settings::configured::Configured;
use crate::tree::extras::recovery::{Recovery, RecoveryWork};

/// Settings with a breaker, a limiter, chaos or a recovery.
pub struct Resilience<T> {
    pub(crate) settings: Configured,
    pub(crate) breaker: Option<CircuitBreaker>,
    pub(crate) limiter: Option<Limiter>,
    /// Shared, so that a copy of it for each attempt costs a reference count.
    pub(crate) chaos: Option<Arc<Chaos>>,
    pub(crate) recovery: Option<RecoveryWork<T>>,
}

impl<T> Clone for Resilience<T> {
    fn clone(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            breaker: self.breaker.clone(),
            limiter: self.limiter.clone(),
            chaos: self.chaos.clone(),
            recovery: self.recovery.clone(),
        }
    }
}

impl<T> fmt::Debug for Resilience<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resilience")
            .field("settings", &self.settings)
            .field("breaker", &self.breaker)
            .field("limiter", &self.limiter)
            .field("chaos", &self.chaos)
            .finish_non_exhaustive()
    }
}

impl<T> From<Configured> for Resilience<T> {
    fn from(settings: Configured) -> Self {
        Self { settings, breaker: None, limiter: None, chaos: None, recovery: None }
    }
}

impl<T> Resilience<T> {
    /// The name of the task, for errors.
    pub fn name(&self) -> Option<Arc<str>> {
        self.settings.name.clone()
    }

    /// As `new_recovery`, if there are retries or there is a recovery.
    #[doc(hidden)]
    pub fn new_recovery_if_any(&self, retry: Option<&Retry>) -> Option<Recovery>
    where
        T: 'static,
    {
        (retry.is_some() || self.recovery.is_some()).then(|| self.new_recovery(retry))
    }

    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The settings, the guards and the recovery.
    pub(crate) fn split(self) -> (Configured, Guards, Option<RecoveryWork<T>>) {
        let Self { settings, breaker, limiter, chaos, recovery } = self;
        (settings, Guards { breaker, limiter, chaos }, recovery)
    }

    /// The record of the retries and the recovery of a task, as its handles see it.
    pub(crate) fn new_recovery(&self, retry: Option<&Retry>) -> Recovery
    where
        T: 'static,
    {
        Recovery::new(retry.cloned(), self.recovery.clone())
    }
}

/// The policies that each attempt at the work passes before it begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards {
    pub(crate) breaker: Option<CircuitBreaker>,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) chaos: Option<Arc<Chaos>>,
}

/// Settings with retries: the work must be callable again. See
/// [`TaskBuilder::retry`](crate::TaskBuilder::retry).
pub struct Retrying<T> {
    pub(crate) resilience: Resilience<T>,
    pub(crate) retry: Retry,
}

impl<T> Clone for Retrying<T> {
    fn clone(&self) -> Self {
        Self { resilience: self.resilience.clone(), retry: self.retry.clone() }
    }
}

impl<T> fmt::Debug for Retrying<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrying").field("resilience", &self.resilience).field("retry", &self.retry).finish()
    }
}
