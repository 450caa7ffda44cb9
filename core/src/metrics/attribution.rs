//! The attribution of what a thread uses to tasks.
//!
//! A charge is open while a poll or a blocking job of a task with metrics is under way, and measures what the
//! thread has used since the charge was opened. Charges nest where a task is part of another: the outer one
//! does not record what an inner one has recorded.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::Meter;
use crate::metrics::clock::thread_time;
use crate::metrics::counters::{CPU, Direction, IO, MEMORY, Sums, UNCOUNTED};
use crate::metrics::memory::thread_allocations;

thread_local! {
    static OPEN: RefCell<Option<Open>> = const { RefCell::new(None) };
}

struct Open {
    meter: Arc<Meter>,
    /// The usage that the charges within it have recorded.
    within: Sums,
}

/// The counters of this thread, as they are now.
fn reading() -> Sums {
    let mut sums = Sums::default();
    if let Some(memory) = thread_allocations() {
        (sums.allocated, sums.freed) = (memory.allocated, memory.freed);
        sums.known |= MEMORY;
        match memory.count {
            Some(count) => sums.allocations = count,
            None => sums.known |= UNCOUNTED,
        }
    }
    if let Some(time) = thread_time() {
        (sums.cpu, sums.system) = (time.total, time.system);
        sums.known |= CPU;
    }
    sums
}

/// A charge. It is open until it is dropped, on the thread that opened it.
pub(crate) struct Attribution {
    before: Sums,
    outer: Option<Open>,
    _not_send: PhantomData<*const ()>,
}

impl Attribution {
    /// Charges what the thread uses from now on to `meter`.
    pub(crate) fn begin(meter: &Arc<Meter>) -> Self {
        let open = Open { meter: meter.clone(), within: Sums::default() };
        let outer = OPEN.try_with(|cell| cell.replace(Some(open))).ok().flatten();
        Self { before: reading(), outer, _not_send: PhantomData }
    }
}

impl Drop for Attribution {
    fn drop(&mut self) {
        let after = reading();
        let spent = after.minus(&self.before);
        // A thread whose thread-locals are destroyed records nothing.
        let outer = self.outer.take().map(|open| Open { within: open.within.plus(&spent), ..open });
        let Some(open) = OPEN.try_with(|cell| cell.replace(outer)).ok().flatten() else { return };
        // A figure that is known only at the end was not known for the whole charge.
        let known = (after.known & self.before.known) | (after.known & UNCOUNTED);
        open.meter.record(&Sums { known, ..spent.minus(&open.within) });
    }
}

/// The meter that is charged on this thread, if there is one.
pub(crate) fn active() -> Option<Arc<Meter>> {
    let look = |cell: &RefCell<Option<Open>>| Some(cell.try_borrow().ok()?.as_ref()?.meter.clone());
    OPEN.try_with(look).ok().flatten()
}

/// The time at which an operation begins; `None` if no meter is charged on this thread.
pub(super) fn begun() -> Option<Instant> {
    let open = |cell: &RefCell<Option<Open>>| cell.try_borrow().is_ok_and(|open| open.is_some());
    OPEN.try_with(open).unwrap_or(false).then(Instant::now)
}

/// Charges the meter of this thread for an operation that began at `begun` and moved this many bytes.
pub(super) fn operated(begun: Option<Instant>, bytes: u64, is_read: bool) {
    let (Some(begun), Some(meter)) = (begun, active()) else { return };
    let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let (direction, none) = (Direction { bytes, operations: 1, nanos }, Direction::default());
    let (read, written) = if is_read { (direction, none) } else { (none, direction) };
    meter.record(&Sums { read, written, known: IO, ..Sums::default() });
}
