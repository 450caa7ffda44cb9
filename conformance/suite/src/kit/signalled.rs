//! A runtime whose termination signals come from a case, in place of the operating system. It counts the work
//! that it passes on.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use crate::library::runtime::{RootScope, Signal};
use crate::library::{RuntimeError, SpawnError, TaskId, Termination};
use async_channel::{Receiver, Sender, unbounded};
use futures_lite::stream::{Stream, StreamExt as _};

use super::prelude::*;

/// A wrapper of another runtime, with signals that a case sends. Clones share the count of what was spawned.
#[derive(Clone)]
pub(crate) struct SignalledRuntime<R> {
    inner: R,
    signals: Receiver<Signal>,
    timer_hook: TimerHook<R>,
    spawned: Arc<AtomicUsize>,
}

#[cfg(feature = "cases")]
impl<R> SignalledRuntime<R> {
    /// Returns the number of futures and jobs that were passed to the inner runtime.
    pub(crate) fn spawned(&self) -> usize {
        self.spawned.load(Ordering::SeqCst)
    }
}

/// A function that is called before each poll of a timer, with the runtime and the timer's deadline. It may
/// block the thread.
type TimerHook<R> = Arc<dyn Fn(&R, Instant) + Send + Sync>;

/// Returns `inner` in its wrapper, and the sender of its termination signals.
pub(crate) fn with_signals<R: Runtime>(inner: &R) -> (SignalledRuntime<R>, Sender<Signal>) {
    with_signals_and_timer_hook(inner, |_, _| ())
}

/// As [`with_signals`], with a function that is called before each poll of a timer, given its deadline.
pub(crate) fn with_signals_and_timer_hook<R: Runtime>(
    inner: &R,
    timer_hook: impl Fn(&R, Instant) + Send + Sync + 'static,
) -> (SignalledRuntime<R>, Sender<Signal>) {
    let (sender, signals) = unbounded();
    let timer_hook = Arc::new(timer_hook);
    let inner = inner.clone();
    (SignalledRuntime { inner, signals, timer_hook, spawned: Arc::default() }, sender)
}

pub(crate) struct ObservedSleep<R: Runtime> {
    sleep: Pin<Box<R::Sleep>>,
    deadline: Instant,
    runtime: SignalledRuntime<R>,
}

// The timer is in a box, and nothing else is pinned.
impl<R: Runtime> Unpin for ObservedSleep<R> {}

impl<R: Runtime> Future for ObservedSleep<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        (self.runtime.timer_hook)(&self.runtime.inner, self.deadline);
        self.sleep.as_mut().poll(cx)
    }
}

impl<R: Runtime> Termination for SignalledRuntime<R> {
    fn terminations(&self) -> impl Stream<Item = Result<Signal, RuntimeError>> + Send {
        self.signals.clone().map(Ok)
    }
}

impl<R: Runtime> Runtime for SignalledRuntime<R> {
    type Sleep = ObservedSleep<R>;
    type Join<T: Send + 'static> = R::Join<T>;

    fn spawn<F>(&self, future: F) -> Result<R::Join<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawned.fetch_add(1, Ordering::SeqCst);
        self.inner.spawn(future)
    }

    fn spawn_blocking<F, T>(&self, work: F) -> Result<R::Join<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.spawned.fetch_add(1, Ordering::SeqCst);
        self.inner.spawn_blocking(work)
    }

    fn root(&self) -> &RootScope {
        self.inner.root()
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn sleep_until(&self, deadline: Instant) -> ObservedSleep<R> {
        let sleep = Box::pin(self.inner.sleep_until(deadline));
        ObservedSleep { sleep, deadline, runtime: self.clone() }
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
