//! A runtime that a case tells to end, in place of the operating system.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use async_channel::{Receiver, Sender, unbounded};
use futures_lite::stream::{Stream, StreamExt as _};
use sweet_async::runtime::{RootScope, Signal};
use sweet_async::{RuntimeError, SpawnError, TaskId, Termination};

use super::prelude::*;

/// Another runtime, with signals that a case sends.
#[derive(Clone)]
pub(crate) struct Told<R> {
    inner: R,
    signals: Receiver<Signal>,
    before_timers: Before<R>,
}

/// Called before each poll of a timer, with what that is for: it may hold the thread.
type Before<R> = Arc<dyn Fn(&R, Instant) + Send + Sync>;

/// `inner`, and what tells it to end.
pub(crate) fn told<R: Runtime>(inner: &R) -> (Told<R>, Sender<Signal>) {
    told_with(inner, |_, _| ())
}

/// As [`told`], with something to do before each poll of a timer, given its deadline.
pub(crate) fn told_with<R: Runtime>(
    inner: &R,
    before_timers: impl Fn(&R, Instant) + Send + Sync + 'static,
) -> (Told<R>, Sender<Signal>) {
    let (tell, signals) = unbounded();
    (Told { inner: inner.clone(), signals, before_timers: Arc::new(before_timers) }, tell)
}

pub(crate) struct ToldSleep<R: Runtime> {
    sleep: Pin<Box<R::Sleep>>,
    deadline: Instant,
    runtime: Told<R>,
}

// The timer is in a box, and nothing else is pinned.
impl<R: Runtime> Unpin for ToldSleep<R> {}

impl<R: Runtime> Future for ToldSleep<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        (self.runtime.before_timers)(&self.runtime.inner, self.deadline);
        self.sleep.as_mut().poll(cx)
    }
}

impl<R: Runtime> Termination for Told<R> {
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send {
        self.signals.clone().map(Ok)
    }
}

impl<R: Runtime> Runtime for Told<R> {
    type Sleep = ToldSleep<R>;
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

    fn sleep_until(&self, deadline: Instant) -> ToldSleep<R> {
        let sleep = Box::pin(self.inner.sleep_until(deadline));
        ToldSleep { sleep, deadline, runtime: self.clone() }
    }

    fn unix_time(&self) -> Duration {
        self.inner.unix_time()
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
