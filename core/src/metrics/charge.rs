//! Who is charged for what this thread does.
//!
//! A charge is open while a poll or a blocking job of a task with metrics is under way, and says what the thread has used since
//! its begin. Charges nest, where a task is part of another: what an inner one has booked, the outer one does not.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crate::metrics::Meter;
use crate::metrics::clock::thread_time;
use crate::metrics::counters::{CPU, IO, MEMORY, Sums, UNCOUNTED, Way};
use crate::metrics::memory::thread_allocations;

thread_local! {
    static OPEN: RefCell<Option<Open>> = const { RefCell::new(None) };
}

struct Open {
    meter: Arc<Meter>,
    /// What the charges within it have booked.
    within: Sums,
}

/// The counters of this thread, as they stand.
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

/// Open until it is dropped, on the thread that has opened it.
pub(crate) struct Charge {
    before: Sums,
    outer: Option<Open>,
    _not_send: PhantomData<*const ()>,
}

impl Charge {
    /// What the thread uses from now on is charged to `meter`.
    pub(crate) fn begin(meter: &Arc<Meter>) -> Self {
        let open = Open { meter: meter.clone(), within: Sums::default() };
        let outer = OPEN.try_with(|cell| cell.replace(Some(open))).ok().flatten();
        Self { before: reading(), outer, _not_send: PhantomData }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let after = reading();
        let spent = after.minus(&self.before);
        // A thread whose locals are gone books nothing.
        let outer = self.outer.take().map(|open| Open { within: open.within.plus(&spent), ..open });
        let Some(open) = OPEN.try_with(|cell| cell.replace(outer)).ok().flatten() else { return };
        // What is known only at its end was not known of all of it.
        let known = (after.known & self.before.known) | (after.known & UNCOUNTED);
        open.meter.book(&Sums { known, ..spent.minus(&open.within) });
    }
}

/// The meter that is charged here.
pub(crate) fn active() -> Option<Arc<Meter>> {
    let look = |cell: &RefCell<Option<Open>>| Some(cell.try_borrow().ok()?.as_ref()?.meter.clone());
    OPEN.try_with(look).ok().flatten()
}

/// When an operation begins; `None` where nobody is charged for it.
pub(super) fn begun() -> Option<Instant> {
    let open = |cell: &RefCell<Option<Open>>| cell.try_borrow().is_ok_and(|open| open.is_some());
    OPEN.try_with(open).unwrap_or(false).then(Instant::now)
}

/// Charges whoever is charged here for an operation that began at `begun` and moved so many bytes.
pub(super) fn operated(begun: Option<Instant>, bytes: u64, is_read: bool) {
    let (Some(begun), Some(meter)) = (begun, active()) else { return };
    let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let (way, none) = (Way { bytes, operations: 1, nanos }, Way::default());
    let (read, written) = if is_read { (way, none) } else { (none, way) };
    meter.book(&Sums { read, written, known: IO, ..Sums::default() });
}
