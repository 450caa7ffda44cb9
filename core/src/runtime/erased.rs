//! The type-erased runtime: for the ambient entry point, which cannot know a third party's type.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use concurrent_queue::PopError;
use sync_wrapper::SyncWrapper;

use crate::error::SpawnError;
use crate::runtime::{Join, Runtime};
use crate::sync::{AtomicWaker, ConcurrentQueue};
use crate::tree::root::RootScope;
use crate::vocabulary::id::TaskId;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The interface of a runtime whose type core does not know.
pub trait ErasedRuntime: Send + Sync {
    /// The runtime as its own type; of a runtime that wraps another, the inner one.
    fn itself(&self) -> &dyn Any;
    /// As `itself`, but of a runtime that wraps another, the outer one.
    fn own(&self) -> &dyn Any;
    /// A handle of it whose type core knows.
    fn to_dyn(&self) -> DynRuntime;
    /// [`Runtime::spawn`], detached.
    fn spawn_boxed(&self, future: BoxFuture<()>) -> Result<(), SpawnError>;
    /// [`Runtime::spawn_blocking`], detached.
    fn spawn_blocking_boxed(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError>;
    /// [`Runtime::now`].
    fn clock(&self) -> Instant;
    /// [`Runtime::sleep_until`].
    fn sleep_boxed(&self, deadline: Instant) -> BoxFuture<()>;
    /// [`Runtime::entropy`].
    fn random(&self) -> u64;
    /// [`Runtime::unix_time`].
    fn time_of_day(&self) -> Duration;
    /// [`Runtime::name`].
    fn label(&self) -> &'static str;
    /// [`Runtime::worker_count`].
    fn workers(&self) -> usize;
    /// [`Runtime::next_task_id`].
    fn task_id(&self) -> TaskId;
    /// [`Runtime::root`].
    fn scope(&self) -> &RootScope;
    /// [`Runtime::is_running`].
    fn runs(&self) -> bool;
    /// [`Runtime::queue_depth`].
    fn queued(&self) -> Option<usize>;
}

impl<R: Runtime> ErasedRuntime for R {
    fn itself(&self) -> &dyn Any {
        self.as_any()
    }
    fn own(&self) -> &dyn Any {
        self
    }
    fn to_dyn(&self) -> DynRuntime {
        // Else each task that passes its runtime on would add a box to every future below it: see the conformance
        // case `current_runtime::a_boxed_runtime_is_not_boxed_again`.
        let any: &dyn Any = self;
        match any.downcast_ref::<DynRuntime>() {
            Some(already) => already.clone(),
            None => DynRuntime(Arc::new(self.clone())),
        }
    }
    fn spawn_boxed(&self, future: BoxFuture<()>) -> Result<(), SpawnError> {
        self.spawn(future).map(Join::detach)
    }
    fn spawn_blocking_boxed(&self, work: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.spawn_blocking(work).map(Join::detach)
    }
    fn clock(&self) -> Instant {
        self.now()
    }
    fn sleep_boxed(&self, deadline: Instant) -> BoxFuture<()> {
        Box::pin(self.sleep_until(deadline))
    }
    fn random(&self) -> u64 {
        self.entropy()
    }
    fn time_of_day(&self) -> Duration {
        self.unix_time()
    }
    fn label(&self) -> &'static str {
        self.name()
    }
    fn workers(&self) -> usize {
        self.worker_count()
    }
    fn task_id(&self) -> TaskId {
        self.next_task_id()
    }
    fn scope(&self) -> &RootScope {
        self.root()
    }
    fn runs(&self) -> bool {
        self.is_running()
    }
    fn queued(&self) -> Option<usize> {
        self.queue_depth()
    }
}

/// Any runtime as one type. Each spawn and each timer is boxed; `.on(&runtime)` avoids that.
#[derive(Clone)]
pub struct DynRuntime(Arc<dyn ErasedRuntime>);

impl DynRuntime {
    /// Wraps `runtime`.
    pub fn new<R: Runtime>(runtime: &R) -> Self {
        runtime.to_dyn()
    }

    pub(crate) fn erased(runtime: Arc<dyn ErasedRuntime>) -> Self {
        Self(runtime)
    }

