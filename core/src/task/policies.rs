//! The policies of a builder, and how they wrap its work.

use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::birth::{Birth, Birthplace, Born, Kind};
use super::handle::{Task, spawn_local, spawn_with};
use super::node::{InNode, Ready};
use super::values::Values;
use crate::error::{AsyncTaskError, TimeoutKind};
use crate::runtime::{DynRuntime, LocalScope, Runtime, RuntimeSource};
use crate::time::{Limit, TimeLimit, Timeout};

/// No policy was set: work runs bare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unconfigured;

/// Some policy was set, of those that work in place needs no task of its own for.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    pub(crate) name: Option<Arc<str>>,
    pub(super) limit: Option<Limit>,
    pub(super) attempt: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(crate) values: Option<Arc<Values>>,
    pub(super) timestamps: bool,
    pub(super) tracing: bool,
}

/// Some policy was set that is a task's alone: work in place becomes a task, too, that is part of its caller.
#[derive(Clone, Debug, Default)]
pub struct Contextual(pub(super) Configured);

impl Configured {
    /// For tasks that are part of something larger, and take its name and values.
    pub(crate) fn part_of(name: Option<Arc<str>>, values: Option<Arc<Values>>) -> Self {
        Self { name, values, ..Self::default() }
    }

    /// The limit on the whole of a task that is born now, and the deadline.
    pub(super) fn deadline(&self, now: impl FnOnce() -> Instant) -> Option<(Duration, Option<Instant>)> {
        let (limit, deadline) = self.limit?.from(now())?;
        Some((limit, Some(deadline)))
    }

    fn overall(&self) -> Option<TimeLimit> {
        let limit = self.limit.filter(|limit| *limit != Limit::After(Duration::MAX))?;
        Some(TimeLimit { name: self.name.clone(), kind: TimeoutKind::Overall, limit })
    }

    /// `body` as one attempt.
    pub(super) fn attempt<B, S: RuntimeSource>(&self, body: B, source: S) -> Timeout<B, S> {
        let limit = self.attempt.filter(|limit| *limit != Duration::MAX).map(|limit| TimeLimit {
            name: self.name.clone(),
            kind: TimeoutKind::Attempt,
            limit: Limit::After(limit),
        });
        Timeout::new(body, limit, source)
    }

    /// Spawns on the thread of `scope`, also where no policy is set: local work is not where a branch counts.
    pub(super) fn spawn_local<B, T>(
        self,
        body: B,
        scope: &Rc<LocalScope>,
        place: &'static Location<'static>,
    ) -> Task<T, DynRuntime>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + 'static,
        T: Send + 'static,
    {
        let body = self.attempt(body, scope.runtime.clone());
        spawn_local(scope, Birth { kind: Kind::Spawned, place, settings: Some(&self) }, body)
    }
}

impl Contextual {
    pub(super) fn with(policies: impl PolicySet, change: impl FnOnce(&mut Configured)) -> Self {
        Self(policies.configured()).more(change)
    }
}

/// The policies of a builder, [`Unconfigured`], [`Configured`] or [`Contextual`]: a type, so that a bare task carries none.
pub trait PolicySet: sealed::Sealed + Clone {
    /// With another policy set.
    type More: PolicySet;

    /// The work's future with the policies around it.
    type Governed<B, T, S>: Future<Output = Result<T, AsyncTaskError>>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn govern<B, T, S>(
        self,
        body: B,
        source: S,
        place: &'static Location<'static>,
    ) -> Self::Governed<B, T, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn spawn<B, T, R>(self, runtime: R, at: Birthplace, body: impl FnOnce(&R, &Born<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime;

    #[doc(hidden)]
    fn more(self, change: impl FnOnce(&mut Configured)) -> Self::More;

    #[doc(hidden)]
    fn configured(self) -> Configured;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Unconfigured {}
    impl Sealed for super::Configured {}
    impl Sealed for super::Contextual {}
}

impl PolicySet for Unconfigured {
    type More = Configured;
    type Governed<B, T, S>
        = B
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, T, S>(self, body: B, _: S, _: &'static Location<'static>) -> B
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        body
    }

    fn spawn<B, T, R>(self, runtime: R, at: Birthplace, body: impl FnOnce(&R, &Born<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        spawn_with(runtime, at.birth(None), body)
    }

    fn more(self, change: impl FnOnce(&mut Configured)) -> Configured {
        Configured::default().more(change)
    }

    fn configured(self) -> Configured {
        Configured::default()
    }
}

impl PolicySet for Configured {
    type More = Self;
    type Governed<B, T, S>
        = Timeout<Timeout<B, S>, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, T, S>(self, body: B, source: S, _: &'static Location<'static>) -> Timeout<Timeout<B, S>, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let attempt = self.attempt(body, source.clone());
        Timeout::new(attempt, self.overall(), source)
    }

    fn spawn<B, T, R>(self, runtime: R, at: Birthplace, body: impl FnOnce(&R, &Born<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        if self.attempt.is_none() {
            return spawn_with(runtime, at.birth(Some(&self)), body);
        }
        let attempt = |runtime: &R, born: &Born<R>| self.attempt(body(runtime, born), runtime.clone());
        spawn_with(runtime, at.birth(Some(&self)), attempt)
    }

    fn more(mut self, change: impl FnOnce(&mut Configured)) -> Self {
        change(&mut self);
        self
    }

    fn configured(self) -> Configured {
        self
    }
}

impl PolicySet for Contextual {
    type More = Self;
    type Governed<B, T, S>
        = InNode<Ready<B>, S, B, T>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, T, S>(self, body: B, source: S, place: &'static Location<'static>) -> Self::Governed<B, T, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        InNode::new(Ready(body), source, self.0, place)
    }

    fn spawn<B, T, R>(self, runtime: R, at: Birthplace, body: impl FnOnce(&R, &Born<R>) -> B) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        self.0.spawn(runtime, at, body)
    }

    fn more(mut self, change: impl FnOnce(&mut Configured)) -> Self {
        change(&mut self.0);
        self
    }

    fn configured(self) -> Configured {
        self.0
    }
}
