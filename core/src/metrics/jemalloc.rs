//! The allocations of a thread, by jemalloc's own counters.

use std::hint::black_box;
use std::sync::OnceLock;

use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

use crate::metrics::Allocations;

thread_local! {
    /// The counters of this thread. Looked up once, since jemalloc looks them up by name.
    static COUNTERS: Option<(ThreadLocal<u64>, ThreadLocal<u64>)> =
        allocatedp::read().ok().zip(deallocatedp::read().ok());
}

/// True if jemalloc is the program's allocator. A thread that has allocated nothing yet does not show that,
/// so it is found out by an allocation.
static IS_IN_USE: OnceLock<bool> = OnceLock::new();

/// `None` if the program's allocator is another.
pub(super) fn thread_allocations() -> Option<Allocations> {
    let (allocated, freed) = COUNTERS.try_with(|counters| *counters).ok()??;
    let try_it = || {
        let before = allocated.get();
        drop(black_box(Box::new(0_u64)));
        allocated.get() > before
    };
    let is_in_use = *IS_IN_USE.get_or_init(try_it);
    is_in_use.then(|| Allocations { allocated: allocated.get(), freed: freed.get(), count: None })
}
