//! Synchronous work on a thread that may block, awaited from asynchronous code.
//!
//! A thread cannot be stopped from outside. So there are three outcomes if such work is given up, settled by
//! the side that takes the closure or the result out of its slot first:
//!
//! - not started: the closure is dropped and never runs;
//! - started: it runs to its end, its result is dropped there, and the task that awaited it waits for that;
//! - started, and given up at a time limit: the same, but the task does not wait.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tracing::Span;

use crate::error::AsyncTaskError;
use crate::metrics::{Attribution, HasMeter, active};
use crate::panic::caught;
use crate::runtime::{Join, Runtime, RuntimeSource};
use crate::task::work::job::Slot;
use crate::task::work::kinds::{Call, IntoResult};
use crate::tree::children::release;
use crate::tree::current::{current_task, in_frame, outside};
use crate::tree::entered::{allow_blocking, in_runtime};
use crate::tree::extras::permits::{SharedPermit, permits};
use crate::tree::node::TaskRef;
use crate::tree::overdue::{is_overdue, keeps_running};
use crate::tree::span::{current_span, within};

type JoinOf<S> = <<S as RuntimeSource>::Runtime as Runtime>::Join<()>;

/// A synchronous closure on the blocking pool.
pub struct OnPool<F, T, K, S: RuntimeSource> {
    stage: Stage<F, T, S>,
    marker: PhantomData<fn() -> K>,
}

enum Stage<F, T, S: RuntimeSource> {
    Start { work: F, source: S },
    Waiting { join: JoinOf<S>, job: Arc<Job<F, T, S::Runtime>> },
    Done,
}

// Nothing in it is ever pinned: the closure is moved out, and join handles are `Unpin`.
impl<F, T, K, S: RuntimeSource> Unpin for OnPool<F, T, K, S> {}

/// The state that the awaiting future and the pool's thread share.
struct Job<F, T, R: Runtime> {
    runtime: R,
    slot: Slot<F, Result<T, AsyncTaskError>>,
    /// The task that waits for this job's end.
    parent: Option<TaskRef>,
    /// The permits that it holds if no task waits for it any more, until the pool is done with it.
    permits: OnceLock<Vec<SharedPermit>>,
}

impl<F, T, R: Runtime> Job<F, T, R> {
    fn settle(&self) {
        if let (true, Some(parent)) = (self.slot.settle(), &self.parent) {
            release(parent);
        }
    }

    /// Drops the closure if it has not been taken. True if so.
    fn revoke(&self) -> bool {
        let Some(work) = self.slot.take_work() else { return false };
        let _ = caught(|| drop(work));
        self.settle();
        self.runtime.root().job_ended();
        true
    }

    /// Gives the result up: the side that comes second drops it. True if the work still runs.
    fn abandon(&self) -> bool {
        let still_runs = self.slot.abandon();
        if !still_runs {
            self.drop_result();
        }
        still_runs
    }

    fn deliver(&self, result: Result<T, AsyncTaskError>) {
        if !self.slot.deliver(result) {
            self.drop_result();
        }
    }

    fn drop_result(&self) {
        let result = self.slot.take_result();
        let _ = caught(|| drop(result));
    }
}

/// Counts blocking work in its task until dropped, whether it is waited for or not.
struct InTask<'a>(Option<&'a TaskRef>);

impl<'a> InTask<'a> {
    fn new(task: Option<&'a TaskRef>) -> Self {
        if let Some(task) = task {
            task.control.job_started();
        }
        Self(task)
    }
}

impl Drop for InTask<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.0 {
            task.control.job_stopped();
        }
    }
}

/// Counts work that has started in the root scope until dropped.
struct InRoot<'a, R: Runtime>(&'a R);

impl<'a, R: Runtime> InRoot<'a, R> {
    fn new(runtime: &'a R) -> Self {
        runtime.root().job_started();
        Self(runtime)
    }
}

impl<R: Runtime> Drop for InRoot<'_, R> {
    fn drop(&mut self) {
        self.0.root().job_stopped();
        self.0.root().job_ended();
    }
}

/// The pool's side of a job. Dropping it, after the run or without one, settles the job.
struct Runner<F, T, R: Runtime> {
    job: Arc<Job<F, T, R>>,
    span: Option<Span>,
    /// The owner of the meter that was active where the job was handed over. Its usage is recorded there.
    meter_owner: Option<Arc<dyn HasMeter>>,
}

