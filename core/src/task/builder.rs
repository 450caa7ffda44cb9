//! The builder of one task.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::handle::Task;
use super::policies::{Configured, PolicySet, Unconfigured};
use super::work::{Async, Fallible, Here, IntoAsyncResult, Pool, Sync, Work};
use crate::error::{AsyncTaskError, BoxError};
use crate::runtime::{DynRuntime, LocalScope, Runtime, RuntimeSource};

/// The future of work of kind `M`, with the builder's policies around it.
type RunOf<M, F, O, T, S, P, W> = Run<<P as PolicySet>::Governed<<M as Work<F, O, T, S, W>>::Body, T, S>>;

/// Describes one task that gives a `T`. Nothing runs until [`run`](Self::run) is awaited or [`spawn`](Self::spawn)
/// is called; each method returns a new builder, and a builder can be cloned and used again.
///
/// `S` says where the runtime is found, `P` whether any policy is set, `W` where synchronous work runs.
#[must_use = "a builder does nothing until `run` or `spawn`"]
#[derive(Clone, Debug)]
pub struct TaskBuilder<T, S, P = Unconfigured, W = Pool> {
    source: S,
    policies: P,
    place: PhantomData<W>,
    output: PhantomData<fn() -> T>,
}

impl<T, S: RuntimeSource> TaskBuilder<T, S> {
    /// A task whose runtime `source` finds when it starts.
    pub fn new(source: S) -> Self {
        Self { source, policies: Unconfigured, place: PhantomData, output: PhantomData }
    }
}

impl<T, S: RuntimeSource, P: PolicySet, W> TaskBuilder<T, S, P, W> {
    /// Runs on `runtime`, whatever the ambient one is.
    pub fn on<R: Runtime>(self, runtime: &R) -> TaskBuilder<T, R, P, W> {
        let Self { policies, .. } = self;
        TaskBuilder { source: runtime.clone(), policies, place: PhantomData, output: PhantomData }
    }

    /// Names the task: in errors and traces, and on its handle.
    pub fn name(self, name: impl Into<Arc<str>>) -> TaskBuilder<T, S, Configured, W> {
        self.configure(|policies| policies.name = Some(name.into()))
    }

    /// Limits the whole task to `limit`, from `spawn` or from the first poll of `run`. At the limit the work is
    /// dropped, then the task fails with [`AsyncTaskError::Timeout`]; a value that is ready wins. Zero polls once;
    /// [`Duration::MAX`] is no limit. Blocking work that has started goes on, and the error says so.
    pub fn timeout(self, limit: Duration) -> TaskBuilder<T, S, Configured, W> {
        self.configure(|policies| policies.timeout = Some(limit))
    }

    /// Runs synchronous work where it is instead of on the blocking pool: for closures too cheap to move. It need
    /// not be `Send`, and may borrow.
    pub fn inline(self) -> TaskBuilder<T, S, P, Here> {
        let Self { source, policies, .. } = self;
        TaskBuilder { source, policies, place: PhantomData, output: PhantomData }
    }

    fn configure(self, change: impl FnOnce(&mut Configured)) -> TaskBuilder<T, S, Configured, W> {
        let mut policies = self.policies.configured();
        change(&mut policies);
        TaskBuilder { source: self.source, policies, place: PhantomData, output: PhantomData }
    }

    /// Runs `work` as part of the caller, when awaited.
    ///
    /// Asynchronous work runs in place: no spawn, no allocation, and it needs neither `Send` nor `'static`, nor a
    /// runtime unless a policy needs its clock. Synchronous work runs on the blocking pool, so that it never holds up
    /// the executor; see [`inline`](Self::inline). A panic is caught and becomes [`AsyncTaskError::Panic`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the work. Blocking work that has started runs on; the task around it, if there is
    /// one, does not end before it.
    pub fn run<F, O, M>(self, work: F) -> RunOf<M, F, O, T, S, P, W>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        M: Work<F, O, T, S, W>,
    {
        let body = M::body(work, &self.source);
        Run { governed: self.policies.govern(body, self.source) }
    }

