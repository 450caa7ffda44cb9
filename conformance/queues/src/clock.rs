//! A runtime whose clock is wrong, as that of a client's machine may be.

use std::time::{Duration, Instant};

use sweet_async_core::runtime::RootScope;
use sweet_async_core::{DynRuntime, Runtime, SpawnError};

/// A wrapper of a runtime that is `by` ahead of it, or behind.
#[derive(Clone)]
pub(crate) struct Shifted {
    inner: DynRuntime,
    by: Duration,
    is_ahead: bool,
}

impl Shifted {
    pub(crate) fn new(inner: &DynRuntime, by: Duration, is_ahead: bool) -> Self {
        Self { inner: inner.clone(), by, is_ahead }
    }

    /// Returns the time of the clock inside, for a time of this clock.
    fn unshifted(&self, time: Instant) -> Instant {
        let unshifted = if self.is_ahead { time.checked_sub(self.by) } else { time.checked_add(self.by) };
        unshifted.unwrap_or(time)
    }
}

impl Runtime for Shifted {
    type Sleep = <DynRuntime as Runtime>::Sleep;
    type Join<T: Send + 'static> = <DynRuntime as Runtime>::Join<T>;

    fn spawn<F>(&self, future: F) -> Result<Self::Join<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn(future)
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<Self::Join<T>, SpawnError>
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
        let now = self.inner.now();
        let shifted = if self.is_ahead { now.checked_add(self.by) } else { now.checked_sub(self.by) };
        shifted.unwrap_or(now)
    }

    fn unix_time(&self) -> Duration {
        let time = self.inner.unix_time();
        if self.is_ahead { time.saturating_add(self.by) } else { time.saturating_sub(self.by) }
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.inner.sleep_until(self.unshifted(deadline))
    }

    fn entropy(&self) -> u64 {
        self.inner.entropy()
    }

    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn worker_count(&self) -> usize {
        self.inner.worker_count()
    }
}