impl<F, T, R: Runtime> Runner<F, T, R> {
    fn run<K>(self)
    where
        F: Call<Output: IntoResult<T, K>>,
    {
        // Counted before the closure is taken: a thread that finds it taken finds it counted.
        let _in_task = InTask::new(self.job.parent.as_ref());
        let Some(work) = self.job.slot.take_work() else { return };
        let _in_root = InRoot::new(&self.job.runtime);
        let work = || caught(|| work.call().into_result()).and_then(|result| result);
        // The span is also around the drop of a result that is not fetched.
        within(self.span.as_ref(), || {
            let result = allow_blocking(self.job.runtime.root(), || {
                let _attribution = self.meter_owner.as_ref().map(Attribution::begin);
                match &self.job.parent {
                    Some(task) => in_frame(task, work),
                    None => outside(|| in_runtime(&self.job.runtime, work)),
                }
            });
            self.job.deliver(result);
        });
    }
}

impl<F, T, R: Runtime> Drop for Runner<F, T, R> {
    fn drop(&mut self) {
        if !self.job.revoke() {
            self.job.settle();
        }
    }
}

impl<F, T, K, S: RuntimeSource> OnPool<F, T, K, S> {
    /// `work` as a job of the runtime that `source` finds.
    pub fn new(work: F, source: S) -> Self {
        Self { stage: Stage::Start { work, source }, marker: PhantomData }
    }
}

impl<F, T, K, S> OnPool<F, T, K, S>
where
    F: Call<Output: IntoResult<T, K>> + Send + 'static,
    T: Send + 'static,
    K: 'static,
    S: RuntimeSource,
{
    /// Hands the closure to the pool, unless that was done before: it becomes a job of the task that is
    /// polled here.
    ///
    /// # Errors
    ///
    /// As the future's own.
    pub fn begin(&mut self) -> Result<(), AsyncTaskError> {
        if let Stage::Start { .. } = self.stage
            && let Stage::Start { work, source } = std::mem::replace(&mut self.stage, Stage::Done)
        {
            self.stage = Self::start(work, &source)?;
        }
        Ok(())
    }

    fn start(work: F, source: &S) -> Result<Stage<F, T, S>, AsyncTaskError> {
        let runtime = source.resolve().map_err(|error| error.not_started(None))?;
        let root = runtime.root();
        root.job_begun();
        // Counted first: a shutdown that has found nothing left takes no more work. Work in place is part of
        // its caller, which is inside.
        if !root.admits(true) {
            let _ = caught(|| drop(work));
            root.job_ended();
            return Err(AsyncTaskError::Shutdown);
        }
        let parent = current_task().inspect(|task| task.control.child_started());
        let job = Arc::new(Job {
            runtime: runtime.clone(),
            slot: Slot::new(work),
            parent,
            permits: OnceLock::new(),
        });
        let runner = Runner { job: job.clone(), span: current_span(), meter_owner: active() };
        let join = runtime.spawn_blocking(move || runner.run::<K>()).inspect_err(|_| {
            // A pool that refuses a job may have queued it all the same: it must find nothing to run.
            job.revoke();
        })?;
        Ok(Stage::Waiting { join, job })
    }
}

impl<F, T, K, S> Future for OnPool<F, T, K, S>
where
    F: Call<Output: IntoResult<T, K>> + Send + 'static,
    T: Send + 'static,
    K: 'static,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.begin()?;
        let Stage::Waiting { join, job } = &mut self.stage else {
            return Poll::Ready(Err(AsyncTaskError::InvalidState(
                "this future was polled after it had ended",
            )));
        };
        let _ = std::task::ready!(Pin::new(join).poll(cx));
        // No result: the pool dropped the closure without running it.
        let result = job.slot.take_result().unwrap_or(Err(AsyncTaskError::Shutdown));
        self.stage = Stage::Done;
        Poll::Ready(result)
    }
}

impl<F, T, K, S: RuntimeSource> Drop for OnPool<F, T, K, S> {
    fn drop(&mut self) {
        if let Stage::Waiting { join, job } = std::mem::replace(&mut self.stage, Stage::Done) {
            if !job.revoke() {
                // Before the pool can see that the job is given up: the pool drops the job last.
                if let (true, Some(parent)) = (is_overdue(), &job.parent) {
                    let _ = job.permits.set(permits(parent));
                }
                if job.abandon() && keeps_running() {
                    job.settle();
                }
            }
            join.detach();
        }
    }
}
