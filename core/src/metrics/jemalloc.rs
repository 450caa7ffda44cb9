//! What a thread has allocated, by jemalloc's own counters.

use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};

use super::Allocations;

thread_local! {
    /// Where this thread's counters are: asked once, since that takes a hundred times as long as to read them.
    static COUNTERS: Option<(ThreadLocal<u64>, ThreadLocal<u64>)> =
        allocatedp::read().ok().zip(deallocatedp::read().ok());
}

/// `None` where nothing was allocated through it, which says that the program's allocator is another.
pub(super) fn thread_allocations() -> Option<Allocations> {
    let (allocated, freed) = COUNTERS.try_with(|counters| *counters).ok()??;
    let (allocated, freed) = (allocated.get(), freed.get());
    (allocated > 0 || freed > 0).then_some(Allocations { allocated, freed, count: None })
}
