//! A runtime that wraps another one, with a method to override for each fault that a backend is likely to
//! have.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_channel::{Receiver, bounded};
use conformance::{Failure, Harness};
use sweet_async::runtime::{BlockOnGuard, RootScope};
use sweet_async::smol::{SmolJoin, SmolPool, SmolRuntime};
use sweet_async::{AsyncTaskError, Join, Runtime, SpawnError};

/// A future as the wrapper passes it on.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Blocking work as the wrapper passes it on.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// The time limit of a case that does not hang.
pub(crate) const LONG: Duration = Duration::from_secs(90);

/// The fault of one backend. Each method is correct, until a fault overrides it.
pub(crate) trait Fault: 'static {
    /// The time limit of a case: short, since most faults show as a hang.
    const LIMIT: Duration = Duration::from_secs(1);

    /// True if `block_on` enters the runtime.
    const ENTERS: bool = true;

    /// The future that is polled in place of `work`.
    fn poll(work: Work) -> Work {
        work
    }

    /// Drops `work`, which was left unfinished at the end of the executor.
    fn part(work: Work) {
        drop(work);
    }

    /// Runs `job` where it may block.
    fn block(inner: &SmolRuntime, job: Job) -> Result<SmolJoin<()>, SpawnError> {
        inner.spawn_blocking(job)
    }

    /// Polls a join handle. A fault may keep a waker in `first`.
    fn join(handle: &mut SmolJoin<()>, _first: &mut Option<Waker>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(handle).poll(cx).map(drop)
    }

    /// Gives a join handle up.
    fn detach(handle: SmolJoin<()>) {
        handle.detach();
    }

    /// The current time of the clock.
    fn now() -> Instant {
        Instant::now()
    }

    /// A timer for `deadline`.
    fn sleep(inner: &SmolRuntime, deadline: Instant) -> Work {
        Box::pin(inner.sleep_until(deadline))
    }

    /// Ends the executor by dropping its owner.
    fn end(pool: SmolPool) {
        drop(pool);
    }
}

/// The wrapper without a fault: shows that the wrapper itself fails no case.
pub(crate) struct Healthy;

impl Fault for Healthy {
    const LIMIT: Duration = LONG;
}

/// A smol pool as a backend with the fault `F`.
pub(crate) struct Planted<F> {
    inner: SmolRuntime,
    fault: PhantomData<fn() -> F>,
}

// Not derived: that would require `F: Clone`.
impl<F> Clone for Planted<F> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), fault: PhantomData }
    }
}

impl<F: Fault> Runtime for Planted<F> {
    type Sleep = Work;
    type Join<T: Send + 'static> = PlantedJoin<T, F>;

    fn spawn<W>(&self, future: W) -> Result<PlantedJoin<W::Output, F>, SpawnError>
    where
        W: Future + Send + 'static,
        W::Output: Send + 'static,
    {
        let (sender, output) = bounded(1);
        let work = F::poll(Box::pin(async move {
            let output = future.await;
            let _ = sender.try_send(output);
        }));
        let handle = self.inner.spawn(Body::<F> { work: Some(work), fault: PhantomData })?;
        Ok(PlantedJoin { handle, output, first: None, fault: PhantomData })
    }

    fn spawn_blocking<W, T>(&self, work: W) -> Result<PlantedJoin<T, F>, SpawnError>
    where
        W: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (sender, output) = bounded(1);
        let job = move || {
            let output = work();
            let _ = sender.try_send(output);
        };
        let handle = F::block(&self.inner, Box::new(job))?;
        Ok(PlantedJoin { handle, output, first: None, fault: PhantomData })
    }

    fn root(&self) -> &RootScope {
        self.inner.root()
    }

    fn now(&self) -> Instant {
        F::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Work {
        F::sleep(&self.inner, deadline)
    }

    fn unix_time(&self) -> Duration {
        self.inner.unix_time()
    }

    fn entropy(&self) -> u64 {
        self.inner.entropy()
    }

    fn name(&self) -> &'static str {
        "planted"
    }

    fn worker_count(&self) -> usize {
        self.inner.worker_count()
    }
}

/// The future that the executor polls and drops.
struct Body<F: Fault> {
    work: Option<Work>,
    fault: PhantomData<fn() -> F>,
}

impl<F: Fault> Future for Body<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(work) = &mut self.work {
            std::task::ready!(work.as_mut().poll(cx));
            self.work = None;
        }
        Poll::Ready(())
    }
}

impl<F: Fault> Drop for Body<F> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            F::part(work);
        }
    }
}

/// The join handle of a [`Planted`] runtime.
pub(crate) struct PlantedJoin<T, F> {
    handle: SmolJoin<()>,
    output: Receiver<T>,
    first: Option<Waker>,
    fault: PhantomData<fn() -> F>,
}

// Nothing in it is ever pinned: join handles are `Unpin`.
impl<T, F> Unpin for PlantedJoin<T, F> {}

impl<T, F: Fault> Future for PlantedJoin<T, F> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        std::task::ready!(F::join(&mut this.handle, &mut this.first, cx));
        Poll::Ready(this.output.try_recv().ok())
    }
}

impl<T: Send + 'static, F: Fault> Join<T> for PlantedJoin<T, F> {
    fn detach(self) {
        F::detach(self.handle);
    }
}

/// A pool with the fault `F`, for one case.
pub(crate) struct FaultyPool<F: Fault> {
    /// `None` only while it is being dropped.
    pool: Option<SmolPool>,
    runtime: Planted<F>,
}

impl<F: Fault> Harness for FaultyPool<F> {
    type Runtime = Planted<F>;
    const NAME: &'static str = "planted";
    const LIMIT: Duration = F::LIMIT;

    fn start() -> Result<Self, Failure> {
        let pool = SmolPool::new(2)?;
        let runtime = Planted { inner: pool.runtime().clone(), fault: PhantomData };
        Ok(Self { pool: Some(pool), runtime })
    }

    fn runtime(&self) -> Planted<F> {
        self.runtime.clone()
    }

    fn block_on<W: Future>(&self, future: W) -> Result<W::Output, AsyncTaskError> {
        let _inside = F::ENTERS.then(|| BlockOnGuard::new(&self.runtime)).transpose()?;
        Ok(futures_lite::future::block_on(future))
    }

    fn is_inside() -> bool {
        std::thread::current().name().is_some_and(|name| name.starts_with("sweet-smol-"))
    }
}

impl<F: Fault> Drop for FaultyPool<F> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.take() {
            F::end(pool);
        }
    }
}