    /// The runtime inside, if it is an `R`.
    pub fn downcast_ref<R: Runtime>(&self) -> Option<&R> {
        self.0.itself().downcast_ref()
    }
}

impl DynRuntime {
    /// Compiled once for each type of output, and not for each future.
    fn spawn_pinned<T: Send + 'static>(&self, future: BoxFuture<T>) -> Result<DynJoin<T>, SpawnError> {
        let (sender, join) = channel();
        self.0.spawn_boxed(Box::pin(async move {
            // The future is named first, so that it is captured first: dropped unfinished, it is dropped
            // before its handle is notified.
            let output = future.await;
            sender.send(output);
        }))?;
        Ok(join)
    }
}

impl fmt::Debug for DynRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynRuntime").field(&self.0.label()).finish()
    }
}

impl Runtime for DynRuntime {
    type Sleep = DynSleep;
    type Join<T: Send + 'static> = DynJoin<T>;

    fn spawn<F>(&self, future: F) -> Result<DynJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_pinned(Box::pin(future))
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<DynJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (sender, join) = channel();
        self.0.spawn_blocking_boxed(Box::new(move || {
            let output = work();
            sender.send(output);
        }))?;
        Ok(join)
    }

    fn now(&self) -> Instant {
        self.0.clock()
    }
    fn sleep_until(&self, deadline: Instant) -> DynSleep {
        DynSleep(SyncWrapper::new(self.0.sleep_boxed(deadline)))
    }
    fn entropy(&self) -> u64 {
        self.0.random()
    }
    fn unix_time(&self) -> Duration {
        self.0.time_of_day()
    }
    fn name(&self) -> &'static str {
        self.0.label()
    }
    fn worker_count(&self) -> usize {
        self.0.workers()
    }
    fn as_any(&self) -> &dyn Any {
        self.0.itself()
    }
    fn next_task_id(&self) -> TaskId {
        self.0.task_id()
    }
    fn root(&self) -> &RootScope {
        self.0.scope()
    }
    fn is_running(&self) -> bool {
        self.0.runs()
    }
    fn queue_depth(&self) -> Option<usize> {
        self.0.queued()
    }
}

/// The output of a task, on its way to its join handle. The queue is closed once no output will come.
struct Handover<T> {
    output: ConcurrentQueue<T>,
    waker: AtomicWaker,
}

/// The end that the task has. Dropped, it says that no output will come.
pub(crate) struct Sender<T>(Arc<Handover<T>>);

impl<T> Sender<T> {
    pub(crate) fn send(self, output: T) {
        // It has room for one, and only this end closes it. A handle that is gone leaves the output to this end.
        let _ = self.0.output.push(output);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.output.close();
        self.0.waker.wake();
    }
}

/// The two ends of a task's output on its way to its join handle.
pub(crate) fn channel<T: Send + 'static>() -> (Sender<T>, DynJoin<T>) {
    let shared = Arc::new(Handover { output: ConcurrentQueue::bounded(1), waker: AtomicWaker::new() });
    (Sender(shared.clone()), DynJoin(shared))
}

/// The timer of a [`DynRuntime`].
// It is only ever polled, which needs exclusive access; so it may be shared, and what holds it too.
pub struct DynSleep(SyncWrapper<BoxFuture<()>>);

impl Future for DynSleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.get_mut().as_mut().poll(cx)
    }
}

/// The join handle of a [`DynRuntime`].
pub struct DynJoin<T>(Arc<Handover<T>>);

impl<T> Future for DynJoin<T> {
    type Output = Option<T>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let taken = || match self.0.output.pop() {
            Ok(output) => Poll::Ready(Some(output)),
            Err(PopError::Closed) => Poll::Ready(None),
            Err(PopError::Empty) => Poll::Pending,
        };
        let ready = taken();
        if ready.is_ready() {
            return ready;
        }
        // Registered first, then looked at again: an output in between is seen, or wakes.
        self.0.waker.register(cx.waker());
        taken()
    }
}

impl<T: Send + 'static> Join<T> for DynJoin<T> {
    fn detach(self) {}
}
