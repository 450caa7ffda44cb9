//! The handle to the runtime, with the primitives that core uses.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Instant;

use sweet_async_core::runtime::{BlockOnGuard, RootScope};
use sweet_async_core::{AsyncTaskError, BlockOn, Runtime, SpawnError};

use crate::join::{TinyJoin, pair};
use crate::mailbox::Mailbox;
use crate::task::Task;
use crate::timer::TinySleep;
use crate::{blocking, park, scheduler, timer};

/// A handle to a [`TinyPool`](crate::TinyPool). It keeps neither the threads nor the tasks alive: it holds
/// only channels to them.
#[derive(Clone)]
pub struct TinyRuntime(Arc<Shared>);

/// The state that all handles share.
pub(crate) struct Shared {
    pub(crate) root: RootScope,
    pub(crate) workers: usize,
    pub(crate) scheduler: Mailbox<scheduler::Message>,
    pub(crate) timers: Mailbox<timer::Message>,
    pub(crate) foreman: Mailbox<blocking::Message>,
}

impl TinyRuntime {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Ends everything. The root scope is closed first, so that core takes nothing new.
    pub(crate) fn end(&self) {
        self.0.root.close();
        self.0.scheduler.close();
        self.0.timers.close();
        self.0.foreman.close();
    }
}

impl Runtime for TinyRuntime {
    type Sleep = TinySleep;
    type Join<T: Send + 'static> = TinyJoin<T>;

    fn spawn<F>(&self, future: F) -> Result<TinyJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (sender, join) = pair();
        let task = Task::new(self.0.scheduler.clone(), async move {
            // The future is named first, so that it is captured first and dropped first: finished or not, it
            // is dropped before its handle is notified of the end.
            let output = future.await;
            sender.send(output);
        });
        let accepted = self.0.scheduler.send(scheduler::Message::Spawned(task));
        accepted.then_some(join).ok_or(SpawnError::Shutdown)
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<TinyJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (sender, join) = pair();
        // The work is captured first here too.
        let job = move || {
            let output = work();
            sender.send(output);
        };
        let accepted = self.0.foreman.send(blocking::Message::Job(Box::new(job)));
        accepted.then_some(join).ok_or(SpawnError::Shutdown)
    }

    fn root(&self) -> &RootScope {
        &self.0.root
    }

    fn sleep_until(&self, deadline: Instant) -> TinySleep {
        TinySleep::until(deadline, self.0.timers.clone())
    }

    fn entropy(&self) -> u64 {
        // Every hasher of the standard library starts from keys of its own.
        RandomState::new().hash_one(())
    }

    fn name(&self) -> &'static str {
        "tiny"
    }

    fn worker_count(&self) -> usize {
        self.0.workers
    }
}

impl BlockOn for TinyRuntime {
    /// Runs `future` on this thread. Tasks run on the workers, and not here.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output, AsyncTaskError> {
        // Refuses where this thread must not be blocked, and makes this the runtime of `AsyncTask` meanwhile.
        let _inside = BlockOnGuard::new(self)?;
        if self.0.scheduler.is_closed() {
            return Err(AsyncTaskError::Shutdown);
        }
        Ok(park::drive(future))
    }
}

impl fmt::Debug for TinyRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TinyRuntime")
            .field("workers", &self.0.workers)
            .field("root", &self.0.root)
            .finish_non_exhaustive()
    }
}