    /// As [`run`](Self::run), for a body that uses `?` and names no error type.
    ///
    /// ```
    /// # use sweet_async_core::{DynRuntime, TaskBuilder};
    /// # fn with(runtime: &DynRuntime) {
    /// let parsed = TaskBuilder::<i64, _>::new(runtime.clone()).try_run(|| async { Ok("7".parse::<i64>()? + 1) });
    /// # }
    /// ```
    pub fn try_run<F, O>(self, work: F) -> RunOf<Async<Fallible<BoxError>>, F, O, T, S, P, W>
    where
        F: FnOnce() -> O,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.run::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// Runs synchronous `work` on the blocking pool, when awaited.
    pub fn run_blocking<F, O, K>(self, work: F) -> RunOf<Sync<K>, F, O, T, S, P, Pool>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, Sync<K>>,
        Sync<K>: Work<F, O, T, S, Pool>,
    {
        let body = <Sync<K> as Work<F, O, T, S, Pool>>::body(work, &self.source);
        Run { governed: self.policies.govern(body, self.source) }
    }
}

impl<T: Send + 'static, S: RuntimeSource, P: PolicySet, W> TaskBuilder<T, S, P, W> {
    /// Starts `work` now, on the runtime, as a task of its own; its handle is a future of the result.
    ///
    /// Spawned inside another task, it is a child of that task, which does not end before it. Where no runtime can be
    /// found, or it takes no more work, the handle gives the error.
    ///
    /// Cost: what the executor's own spawn costs, and one allocation.
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        M: Work<F, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        match self.source.into_runtime() {
            Ok(runtime) => self.policies.spawn(M::body(work, &runtime), runtime),
            Err(error) => Task::refused(error),
        }
    }

    /// As [`spawn`](Self::spawn), with a limit on the whole task.
    pub fn spawn_with_timeout<F, O, M>(self, limit: Duration, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        M: Work<F, O, T, S::Runtime, W, Body: Send + 'static>,
    {
        self.timeout(limit).spawn(work)
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    pub fn try_spawn<F, O>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>> + Send + 'static,
    {
        self.spawn::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`spawn`](Self::spawn), for work that is not `Send`, and so stays on this thread: it runs in the
    /// [`run_local`](crate::runtime::LocalRuntime::run_local) around this call, and on no other runtime that this builder
    /// may name. Outside of one, the handle gives [`AsyncTaskError::InvalidState`]. The value itself must be `Send`, since
    /// its handle is.
    ///
    /// Cost: two boxes and a channel more than [`spawn`](Self::spawn).
    pub fn spawn_local<F, O, M>(self, work: F) -> Task<T, DynRuntime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
        M: Work<F, O, T, DynRuntime, W, Body: 'static>,
    {
        match LocalScope::current() {
            Some(scope) => self.policies.configured().spawn_local(M::body(work, &scope.runtime), &scope),
            None => Task::refused(AsyncTaskError::InvalidState(
                "spawn_local outside of a local scope: call it below a runtime's `run_local`",
            )),
        }
    }

    /// Starts synchronous `work` now on the blocking pool; its handle is a future of the result.
    pub fn spawn_blocking<F, O, K>(self, work: F) -> Task<T, S::Runtime>
    where
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, Sync<K>>,
        Sync<K>: Work<F, O, T, S::Runtime, Pool, Body: Send + 'static>,
    {
        match self.source.into_runtime() {
            Ok(runtime) => {
                let body = <Sync<K> as Work<F, O, T, S::Runtime, Pool>>::body(work, &runtime);
                self.policies.spawn(body, runtime)
            }
            Err(error) => Task::refused(error),
        }
    }
}

pin_project_lite::pin_project! {
    /// Work that runs when awaited, as part of the caller.
    #[must_use = "nothing runs until it is awaited"]
    pub struct Run<G> {
        #[pin]
        governed: G,
    }
}

impl<G: Future> Future for Run<G> {
    type Output = G::Output;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<G::Output> {
        self.project().governed.poll(cx)
    }
}
