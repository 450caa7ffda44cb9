//! The start of one run of repeated work, under the policies of its builder.

use std::future::Future;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::builder::policies::{Once, Policies, PolicySet, refused, register};
use crate::task::handle::task::Task;
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::settings::hedging::{Hedging, RetrySetting};
use crate::task::settings::resilience::Retrying;
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::Informed;
use crate::task::work::kinds::Async;

/// The policies of a builder whose work of kind `M` can be repeated: all of them, for all work that they fit.
pub trait Recurring<T: Send + 'static, M>: Policies<T> + Send + 'static {
    /// Starts one run, as a task of its own. `begin` makes the work of the run, or of an attempt at it.
    #[doc(hidden)]
    fn start_run<R, B, K>(self, runtime: R, at: SpawnSite, begin: K) -> Task<T, R>
    where
        R: Runtime,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        K: Fn(&R, TaskContext) -> B + Clone + Send + 'static;
}

impl<T, M, P> Recurring<T, M> for P
where
    T: Send + 'static,
    P: PolicySet<T> + Once + Send + 'static,
{
    fn start_run<R, B, K>(self, runtime: R, at: SpawnSite, begin: K) -> Task<T, R>
    where
        R: Runtime,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        K: Fn(&R, TaskContext) -> B + Clone + Send + 'static,
    {
        let location = at.location;
        match register(runtime, &self, at) {
            Ok(registered) => {
                let body = begin(&registered.task.runtime, registered.context());
                self.launch(registered, body)
            }
            Err(error) => refused(error, self, location),
        }
    }
}

impl<T: Send + 'static, M> Recurring<T, M> for Retrying<T> {
    fn start_run<R, B, K>(self, runtime: R, at: SpawnSite, begin: K) -> Task<T, R>
    where
        R: Runtime,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        K: Fn(&R, TaskContext) -> B + Clone + Send + 'static,
    {
        self.start_attempts(runtime, Informed(begin), at)
    }
}

impl<T, K, R> Recurring<T, Async<K>> for Hedging<T, R>
where
    T: Send + 'static,
    R: RetrySetting,
{
    fn start_run<Q, B, M>(self, runtime: Q, at: SpawnSite, begin: M) -> Task<T, Q>
    where
        Q: Runtime,
        B: Future<Output = Result<T, AsyncTaskError>> + Send + 'static,
        M: Fn(&Q, TaskContext) -> B + Clone + Send + 'static,
    {
        self.start_attempts(runtime, Informed(begin), at)
    }
}
