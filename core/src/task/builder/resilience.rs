//! A builder whose task has policies about failure and load.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use crate::error::AsyncTaskError;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies;
use crate::task::builder::policies::sealed::Sealed;
use crate::task::builder::policies::{Policies, PolicySet};
use crate::task::handle::task::{Task, spawn_with};
use crate::task::layers::{Once, once};
use crate::task::lifecycle::in_place::{InPlaceTask, Ready};
use crate::task::lifecycle::spawn::{Registered, SpawnSite};
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

    fn govern<B, S>(self, body: B, source: S, place: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let settings = self.settings.clone();
        InPlaceTask::new(Ready(once(self, body, source.clone())), source, settings, place)
    }

    fn spawn<B, R>(self, runtime: R, at: SpawnSite, body: impl FnOnce(&R, &Registered<R>) -> B) -> Task<T, R>
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
