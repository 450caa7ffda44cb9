//! The attribution of what a thread uses to tasks.
//!
//! An attribution is open while a poll or a blocking job of a task with metrics is under way, and measures what
//! the thread has used since it was opened. Attributions nest where a task is part of another: the outer one
//! does not record what an inner one has recorded.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::counters::{CPU, Direction, IO, MEMORY, Sums, UNCOUNTED, Used};
use crate::metrics::memory::{Allocations, thread_allocations};
use crate::metrics::meter::HasMeter;
use crate::metrics::processor::{PollEnd, Stretch};

thread_local! {
    static OPEN: RefCell<Option<Open>> = const { RefCell::new(None) };
}

struct Open {
    meter: Arc<dyn HasMeter>,
    /// The usage that the attributions within it have recorded.
    within: Used,
}

/// An attribution. It is open until it is closed or dropped, on the thread that opened it.
pub(crate) struct Attribution {
    processor: Stretch,
    memory: Option<Allocations>,
    is_open: bool,
    outer: Option<Open>,
    _not_send: PhantomData<*const ()>,
}

impl Attribution {
    /// Attributes what the thread uses from now on to the meter of `to`.
    pub(crate) fn begin(to: &Arc<dyn HasMeter>) -> Self {
        Self::open(to.clone(), Stretch::measured)
    }

    /// Attributes a poll that begins at the moment `now` to the meter of `to`, by the mode of that.
    pub(crate) fn of_poll(to: Arc<dyn HasMeter>, now: u64) -> Self {
        let is_exact = to.meter().is_exact();
        Self::open(to, || if is_exact { Stretch::measured() } else { Stretch::sampled(now) })
    }

    fn open(meter: Arc<dyn HasMeter>, begin: impl FnOnce() -> Stretch) -> Self {
        let open = Open { meter, within: Used::default() };
        let outer = OPEN.try_with(|cell| cell.replace(Some(open))).ok().flatten();
        let memory = thread_allocations();
        Self { processor: begin(), memory, is_open: true, outer, _not_send: PhantomData }
    }

    /// Closes the attribution of a poll that began at the moment `begun` and ended at `now`.
    pub(crate) fn poll_ends(&mut self, begun: u64, now: u64) {
        self.close(Some(PollEnd { now, took: now.saturating_sub(begun) }));
    }

    /// Records what was used; `poll` is its end, if it was a poll.
    fn close(&mut self, poll: Option<PollEnd>) {
        self.is_open = false;
        let (spent, known) = self.spent(poll);
        // A thread whose thread-locals are destroyed records nothing.
        let outer = self.outer.take().map(|open| Open { within: open.within.plus(&spent), ..open });
        let Some(open) = OPEN.try_with(|cell| cell.replace(outer)).ok().flatten() else { return };
        let own = spent.minus(&open.within);
        match poll {
            Some(_) => open.meter.meter().record_poll(&own, known),
            None => open.meter.meter().record(&Sums { used: own, known, ..Sums::default() }),
        }
    }

    /// The usage since it was opened, and the flags of the figures that are known.
    fn spent(&self, poll: Option<PollEnd>) -> (Used, u8) {
        let (mut used, mut known) = (Used::default(), 0);
        if let Some(time) = self.processor.spent(poll) {
            (used.cpu, used.system) = (time.total, time.system);
            known |= CPU;
        }
        // A figure that is known only at the end was not known for the whole attribution.
        if let Some(before) = self.memory
            && let Some(now) = thread_allocations()
        {
            used.allocated = now.allocated.saturating_sub(before.allocated);
            used.freed = now.freed.saturating_sub(before.freed);
            known |= MEMORY;
            match before.count.zip(now.count) {
                Some((before, now)) => used.allocations = now.saturating_sub(before),
                None => known |= UNCOUNTED,
            }
        }
        (used, known)
    }
}

impl Drop for Attribution {
    fn drop(&mut self) {
        if self.is_open {
            self.close(None);
        }
    }
}

/// The owner of the meter to which this thread's usage is attributed, if there is one.
pub(crate) fn active() -> Option<Arc<dyn HasMeter>> {
    let owner = |cell: &RefCell<Option<Open>>| Some(cell.try_borrow().ok()?.as_ref()?.meter.clone());
    OPEN.try_with(owner).ok().flatten()
}

/// The time at which an operation begins; `None` if no attribution is open on this thread.
pub(super) fn begun() -> Option<Instant> {
    let open = |cell: &RefCell<Option<Open>>| cell.try_borrow().is_ok_and(|open| open.is_some());
    OPEN.try_with(open).unwrap_or(false).then(Instant::now)
}

/// Records an operation that began at `begun` and moved this many bytes.
pub(super) fn operated(begun: Option<Instant>, bytes: u64, is_read: bool) {
    let (Some(begun), Some(owner)) = (begun, active()) else { return };
    let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let (direction, none) = (Direction { bytes, operations: 1, nanos }, Direction::default());
    let (read, written) = if is_read { (direction, none) } else { (none, direction) };
    owner.meter().record(&Sums { read, written, known: IO, ..Sums::default() });
}
