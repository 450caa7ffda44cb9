//! Local work, which must stay on one thread, and the scope that drives it there.

use std::cell::Cell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::runtime::Runtime;
use crate::runtime::erased::channel;
use crate::runtime::erased::{DynJoin, DynRuntime};

/// A future that stays on its thread. It is boxed: local work is the exception, and its cost is not critical.
pub type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// A runtime that can also drive work that is not `Send`, on the calling thread.
pub trait LocalRuntime: Runtime {
    /// The executor of local work: made for one scope, and dropped at its end.
    type Local: LocalExecutor;

    /// Makes an executor for one scope.
    fn local(&self) -> Self::Local;

    /// Runs `future` on this thread, and beside it the tasks that
    /// [`TaskBuilder::spawn_local`](crate::TaskBuilder::spawn_local) starts below it. When `future` is ready,
    /// the local tasks that are left are dropped, and their handles give
    /// [`AsyncTaskError::Shutdown`](crate::AsyncTaskError::Shutdown). Tasks that these had spawned on the
    /// runtime are killed and not waited for.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future` and the local tasks.
    fn run_local<F: Future>(&self, future: F) -> impl Future<Output = F::Output> {
        let (executor, runtime) = (self.local(), DynRuntime::new(self));
        async move {
            let spawner = executor.clone();
            let scope = Rc::new(LocalScope { spawn: Box::new(move |work| spawner.spawn(work)), runtime });
            let within = Within { scope: Rc::downgrade(&scope), future };
            let output = pin!(executor.drive(within)).await;
            // The tasks hold the scope weakly, so this drops the executor, and them with it.
            drop(scope);
            drop(executor);
            output
        }
    }
}

/// The executor of the futures of one local scope. Clones are the same executor; dropping the last drops the
/// futures that are left.
pub trait LocalExecutor: Clone + 'static {
    /// Starts `work`.
    fn spawn(&self, work: LocalFuture);

    /// Polls `future`, and the spawned futures for as long as it is pending.
    fn drive<F: Future>(&self, future: F) -> impl Future<Output = F::Output>;
}

thread_local! {
    static CURRENT: Cell<Option<Rc<LocalScope>>> = const { Cell::new(None) };
}

/// The scope that this thread is polling.
pub(crate) struct LocalScope {
    spawn: Box<dyn Fn(LocalFuture)>,
    pub(crate) runtime: DynRuntime,
}

impl LocalScope {
    pub(crate) fn current() -> Option<Rc<Self>> {
        let peek = |cell: &Cell<Option<Rc<Self>>>| {
            let current = cell.take();
            cell.set(current.clone());
            current
        };
        CURRENT.try_with(peek).ok().flatten()
    }

    pub(crate) fn spawn<F>(self: &Rc<Self>, future: F) -> DynJoin<F::Output>
    where
        F: Future<Output: Send + 'static> + 'static,
    {
        let (sender, join) = channel();
        let future = Within { scope: Rc::downgrade(self), future };
        (self.spawn)(Box::pin(async move {
            let output = future.await;
            sender.send(output);
        }));
        join
    }
}

pin_project! {
    /// A future of a local scope, which [`LocalScope::current`] finds during its polls.
    struct Within<F> {
        scope: Weak<LocalScope>,
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        struct Restore(Option<Rc<LocalScope>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                let outer = self.0.take();
                let _ = CURRENT.try_with(|cell| cell.set(outer));
            }
        }
        let this = self.project();
        let scope = this.scope.upgrade();
        let _restore = Restore(CURRENT.try_with(|cell| cell.replace(scope)).unwrap_or(None));
        this.future.poll(cx)
    }
}
