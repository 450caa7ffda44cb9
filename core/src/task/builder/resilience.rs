//! The states of a builder with policies for failure and load: a breaker, a limiter, chaos, a recovery,
//! retries.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use crate::chaos::Chaos;
use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies;
use crate::task::builder::policies::sealed::Sealed;
use crate::task::builder::policies::{Policies, PolicySet};
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::task::Task;
use crate::task::layers::{Once, once, once_with};
use crate::task::lifecycle::in_place::{InPlaceTask, Ready};
use crate::task::lifecycle::spawn::Registered;
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::{Resilience, Retrying};

impl<T, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Injects faults into the attempts at the work, at random, as `chaos` says: for tests, and for
    /// rehearsals of failure. Chaos is innermost, directly around the work, whatever the order of the
    /// builder's calls. So a breaker counts an injected failure, a retry follows it, and an injected latency
    /// is under the limit of the attempt. Faults come before the work begins: blocking work is not queued
    /// before that.
    ///
    /// # Errors
    ///
    /// An injected error or panic; [`AsyncTaskError::InvalidConfig`] for a rate that is not from 0.0 to 1.0,
    /// when the task starts.
    ///
    /// Cost: one allocation, and one for each attempt.
    pub fn chaos(self, chaos: Chaos) -> TaskBuilder<T, S, P::Resilient, W> {
        let chaos = Arc::new(chaos);
        self.with_policies(|policies| policies.resilient(|policies| policies.chaos = Some(chaos)))
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

    fn settings(&self) -> Option<&Configured> {
        Some(&self.settings)
    }

    fn limiter(&self) -> Option<&Limiter> {
        self.limiter.as_ref()
    }

    fn check(&self) -> Result<(), AsyncTaskError> {
        self.chaos.as_ref().map_or(Ok(()), |chaos| chaos.check())
    }

    fn into_all(self) -> (Self, Option<Retry>) {
        (self, None)
    }
}

impl<T> PolicySet<T> for Resilience<T> {
    type Governed<B, S>
        = InPlaceTask<Ready, S, Once<B, T, S>, T>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, S>(self, body: B, source: S, location: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let (settings, guards, recovery) = self.split();
        let work = once_with(&settings, (guards, recovery), body, source.clone());
        InPlaceTask::around(work, source, settings, location)
    }

    fn launch<B, R>(self, registered: Registered<R>, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        registered.task.control.set_recovery(self.new_recovery(None));
        let mut work = once(self, body, registered.task.runtime.clone());
        work.layer_mut().enter_queue(registered.inside.urgency());
        registered.launch_boxed(work)
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

    fn settings(&self) -> Option<&Configured> {
        Some(&self.resilience.settings)
    }

    fn limiter(&self) -> Option<&Limiter> {
        self.resilience.limiter.as_ref()
    }

    fn check(&self) -> Result<(), AsyncTaskError> {
        self.retry.check()?;
        self.resilience.check()
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (self.resilience, Some(self.retry))
    }
}
