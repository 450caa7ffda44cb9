//! A task's policies about failure and load: which breaker, which limiter, how often to try, what to do in the end.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::birth::{Birthplace, Born};
use super::compose::{Once, once};
use super::configured::Configured;
use super::handle::{Task, spawn_with};
use super::node::{InNode, Ready};
use super::policies::sealed::Sealed;
use super::policies::{self, Policies, PolicySet};
use super::recovery::{Recovery, RecoveryWork};
use crate::breaker::CircuitBreaker;
use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::time::Limit;

/// A breaker, a limiter or a recovery was set.
pub struct Resilience<T> {
    pub(super) settings: Configured,
    pub(super) breaker: Option<CircuitBreaker>,
    pub(super) limiter: Option<Limiter>,
    pub(super) recovery: Option<RecoveryWork<T>>,
}

impl<T> Clone for Resilience<T> {
    fn clone(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            breaker: self.breaker.clone(),
            limiter: self.limiter.clone(),
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
            .finish_non_exhaustive()
    }
}

impl<T> From<Configured> for Resilience<T> {
    fn from(settings: Configured) -> Self {
        Self { settings, breaker: None, limiter: None, recovery: None }
    }
}

impl<T> Resilience<T> {
    /// The name of the task, for errors.
    pub fn name(&self) -> Option<Arc<str>> {
        self.settings.name.clone()
    }

    /// As `told`, where there is anything to ask.
    pub fn told_if_any(&self, retry: Option<&Retry>) -> Option<Recovery>
    where
        T: 'static,
    {
        (retry.is_some() || self.recovery.is_some()).then(|| self.told(retry))
    }

    pub(super) fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// What a handle can ask of a task that is spawned with it.
    pub(super) fn told(&self, retry: Option<&Retry>) -> Recovery
    where
        T: 'static,
    {
        Recovery::new(retry.cloned(), self.recovery.clone())
    }
}

impl<T> Sealed for Resilience<T> {}
impl<T> policies::Once for Resilience<T> {}

impl<T> Policies<T> for Resilience<T> {
    type More = Self;
    type Own = Self;
    type Resilient = Self;

    fn more(mut self, change: impl FnOnce(&mut Configured)) -> Self {
        change(&mut self.settings);
        self
    }

    fn own(self, change: impl FnOnce(&mut Configured)) -> Self {
        self.more(change)
    }

    fn resilient(self, change: impl FnOnce(&mut Self)) -> Self {
        self.changed(change)
    }

    fn into_all(self) -> (Self, Option<Retry>) {
        (self, None)
    }
}

impl<T> PolicySet<T> for Resilience<T> {
    type Governed<B, S>
        = InNode<Ready<Once<B, T, S>>, S, Once<B, T, S>, T>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;
    type Limited = Self;

    fn limited(self, limit: Duration) -> Self {
        self.more(|policies| policies.limit = Some(Limit::After(limit)))
    }

    fn govern<B, S>(self, body: B, source: S, place: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let settings = self.settings.clone();
        InNode::new(Ready(once(self, body, source.clone())), source, settings, place)
    }

    fn spawn<B, R>(self, runtime: R, at: Birthplace, body: impl FnOnce(&R, &Born<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        let settings = self.settings.clone();
        spawn_with(runtime, at.birth(Some(&settings)), |runtime, born| {
            born.task.control.set_recovery(self.told(None));
            let mut work = once(self, body(runtime, born), runtime.clone());
            if let Some(guarded) = work.work_mut() {
                guarded.come(born.inside.urgency());
            }
            work
        })
    }
}

/// Work that fails is tried again: it must be callable again. See [`TaskBuilder::retry`](super::TaskBuilder::retry).
pub struct Retrying<T> {
    pub(super) resilience: Resilience<T>,
    pub(super) retry: Retry,
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

impl<T> Sealed for Retrying<T> {}

impl<T> Policies<T> for Retrying<T> {
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

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (self.resilience, Some(self.retry))
    }
}
