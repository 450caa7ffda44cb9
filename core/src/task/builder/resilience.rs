//! The states of a builder with policies for failure and load: a breaker, a limiter, a recovery, retries.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use crate::error::AsyncTaskError;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies;
use crate::task::builder::policies::sealed::Sealed;
use crate::task::builder::policies::{Policies, PolicySet};
use crate::task::handle::task::Task;
use crate::task::layers::{Once, once};
use crate::task::lifecycle::in_place::{InPlaceTask, Ready};
use crate::task::lifecycle::spawn::Registered;
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::{Resilience, Retrying};
use crate::time::Limit;

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

    fn into_all(self) -> (Self, Option<Retry>) {
        (self, None)
    }
}

impl<T> PolicySet<T> for Resilience<T> {
    type Governed<B, S>
        = InPlaceTask<Ready<Once<B, T, S>>, S, Once<B, T, S>, T>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;
    type Limited = Self;

    fn limited(self, limit: Duration) -> Self {
        self.more(|policies| policies.limit = Some(Limit::After(limit)))
    }

    fn govern<B, S>(self, body: B, source: S, location: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let settings = self.settings.clone();
        InPlaceTask::new(Ready(once(self, body, source.clone())), source, settings, location)
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

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (self.resilience, Some(self.retry))
    }
}
