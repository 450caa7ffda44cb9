//! A runtime whose random numbers come from a case.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::library::runtime::RootScope;
use crate::library::{SpawnError, TaskId};

use super::prelude::*;

/// A wrapper of another runtime, with random numbers that a case has chosen. Clones share them.
#[derive(Clone)]
pub(crate) struct ScriptedEntropy<R> {
    inner: R,
    numbers: Arc<[u64]>,
    drawn: Arc<AtomicUsize>,
}

impl<R: Runtime> ScriptedEntropy<R> {
    /// Returns `inner` with these random numbers. All numbers after them are zero.
    pub(crate) fn new(inner: &R, numbers: &[u64]) -> Self {
        Self { inner: inner.clone(), numbers: numbers.into(), drawn: Arc::default() }
    }

    /// Returns the number of random numbers that were drawn.
    pub(crate) fn drawn(&self) -> usize {
        self.drawn.load(Ordering::SeqCst)
    }
}

impl<R: Runtime> Runtime for ScriptedEntropy<R> {
    type Sleep = R::Sleep;
    type Join<T: Send + 'static> = R::Join<T>;

    fn spawn<F>(&self, future: F) -> Result<R::Join<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn(future)
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<R::Join<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn_blocking(work)
    }

    fn root(&self) -> &RootScope {
        self.inner.root()
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn sleep_until(&self, deadline: Instant) -> R::Sleep {
        self.inner.sleep_until(deadline)
    }

    fn unix_time(&self) -> Duration {
        self.inner.unix_time()
    }

    fn entropy(&self) -> u64 {
        let number = self.drawn.fetch_add(1, Ordering::SeqCst);
        self.numbers.get(number).copied().unwrap_or_default()
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn worker_count(&self) -> usize {
        self.inner.worker_count()
    }

    fn as_any(&self) -> &dyn Any {
        self.inner.as_any()
    }

    fn next_task_id(&self) -> TaskId {
        self.inner.next_task_id()
    }

    fn is_running(&self) -> bool {
        self.inner.is_running()
    }

    fn queue_depth(&self) -> Option<usize> {
        self.inner.queue_depth()
    }
}
