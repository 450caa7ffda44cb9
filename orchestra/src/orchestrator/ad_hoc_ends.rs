//! The ends of an ad-hoc task's builder: the methods that run the task, and those that return its handle.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::execution::batch::{Batch, NodeRef, Work};
use crate::execution::launch::{AdHocSpec, Caller};
use crate::execution::session_kind::SessionKind;
use crate::orchestrator::ad_hoc::{Chosen, Orchestrated};
use crate::orchestrator::handle::Orchestrator;
use crate::registry::work::{Begins, Informed, NoInputs, WorkParts};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::{acquire_for, embedded};
use sweet_async_core::internals::{Async, Fallible, Sync};
use sweet_async_core::limit::Limiter;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{IntoAsyncResult, Policies, Pool, Run, Task, TaskContext};

/// The error of a task that has not begun, since the orchestrator was stopped, for `reason` if there is one.
fn stopped(reason: Option<Arc<str>>) -> AsyncTaskError {
    let (level, cause) = (CancelLevel::Kill, CancelCause::ParentCancelled);
    AsyncTaskError::Cancelled { level, cause, task: None, reason }
}

/// The context of the task that is polled here, whose work is about to begin.
fn context() -> Result<TaskContext, AsyncTaskError> {
    TaskContext::current().ok_or(AsyncTaskError::InvalidState("this work is no task's"))
}

