//! How many of the workers may work: a fixed number, or what the load makes of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_channel::WeakReceiver;
use event_listener::Event;

use super::control::Control;
use super::message::Message;
use crate::error::AsyncTaskError;
use crate::limit::{Scale, Window};
use crate::pipeline::progress::Counters;
use crate::runtime::Runtime;

/// How long is looked at before the number of workers changes: many slices, and a small part of a second.
pub(crate) const WINDOW: Duration = Duration::from_millis(10);
/// How often it is looked at meanwhile who is busy.
const LOOKS: u32 = 2;

/// Lets the first workers work; the others wait at it, and cost nothing meanwhile.
///
/// Relaxed throughout: the numbers alone matter, and a worker that sees one late takes a chunk more.
pub(crate) struct Gate {
    open: AtomicUsize,
    busy: AtomicUsize,
    changed: Event,
}

/// Opens the gate for all once it is dropped.
pub(crate) struct Leaves<'a>(&'a Gate);

/// A worker has a chunk in hand.
pub(crate) struct Busy<'a>(&'a Gate);

impl Gate {
    pub(crate) fn new(open: usize) -> Self {
        Self { open: AtomicUsize::new(open), busy: AtomicUsize::new(0), changed: Event::new() }
    }

    pub(crate) fn is_open(&self, index: usize) -> bool {
        index < self.open.load(Ordering::Relaxed)
    }

    /// Waits until worker `index` may work.
    pub(crate) async fn opens(&self, index: usize) {
        while !self.is_open(index) {
            // Listen, then look again: `set` stores before it notifies, and both fence.
            let changed = self.changed.listen();
            if !self.is_open(index) {
                changed.await;
            }
        }
    }

    pub(crate) fn set(&self, open: usize) {
        let before = self.open.load(Ordering::Relaxed);
        // Once it is open for all, it stays so.
        if before != usize::MAX && before != open {
            self.open.store(open, Ordering::Relaxed);
            self.changed.notify(usize::MAX);
        }
    }

    /// For a worker that works: when it leaves, for whatever reason, those that wait must see for themselves what is left.
    pub(crate) fn leaves(&self) -> Leaves<'_> {
        Leaves(self)
    }

    pub(crate) fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.set(usize::MAX);
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Changes the number of workers as the load does, for ever; ends only with the runtime.
pub(crate) async fn scale<T, R: Runtime, O>(
    (min, max): (usize, usize),
    gate: &Gate,
    control: &Control<R>,
    queue: WeakReceiver<Message<T>>,
) -> Result<O, AsyncTaskError> {
    let Control { runtime, counters, .. } = control;
    Counters::set(&counters.workers, min as u64);
    if min == max {
        return std::future::pending().await;
    }
    let done = || Counters::get(&counters.handled) + Counters::get(&counters.rejected);
    let mut scale = Scale::new(min, max);
    let (mut since, mut before, mut busy, mut looks) = (runtime.now(), done(), 0, 0);
    loop {
        runtime.sleep(WINDOW / LOOKS).await?;
        busy += gate.busy.load(Ordering::Relaxed);
        looks += 1;
        let (now, all) = (runtime.now(), done());
        let window = Window {
            elapsed: now.saturating_duration_since(since),
            done: all - before,
            busy: busy.div_ceil(looks),
            waiting: queue.upgrade().is_some_and(|queue| !queue.is_empty()),
        };
        // Where events take longer than a window, each worker should have had the time for one.
        if looks < LOOKS as usize || window.done < window.busy as u64 {
            continue;
        }
        (since, before, busy, looks) = (now, all, 0, 0);
        let workers = scale.workers();
        let decided = scale.observe(&window);
        if decided != workers {
            tracing::debug!(task.id = %control.task, workers = decided, before = workers, ?window, "a pipeline changes its workers");
            Counters::set(&counters.workers, decided as u64);
            gate.set(decided);
        }
    }
}
