//! The allocations of a thread, as the program's allocator reports them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use crate::error::AsyncTaskError;

/// The allocations of one thread since its start. The numbers only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Bytes allocated.
    pub allocated: u64,
    /// Bytes freed, including those that other threads had allocated.
    pub freed: u64,
    /// The number of allocations; `None` if the allocator does not count them.
    pub count: Option<u64>,
}

type Read = Box<dyn Fn() -> Option<Allocations> + Send + Sync>;

static READ: OnceLock<Read> = OnceLock::new();

/// Sets the function that reads the allocations of the calling thread: for applications, once, at their
/// start. `read` is called twice for each poll of a task with metrics, so it should take nanoseconds. It
/// returns `None` where the numbers are not known.
///
/// With the feature `jemalloc`, and jemalloc as the program's allocator, this call is not needed. It is for
/// other allocators.
///
/// ```
/// # use std::cell::Cell;
/// # use sweet_async_core::metrics::{Allocations, count_allocations};
/// # thread_local!(static COUNTED: Cell<Allocations> = const { Cell::new(Allocations { allocated: 0, freed: 0, count: None }) });
/// // `COUNTED` is what the program's allocator keeps for each thread.
/// count_allocations(|| COUNTED.try_with(Cell::get).ok())?;
/// # Ok::<(), sweet_async_core::AsyncTaskError>(())
/// ```
///
/// # Errors
///
/// [`AsyncTaskError::InvalidState`] if it was called before.
pub fn count_allocations(
    read: impl Fn() -> Option<Allocations> + Send + Sync + 'static,
) -> Result<(), AsyncTaskError> {
    READ.set(Box::new(read))
        .map_err(|_| AsyncTaskError::InvalidState("how allocations are counted was said before"))
}

/// The reader is foreign code. A panic in it is not the task's: the numbers are then not known.
pub(super) fn thread_allocations() -> Option<Allocations> {
    match READ.get() {
        Some(read) => catch_unwind(AssertUnwindSafe(read)).ok().flatten(),
        #[cfg(feature = "jemalloc")]
        None => crate::metrics::jemalloc::thread_allocations(),
        #[cfg(not(feature = "jemalloc"))]
        None => None,
    }
}