/// Runs the task on the orchestrator's runtime, as a task of its own.
///
/// # Errors
///
/// Those of the task; [`OrchestratorError::Closed`](crate::OrchestratorError::Closed), as a failure, where
/// the orchestrator accepts nothing more.
impl<T, S, P, W, Q> Orchestrated<T, S, P, W, Q>
where
    T: Send + 'static,
    S: RuntimeSource,
    P: Policies<T>,
    Q: RuntimeSource,
{
    /// Starts the task now. `V` selects the executor of synchronous work.
    fn start<V, F, I, O, M>(
        self,
        work: F,
        inputs: impl FnOnce() -> Result<I, AsyncTaskError> + Send + 'static,
        site: &'static Location<'static>,
    ) -> Task<T, Q::Runtime>
    where
        P: Begins<F, I, O, T, S, V, M>,
        F: Send + 'static,
        I: 'static,
    {
        self.start_holding::<V, F, I, O, M>(None, work, inputs, site)
    }

    /// As [`start`](Self::start); the task holds `permit` until nothing of it is left.
    fn start_holding<V, F, I, O, M>(
        self,
        permit: Option<Arc<dyn Send + std::marker::Sync>>,
        work: F,
        inputs: impl FnOnce() -> Result<I, AsyncTaskError> + Send + 'static,
        site: &'static Location<'static>,
    ) -> Task<T, Q::Runtime>
    where
        P: Begins<F, I, O, T, S, V, M>,
        F: Send + 'static,
        I: 'static,
    {
        let Self { builder, orchestra } = self;
        let (source, policies) = builder.into_parts();
        let hedge = policies.hedge().cloned();
        let (resilience, retry) = policies.into_all();
        let (name, recovery_state) = (resilience.name(), resilience.new_recovery_if_any(retry.as_ref()));
        let (settings, recovery, inner) = embedded(resilience, (retry, hedge), name.as_ref());
        let inner = P::keep(inner);
        let (sender, receiver) = async_channel::bounded(1);
        let own_settings = settings.clone();
        let caller = Caller::current();
        let needs_permit = orchestra.shared.needs_permit(caller.as_ref().map(Caller::task));
        let spec = AdHocSpec { settings, recovery, recovery_state, caller, site, permit, needs_permit };
        let work: Work<Q::Runtime> = Box::new(move |node: NodeRef<Q::Runtime>| {
            let work = async move {
                let inputs = inputs()?;
                P::begin(WorkParts { inner, source, site }, work, inputs).await
            };
            let handle = node.spawn_ad_hoc(spec, work);
            let task = handle.task_ref();
            let _ = sender.try_send(handle);
            task
        });
        match orchestra.add_ad_hoc(name.unwrap_or_else(|| "task".into()), work, site) {
            Ok(batch) => {
                batch.begin_single();
                receiver.try_recv().unwrap_or_else(|_| {
                    Task::refused(stopped(batch.session.stop_request().reason), &own_settings)
                })
            }
            Err(error) => Task::refused(error, &own_settings),
        }
    }

    /// As [`start`](Self::start), once it is awaited.
    fn when_awaited<V, F, I, O, M>(
        self,
        work: F,
        inputs: impl FnOnce() -> Result<I, AsyncTaskError> + Send + 'static,
        site: &'static Location<'static>,
    ) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<F, I, O, T, S, V, M>,
        F: Send + 'static,
        I: 'static,
    {
        let task = async move {
            // This may be the last handle of the orchestrator, and dropping that would kill the task.
            let _orchestra = self.orchestra.clone();
            self.start::<V, F, I, O, M>(work, inputs, site).await
        };
        Run::new(task)
    }

    /// Runs `work` as a task of the orchestrator, when awaited. Its time limit counts from the first poll of
    /// this future, and includes the wait for a permit.
    ///
    /// # Errors
    ///
    /// Those of the task; [`OrchestratorError::Closed`](crate::OrchestratorError::Closed), as a failure,
    /// where the orchestrator accepts nothing more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the task. The orchestrator waits for the end of the task, and so does the
    /// task around this future, if there is one.
    #[track_caller]
    pub fn run<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<NoInputs<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.when_awaited::<W, _, (), O, M>(NoInputs(work), || Ok(()), Location::caller())
    }

    /// As [`run`](Self::run), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_run<F, O>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<NoInputs<F>, (), O, T, S, W, Async<Fallible<BoxError>>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.run::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`run`](Self::run), with work that is given the context of its task, or of its attempt where it is
    /// retried.
    #[track_caller]
    pub fn run_with<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<Informed<F>, TaskContext, O, T, S, W, M> + Chosen,
        F: FnOnce(TaskContext) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.when_awaited::<W, _, TaskContext, O, M>(Informed(work), context, Location::caller())
    }

    /// Runs `work` as [`run`](Self::run) does, and then `handler` on its result.
    #[track_caller]
    pub fn await_result<F, O, M, U, H>(self, work: F, handler: H) -> impl Future<Output = U>
    where
        P: Begins<NoInputs<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
        H: FnOnce(Result<T, AsyncTaskError>) -> U,
    {
        let run = self.run(work);
        async move { handler(run.await) }
    }

    /// Runs synchronous `work` on the blocking pool, when awaited.
    #[track_caller]
    pub fn run_blocking<F, O, K>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<NoInputs<F>, (), O, T, S, Pool, Sync<K>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, Sync<K>>,
    {
        self.when_awaited::<Pool, _, (), O, Sync<K>>(NoInputs(work), || Ok(()), Location::caller())
    }

    /// Starts `work` now as a task of the orchestrator; its handle is a future of the result. A task inside
    /// which it is spawned does not end before it. It is killed with the last handle of the orchestrator, as
    /// everything that runs there.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<NoInputs<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.start::<W, _, (), O, M>(NoInputs(work), || Ok(()), Location::caller())
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_spawn<F, O>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<NoInputs<F>, (), O, T, S, W, Async<Fallible<BoxError>>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.spawn::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`spawn`](Self::spawn), with work that is given the context of its task, or of its attempt where it
    /// is retried.
    #[track_caller]
    pub fn spawn_with<F, O, M>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<Informed<F>, TaskContext, O, T, S, W, M> + Chosen,
        F: FnOnce(TaskContext) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.start::<W, _, TaskContext, O, M>(Informed(work), context, Location::caller())
    }

    /// As [`TaskBuilder::spawn_in`](sweet_async_core::TaskBuilder::spawn_in): waits for a permit of `limiter`
    /// before it becomes a task of the orchestrator.
    ///
    /// # Errors
    ///
    /// As there; [`OrchestratorError::Closed`](crate::OrchestratorError::Closed), as a failure, where the
    /// orchestrator accepts nothing more.
    ///
    /// # Cancel safety
    ///
    /// As there.
    #[track_caller]
    pub fn spawn_in<F, O, M>(
        self,
        limiter: &Limiter,
        work: F,
    ) -> impl Future<Output = Result<Task<T, Q::Runtime>, AsyncTaskError>> + use<T, S, P, W, Q, F, O, M>
    where
        P: Begins<NoInputs<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let (limiter, site) = (limiter.clone(), Location::caller());
        async move {
            let acquire = {
                let (source, policies) = self.builder.parts();
                acquire_for::<T, P, _>(policies, &limiter, source.resolve()?)?
            };
            let permit: Arc<dyn Send + std::marker::Sync> = Arc::new(acquire.await?);
            self.start_holding::<W, _, (), O, M>(Some(permit), NoInputs(work), || Ok(()), site).admitted()
        }
    }

    /// As [`spawn`](Self::spawn), with a limit on the whole task.
    #[track_caller]
    pub fn spawn_with_timeout<F, O, M>(self, limit: Duration, work: F) -> Task<T, Q::Runtime>
    where
        P::More: Begins<NoInputs<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.timeout(limit).spawn(work)
    }

    /// Starts synchronous `work` now on the blocking pool; its handle is a future of the result.
    #[track_caller]
    pub fn spawn_blocking<F, O, K>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<NoInputs<F>, (), O, T, S, Pool, Sync<K>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, Sync<K>>,
    {
        self.start::<Pool, _, (), O, Sync<K>>(NoInputs(work), || Ok(()), Location::caller())
    }
}

impl<Q: RuntimeSource> Orchestrator<Q> {
    /// Counts an ad-hoc task. The caller begins its batch itself, and so has the handle at once.
    fn add_ad_hoc(
        &self,
        name: Arc<str>,
        work: Work<Q::Runtime>,
        site: &'static Location<'static>,
    ) -> Result<Arc<Batch<Q::Runtime>>, AsyncTaskError> {
        // The entry keeps the place of the task, which leaves for it.
        let (_, entry) = self.with_session(SessionKind::AdHoc, site, |_, _| {
            self.shared.progress.ad_hoc_added();
        })?;
        Ok(Batch::ad_hoc(entry.into_session(), name, work))
    }
}
