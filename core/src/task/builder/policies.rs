//! The policies of a builder: a type, so that a bare task carries none.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use crate::error::AsyncTaskError;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::handle::task::{Task, spawn_with};
use crate::task::lifecycle::in_place::{InPlaceTask, Ready};
use crate::task::lifecycle::spawn::{Registered, SpawnSite};
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::Resilience;
use crate::time::{Limit, Timeout};

/// No policy was set: work runs bare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unconfigured;

/// Some policy was set that is a task's alone: work in place becomes a task, too, that is part of its caller.
#[derive(Clone, Debug, Default)]
pub struct Contextual(pub(crate) Configured);

/// What a builder's policies become when another is set. Implemented by [`Unconfigured`], [`Configured`], [`Contextual`],
/// [`Resilience`] and [`Retrying`](crate::task::settings::resilience::Retrying).
pub trait Policies<T>: sealed::Sealed + Clone {
    /// With another policy set.
    type More: Policies<T>;
    /// With a policy set that is a task's alone.
    type Own: Policies<T>;
    /// With a breaker, a limiter, or a recovery.
    type Resilient: Policies<T>;

    #[doc(hidden)]
    fn more(self, change: impl FnOnce(&mut Configured)) -> Self::More;

    #[doc(hidden)]
    fn own(self, change: impl FnOnce(&mut Configured)) -> Self::Own;

    #[doc(hidden)]
    fn resilient(self, change: impl FnOnce(&mut Resilience<T>)) -> Self::Resilient;

    #[doc(hidden)]
    fn into_all(self) -> (Resilience<T>, Option<Retry>);
}

/// Marks the policies of work that is done once. Without parameters, so that nobody else can implement it for others.
pub trait Once: sealed::Sealed {}
impl Once for Unconfigured {}
impl Once for Configured {}
impl Once for Contextual {}

/// The policies of a builder whose work can be supervised: all but [`Retrying`](crate::task::settings::resilience::Retrying).
#[diagnostic::on_unimplemented(
    message = "work with `.retry` cannot be supervised, too: both start failing work again",
    label = "this builder has `.retry`",
    note = "leave out `.retry`, and let the `RestartPolicy` say how often; or have the supervised work run a builder with \
            `.retry` of its own"
)]
pub trait Supervisable: sealed::Sealed {}
impl<P: Once> Supervisable for P {}

/// The policies of work that is done once. Work that is tried again has a builder of its own kind, whose work must be
/// callable again: see [`TaskBuilder::retry`](crate::TaskBuilder::retry).
pub trait PolicySet<T>: Policies<T> + Once {
    /// With a limit on the whole.
    type Limited: PolicySet<T> + Once;

    #[doc(hidden)]
    fn limited(self, limit: Duration) -> Self::Limited;

    /// What work in place becomes.
    type Governed<B, S>: Future<Output = Result<T, AsyncTaskError>>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn govern<B, S>(self, body: B, source: S, place: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn spawn<B, R>(self, runtime: R, at: SpawnSite, body: impl FnOnce(&R, &Registered<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime;
}

/// A task with these policies for which no runtime was found.
#[track_caller]
pub(crate) fn refused<T, P, R>(error: AsyncTaskError, policies: P) -> Task<T, R>
where
    T: Send + 'static,
    P: Policies<T>,
    R: Runtime,
{
    Task::refused(error, &policies.into_all().0.settings)
}

pub(crate) mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::task::builder::policies::Unconfigured {}
    impl Sealed for crate::task::settings::configured::Configured {}
    impl Sealed for crate::task::builder::policies::Contextual {}
}

impl<T> Policies<T> for Unconfigured {
    type More = Configured;
    type Own = Contextual;
    type Resilient = Resilience<T>;

    fn more(self, change: impl FnOnce(&mut Configured)) -> Configured {
        Configured::default().changed(change)
    }

    fn own(self, change: impl FnOnce(&mut Configured)) -> Contextual {
        Contextual(Configured::default().changed(change))
    }

    fn resilient(self, change: impl FnOnce(&mut Resilience<T>)) -> Resilience<T> {
        Resilience::from(Configured::default()).changed(change)
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (Resilience::from(Configured::default()), None)
    }
}

impl<T> PolicySet<T> for Unconfigured {
    type Governed<B, S>
        = B
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;
    type Limited = Configured;

    fn limited(self, limit: Duration) -> Configured {
        Policies::<T>::more(self, |policies| policies.limit = Some(Limit::After(limit)))
    }

    fn govern<B, S>(self, body: B, _: S, _: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        body
    }

    fn spawn<B, R>(self, runtime: R, at: SpawnSite, body: impl FnOnce(&R, &Registered<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        spawn_with(runtime, at.birth(None), body)
    }
}

impl<T> Policies<T> for Configured {
    type More = Self;
    type Own = Contextual;
    type Resilient = Resilience<T>;

    fn more(self, change: impl FnOnce(&mut Configured)) -> Self {
        self.changed(change)
    }

    fn own(self, change: impl FnOnce(&mut Configured)) -> Contextual {
        Contextual(self.changed(change))
    }

    fn resilient(self, change: impl FnOnce(&mut Resilience<T>)) -> Resilience<T> {
        Resilience::from(self).changed(change)
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (Resilience::from(self), None)
    }
}

impl<T> PolicySet<T> for Configured {
    type Governed<B, S>
        = Timeout<Timeout<B, S>, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;
    type Limited = Self;

    fn limited(self, limit: Duration) -> Self {
        Policies::<T>::more(self, |policies| policies.limit = Some(Limit::After(limit)))
    }

    fn govern<B, S>(self, body: B, source: S, _: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let attempt = self.attempt(body, source.clone());
        Timeout::new(attempt, self.overall(), source)
    }

    fn spawn<B, R>(self, runtime: R, at: SpawnSite, body: impl FnOnce(&R, &Registered<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        if self.attempt.is_none() {
            return spawn_with(runtime, at.birth(Some(&self)), body);
        }
        let attempt = |runtime: &R, born: &Registered<R>| self.attempt(body(runtime, born), runtime.clone());
        spawn_with(runtime, at.birth(Some(&self)), attempt)
    }
}

impl<T> Policies<T> for Contextual {
    type More = Self;
    type Own = Self;
    type Resilient = Resilience<T>;

    fn more(self, change: impl FnOnce(&mut Configured)) -> Self {
        Self(self.0.changed(change))
    }

    fn own(self, change: impl FnOnce(&mut Configured)) -> Self {
        Self(self.0.changed(change))
    }

    fn resilient(self, change: impl FnOnce(&mut Resilience<T>)) -> Resilience<T> {
        Resilience::from(self.0).changed(change)
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (Resilience::from(self.0), None)
    }
}

impl<T> PolicySet<T> for Contextual {
    type Governed<B, S>
        = InPlaceTask<Ready<Timeout<B, S>>, S, Timeout<B, S>, T>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;
    type Limited = Self;

    fn limited(self, limit: Duration) -> Self {
        Policies::<T>::more(self, |policies| policies.limit = Some(Limit::After(limit)))
    }

    fn govern<B, S>(self, body: B, source: S, place: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let attempt = self.0.attempt(body, source.clone());
        InPlaceTask::new(Ready(attempt), source, self.0, place)
    }

    fn spawn<B, R>(self, runtime: R, at: SpawnSite, body: impl FnOnce(&R, &Registered<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        self.0.spawn(runtime, at, body)
    }
}
