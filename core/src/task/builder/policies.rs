//! The policies of a builder, as types: a bare task carries none.

use std::future::Future;
use std::panic::Location;

use crate::body::{Governed, Slot};
use crate::error::AsyncTaskError;
use crate::hedge::Hedge;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::handle::task::Task;
use crate::task::lifecycle::in_place::{InPlaceTask, Ready};
use crate::task::lifecycle::spawn::{Registered, SpawnSite};
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::Resilience;
use crate::time::InlineLimiter;

/// The policies of a builder without any: work runs bare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unconfigured;

/// Settings that only a task can have. With them, work in place becomes an in-place task.
#[derive(Clone, Debug, Default)]
pub struct Contextual(pub(crate) Configured);

/// The policies of a builder, and the types that they become when another one is set. Implemented by
/// [`Unconfigured`], [`Configured`], [`Contextual`], [`Resilience`],
/// [`Retrying`](crate::task::settings::resilience::Retrying) and
/// [`Hedging`](crate::task::settings::hedging::Hedging).
pub trait Policies<T>: sealed::Sealed + Clone {
    /// The policies with another one, which work in place needs no task for.
    type More: Policies<T>;
    /// The policies with another one, which only a task can have.
    type Own: Policies<T>;
    /// The policies with a breaker, a limiter, or a recovery.
    type Resilient: Policies<T>;

    #[doc(hidden)]
    fn more(self, change: impl FnOnce(&mut Configured)) -> Self::More;

    #[doc(hidden)]
    fn own(self, change: impl FnOnce(&mut Configured)) -> Self::Own;

    #[doc(hidden)]
    fn resilient(self, change: impl FnOnce(&mut Resilience<T>)) -> Self::Resilient;

    /// The settings that a spawned task is registered with.
    #[doc(hidden)]
    fn settings(&self) -> Option<&Configured>;

    /// The limiter of the work, if there is one.
    #[doc(hidden)]
    fn limiter(&self) -> Option<&Limiter> {
        None
    }

    /// Fails with `InvalidConfig` for a setting that is out of its range. The work under the policies makes
    /// the same check; this one is for a task that begins that work later.
    #[doc(hidden)]
    fn check(&self) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    /// The hedge of the work, if there is one.
    #[doc(hidden)]
    fn hedge(&self) -> Option<&Hedge> {
        None
    }

    /// All policies but the hedge.
    #[doc(hidden)]
    fn into_all(self) -> (Resilience<T>, Option<Retry>);
}

/// Marks the policies of work that runs once. It has no type parameters: with one, another crate could
/// implement it for a foreign type.
pub trait Once: sealed::Sealed {}
impl Once for Unconfigured {}
impl Once for Configured {}
impl Once for Contextual {}

/// The policies of a builder whose work can be supervised: all but
/// [`Retrying`](crate::task::settings::resilience::Retrying) and
/// [`Hedging`](crate::task::settings::hedging::Hedging).
#[diagnostic::on_unimplemented(
    message = "work with `.retry` cannot be supervised, too; nor can work with `.hedge`",
    label = "this builder has `.retry` or `.hedge`",
    note = "leave out `.retry`, and let the `RestartPolicy` say how often; or have the supervised work run a builder with \
            `.retry` or `.hedge` of its own"
)]
pub trait Supervisable: sealed::Sealed {}
impl<P: Once> Supervisable for P {}

/// The policies of work that runs once. A builder with retries or hedges is of another type, whose work must
/// be callable again: see [`TaskBuilder::retry`](crate::TaskBuilder::retry).
#[diagnostic::on_unimplemented(
    message = "this work does not fit the policies of its builder",
    note = "with `.hedge`, work must be asynchronous: blocking work that has started cannot be stopped"
)]
pub trait PolicySet<T>: Policies<T> + Once {
    /// The future of work in place under these policies.
    type Governed<B, S>: Future<Output = Result<T, AsyncTaskError>>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn govern<B, S>(self, body: B, source: S, location: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    /// Starts a registered task with these policies around `body`.
    #[doc(hidden)]
    fn launch<B, R>(self, registered: Registered<R>, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime;
}

/// Registers a task with these policies on the runtime that `source` finds.
pub(crate) fn register<T, P: Policies<T>, S: RuntimeSource>(
    source: S,
    policies: &P,
    mut at: SpawnSite,
) -> Result<Registered<S::Runtime>, AsyncTaskError> {
    let permit = at.permit.take();
    let registered = Registered::new(source.into_runtime()?, at.request(policies.settings()));
    if let Some(permit) = permit {
        registered.hold(permit);
    }
    Ok(registered)
}

/// Work under a limit on its one attempt.
pub(crate) type Limited<B, T, S> = Governed<B, T, InlineLimiter<S>>;

/// The handle of a task with these policies for which no runtime was found.
pub(crate) fn refused<T, P, R>(
    error: AsyncTaskError,
    policies: P,
    location: &'static Location<'static>,
) -> Task<T, R>
where
    T: Send + 'static,
    P: Policies<T>,
    R: Runtime,
{
    Task::refused_at(location, error, &policies.into_all().0.settings)
}

pub(crate) mod sealed {
    #[allow(unnameable_types, reason = "a seal")]
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

    fn settings(&self) -> Option<&Configured> {
        None
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

    fn govern<B, S>(self, body: B, _: S, _: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        body
    }

    fn launch<B, R>(self, registered: Registered<R>, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        registered.launch(body)
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

    fn settings(&self) -> Option<&Configured> {
        Some(self)
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (Resilience::from(self), None)
    }
}

impl<T> PolicySet<T> for Configured {
    type Governed<B, S>
        = Governed<B, T, InlineLimiter<S>>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, S>(self, body: B, source: S, _: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        Governed::within(self.limits(source), body)
    }

    fn launch<B, R>(self, registered: Registered<R>, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        let limit: InlineLimiter<R> = self.attempt_limit(registered.task.runtime.clone());
        registered.launch_boxed(Governed::within(limit, body))
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

    fn settings(&self) -> Option<&Configured> {
        Some(&self.0)
    }

    fn into_all(self) -> (Resilience<T>, Option<Retry>) {
        (Resilience::from(self.0), None)
    }
}

impl<T> PolicySet<T> for Contextual {
    type Governed<B, S>
        = InPlaceTask<Ready, S, Slot<Limited<B, T, S>, T>, T>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, S>(self, body: B, source: S, location: &'static Location<'static>) -> Self::Governed<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let attempt = Governed::within(self.0.attempt_limit(source.clone()), body);
        InPlaceTask::around(Slot::Work { work: attempt }, source, self.0, location)
    }

    fn launch<B, R>(self, registered: Registered<R>, body: B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        self.0.launch(registered, body)
    }
}
