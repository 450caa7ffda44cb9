//! The ends of an ad-hoc task's builder: how it is run, and what is given its handle.

use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::execution::batch::{Batch, Launch, Seed};
use crate::execution::launch::{Caller, Guest};
use crate::execution::node_state::Work;
use crate::execution::whose::Whose;
use crate::orchestrator::ad_hoc::{Chosen, Orchestrated};
use crate::orchestrator::handle::Orchestrator;
use crate::registry::work::{Alone, Begins, Informed, Maker};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::embedded;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{
    Async, Fallible, IntoAsyncResult, Policies, Pool, Run, Sync, Task, TaskContext,
};

/// Never begun, since the orchestra was stopped.
const STOPPED: AsyncTaskError =
    AsyncTaskError::Cancelled { level: CancelLevel::Kill, cause: CancelCause::ParentCancelled };

/// The context of the work that is about to begin here.
fn context() -> Result<TaskContext, AsyncTaskError> {
    TaskContext::current().ok_or(AsyncTaskError::InvalidState("this work is no task's"))
}

/// On the orchestrator's runtime, as a task of its own.
///
/// # Errors
///
/// Those of the task; [`OrchestratorError::Closed`](crate::OrchestratorError::Closed), as a failure, where the orchestrator
/// takes nothing more.
impl<T, S, P, W, Q> Orchestrated<T, S, P, W, Q>
where
    T: Send + 'static,
    S: RuntimeSource,
    P: Policies<T>,
    Q: RuntimeSource,
{
    /// Starts it now. `V` is where synchronous work runs.
    fn start<V, F, I, O, M>(
        self,
        work: F,
        inputs: impl FnOnce() -> Result<I, AsyncTaskError> + Send + 'static,
        place: &'static Location<'static>,
    ) -> Task<T, Q::Runtime>
    where
        P: Begins<F, I, O, T, S, V, M>,
        F: Send + 'static,
        I: 'static,
    {
        let Self { builder, orchestra } = self;
        let (source, policies) = builder.into_parts();
        let (resilience, retry) = policies.into_all();
        let (name, told) = (resilience.name(), resilience.told_if_any(retry.as_ref()));
        let (settings, recovery, inner) = embedded(resilience, retry, name.as_ref());
        let (give, taken) = async_channel::bounded(1);
        let kept = settings.clone();
        let guest = Guest { settings, recovery, told, caller: Caller::current(), place };
        let work: Work<Q::Runtime> = Box::new(move |launch: Launch<Q::Runtime>| {
            let work = async move {
                let inputs = inputs()?;
                P::begin(Maker { inner, source, place }, work, inputs).await
            };
            let handle = launch.spawn_guest(guest, work);
            let task = handle.task_ref();
            let _ = give.try_send(handle);
            task
        });
        match orchestra.guest(name.unwrap_or_else(|| "task".into()), work, place) {
            Ok(plan) => {
                plan.begin_alone();
                taken.try_recv().unwrap_or_else(|_| Task::refused(STOPPED, &kept))
            }
            Err(error) => Task::refused(error, &kept),
        }
    }

    /// As [`start`](Self::start), when it is awaited.
    fn when_awaited<V, F, I, O, M>(
        self,
        work: F,
        inputs: impl FnOnce() -> Result<I, AsyncTaskError> + Send + 'static,
        place: &'static Location<'static>,
    ) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<F, I, O, T, S, V, M>,
        F: Send + 'static,
        I: 'static,
    {
        let governed = async move {
            // Nobody else may have a handle of the orchestrator.
            let _kept = self.orchestra.clone();
            self.start::<V, F, I, O, M>(work, inputs, place).await
        };
        Run::new(governed)
    }

    /// Runs `work` as a task of the orchestrator, when awaited. Its limit counts from the first poll of this, the wait for a
    /// place included.
    ///
    /// # Errors
    ///
    /// The task's; [`OrchestratorError::Closed`](crate::OrchestratorError::Closed), as a failure, where the orchestrator takes
    /// nothing more.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it kills the task. The orchestrator waits for that, and so does the task around this, if there is one.
    #[track_caller]
    pub fn run<F, O, M>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<Alone<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.when_awaited::<W, _, (), O, M>(Alone(work), || Ok(()), Location::caller())
    }

    /// As [`run`](Self::run), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_run<F, O>(self, work: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
    where
        P: Begins<Alone<F>, (), O, T, S, W, Async<Fallible<BoxError>>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.run::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`run`](Self::run), with work that is given the context of its task, or of its attempt where it is tried again.
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
        P: Begins<Alone<F>, (), O, T, S, W, M> + Chosen,
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
        P: Begins<Alone<F>, (), O, T, S, Pool, Sync<K>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, Sync<K>>,
    {
        self.when_awaited::<Pool, _, (), O, Sync<K>>(Alone(work), || Ok(()), Location::caller())
    }

    /// Starts `work` now as a task of the orchestrator; its handle is a future of the result. Spawned inside another task, that
    /// does not end before it. With the last handle of the orchestrator it is killed, as all that runs there.
    #[track_caller]
    pub fn spawn<F, O, M>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<Alone<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.start::<W, _, (), O, M>(Alone(work), || Ok(()), Location::caller())
    }

    /// As [`spawn`](Self::spawn), for a body that uses `?` and names no error type.
    #[track_caller]
    pub fn try_spawn<F, O>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<Alone<F>, (), O, T, S, W, Async<Fallible<BoxError>>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: Future<Output = Result<T, BoxError>>,
    {
        self.spawn::<F, O, Async<Fallible<BoxError>>>(work)
    }

    /// As [`spawn`](Self::spawn), with work that is given the context of its task, or of its attempt where it is tried again.
    #[track_caller]
    pub fn spawn_with<F, O, M>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<Informed<F>, TaskContext, O, T, S, W, M> + Chosen,
        F: FnOnce(TaskContext) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.start::<W, _, TaskContext, O, M>(Informed(work), context, Location::caller())
    }

    /// As [`spawn`](Self::spawn), with a limit on the whole task.
    #[track_caller]
    pub fn spawn_with_timeout<F, O, M>(self, limit: Duration, work: F) -> Task<T, Q::Runtime>
    where
        P::More: Begins<Alone<F>, (), O, T, S, W, M> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.timeout(limit).spawn(work)
    }

    /// Starts synchronous `work` now on the blocking pool; its handle is a future of the result.
    #[track_caller]
    pub fn spawn_blocking<F, O, K>(self, work: F) -> Task<T, Q::Runtime>
    where
        P: Begins<Alone<F>, (), O, T, S, Pool, Sync<K>> + Chosen,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, Sync<K>>,
    {
        self.start::<Pool, _, (), O, Sync<K>>(Alone(work), || Ok(()), Location::caller())
    }
}

impl<Q: RuntimeSource> Orchestrator<Q> {
    /// Counts an ad-hoc task, which its caller begins: so it has the handle at once.
    fn guest(
        &self,
        name: Arc<str>,
        work: Work<Q::Runtime>,
        place: &'static Location<'static>,
    ) -> Result<Arc<Batch<Q::Runtime>>, AsyncTaskError> {
        let plan = self.in_run(Whose::Guests, place, |_, run| {
            let seed = Seed { name, work, values: None, unmet: 0, below: Vec::new() };
            let plan = Batch::new(run.clone(), vec![seed], true);
            self.shared.guest_came();
            run.count(1);
            plan
        })?;
        Ok(plan)
    }
}
