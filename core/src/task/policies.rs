//! The policies of a builder, and how they wrap its work.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::handle::{Task, spawn, spawn_local};
use crate::error::AsyncTaskError;
use crate::runtime::{DynRuntime, LocalScope, Runtime, RuntimeSource};
use crate::time::{TimeLimit, Timeout};

/// No policy was set: work runs bare.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unconfigured;

/// Some policy was set.
#[derive(Clone, Debug, Default)]
pub struct Configured {
    pub(super) name: Option<Arc<str>>,
    pub(super) timeout: Option<Duration>,
}

impl Configured {
    fn limit(&self) -> Option<Duration> {
        self.timeout.filter(|limit| *limit != Duration::MAX)
    }

    /// The limit of a spawned task, whose time starts now: waiting for a worker counts.
    fn limit_from<R: Runtime>(&self, runtime: &R) -> Option<TimeLimit> {
        self.limit().map(|limit| TimeLimit { name: self.name.clone(), limit, since: Some(runtime.now()) })
    }

    /// Spawns on the thread of `scope`, also where no policy is set: local work is not where a branch counts.
    pub(super) fn spawn_local<B, T>(self, body: B, scope: &Rc<LocalScope>) -> Task<T, DynRuntime>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + 'static,
        T: Send + 'static,
    {
        let body = Timeout::new(body, self.limit_from(&scope.runtime), scope.runtime.clone());
        spawn_local(scope, self.name, body)
    }
}

/// The policies of a builder, [`Unconfigured`] or [`Configured`]: a type, so that a bare task carries none.
pub trait PolicySet: sealed::Sealed + Clone {
    /// The work's future with the policies around it.
    type Governed<B, T, S>: Future<Output = Result<T, AsyncTaskError>>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn govern<B, T, S>(self, body: B, source: S) -> Self::Governed<B, T, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    #[doc(hidden)]
    fn spawn<B, T, R>(self, body: B, runtime: R) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime;

    #[doc(hidden)]
    fn configured(self) -> Configured;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Unconfigured {}
    impl Sealed for super::Configured {}
}

impl PolicySet for Unconfigured {
    type Governed<B, T, S>
        = B
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, T, S>(self, body: B, _: S) -> B
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        body
    }

    fn spawn<B, T, R>(self, body: B, runtime: R) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        spawn(runtime, None, body)
    }

    fn configured(self) -> Configured {
        Configured::default()
    }
}

impl PolicySet for Configured {
    type Governed<B, T, S>
        = Timeout<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource;

    fn govern<B, T, S>(self, body: B, source: S) -> Timeout<B, S>
    where
        B: Future<Output = Result<T, AsyncTaskError>>,
        S: RuntimeSource,
    {
        let limit = self.limit().map(|limit| TimeLimit { name: self.name, limit, since: None });
        Timeout::new(body, limit, source)
    }

    fn spawn<B, T, R>(self, body: B, runtime: R) -> Task<T, R>
    where
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        T: Send + 'static,
        R: Runtime,
    {
        let Some(limit) = self.limit_from(&runtime) else { return spawn(runtime, self.name, body) };
        let body = Timeout::new(body, Some(limit), runtime.clone());
        spawn(runtime, self.name, body)
    }

    fn configured(self) -> Configured {
        self
    }
}
