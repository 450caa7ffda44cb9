//! The number of workers that may work: a fixed number, or one that follows the load.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_channel::WeakReceiver;
use event_listener::Event;

use crate::outcome::progress::Counters;
use crate::run::shared::control::Control;
use crate::run::shared::message::Message;
use sweet_async_core::RuntimeExt as _;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Change, Look, Observer};
use sweet_async_core::runtime::Runtime as _;

/// Lets the workers below an index work. The others wait, at no cost. Source readers use one as well.
///
/// Relaxed throughout: only the numbers matter, and a worker that sees one late takes one chunk more.
pub(crate) struct Gate {
    open: AtomicUsize,
    busy: AtomicUsize,
    changed: Event,
}

/// Opens the gate for all workers when it is dropped.
pub(crate) struct OpenOnDrop<'a>(&'a Gate);

/// Counts a worker as busy until it is dropped.
pub(crate) struct Busy<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(open: usize) -> Self {
        Self { open: AtomicUsize::new(open), busy: AtomicUsize::new(0), changed: Event::new() }
    }

    pub(crate) fn is_open(&self, index: usize) -> bool {
        index < self.open.load(Ordering::Relaxed)
    }

    /// Waits until worker `index` may work.
    pub(crate) async fn wait_open(&self, index: usize) {
        while !self.is_open(index) {
            // Listen, then check again: `set` stores before it notifies, and both fence.
            let changed = self.changed.listen();
            if !self.is_open(index) {
                changed.await;
            }
        }
    }

    pub(crate) fn set(&self, open: usize) {
        let before = self.open.load(Ordering::Relaxed);
        // Once the gate is open for all, it stays open.
        if before != usize::MAX && before != open {
            self.open.store(open, Ordering::Relaxed);
            self.changed.notify(usize::MAX);
        }
    }

    /// Held by each worker. When one ends, for whatever reason, the waiting ones must check themselves for
    /// work that is left.
    pub(crate) fn open_on_drop(&self) -> OpenOnDrop<'_> {
        OpenOnDrop(self)
    }

    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }
}

impl Drop for OpenOnDrop<'_> {
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
    gate: &Gate,
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
        let look = Look {
            now: runtime.now(),
            done: done(),
            busy: gate.busy.load(Ordering::Relaxed),
            waiting: queue.upgrade().is_some_and(|queue| !queue.is_empty()),
        };
        if let Some(Change { before, decided, window }) = observer.look(&look) {
            tracing::debug!(task.id = %control.task, workers = decided, before, ?window, "a pipeline changes its workers");
            Counters::set(&counters.workers, decided as u64);
            gate.set(decided);
        }
    }
}
