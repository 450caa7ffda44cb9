//! The number of workers that may work: a fixed number, or one that follows the load.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_channel::WeakReceiver;
use event_listener::Event;

use crate::outcome::progress::Counters;
use crate::run::shared::control::Control;
use crate::run::shared::message::Message;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Change, Observer, Sample};
use sweet_async_core::runtime::Runtime as _;

/// The limit on the workers that are active: a worker below an index works, the others wait, at no cost. Source
/// readers have a limit as well.
///
/// Relaxed throughout: only the numbers matter, and a worker that sees one late takes one chunk more.
pub(crate) struct ActiveLimit {
    allowed: AtomicUsize,
    busy: AtomicUsize,
    changed: Event,
}

/// Lifts the limit when it is dropped.
pub(crate) struct LiftOnDrop<'a>(&'a ActiveLimit);

/// Counts a worker as busy until it is dropped.
pub(crate) struct Busy<'a>(&'a ActiveLimit);

impl ActiveLimit {
    pub(crate) fn new(allowed: usize) -> Self {
        Self { allowed: AtomicUsize::new(allowed), busy: AtomicUsize::new(0), changed: Event::new() }
    }

    pub(crate) fn allows(&self, index: usize) -> bool {
        index < self.allowed.load(Ordering::Relaxed)
    }

    /// Waits until worker `index` may work.
    pub(crate) async fn wait_allowed(&self, index: usize) {
        while !self.allows(index) {
            // Listen, then check again: `set` stores before it notifies, and both fence.
            let changed = self.changed.listen();
            if !self.allows(index) {
                changed.await;
            }
        }
    }

    pub(crate) fn set(&self, allowed: usize) {
        let before = self.allowed.load(Ordering::Relaxed);
        // Once the limit is lifted, it stays lifted.
        if before != usize::MAX && before != allowed {
            self.allowed.store(allowed, Ordering::Relaxed);
            self.changed.notify(usize::MAX);
        }
    }

    /// Held by each worker. When one ends, for whatever reason, the waiting ones must check themselves for
    /// work that is left.
    pub(crate) fn lift_on_drop(&self) -> LiftOnDrop<'_> {
        LiftOnDrop(self)
    }

    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }
}

impl Drop for LiftOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adapts the number of workers to the load, forever. Ends only with the runtime.
pub(crate) async fn scale<O>(
    (min, max): (usize, usize),
    active_limit: &ActiveLimit,
    control: &Control,
    queue: WeakReceiver<Message>,
) -> Result<O, AsyncTaskError> {
    let Control { runtime, counters, .. } = control;
    Counters::set(&counters.workers, min as u64);
    if min == max {
        return std::future::pending().await;
    }
    let done = || counters.handled.get() + counters.rejected.get();
    let mut observer = Observer::new((min, max), runtime.now(), done());
    loop {
        runtime.sleep(Observer::PERIOD).await?;
        let sample = Sample {
            now: runtime.now(),
            done: done(),
            busy: active_limit.busy.load(Ordering::Relaxed),
            waiting: queue.upgrade().is_some_and(|queue| !queue.is_empty()),
        };
        if let Some(Change { before, decided, window }) = observer.sample(&sample) {
            tracing::debug!(task.id = %control.task, workers = decided, before, ?window, "a pipeline changes its workers");
            Counters::set(&counters.workers, decided as u64);
            active_limit.set(decided);
        }
    }
}
