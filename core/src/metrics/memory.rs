//! What a thread has allocated, as the program's allocator tells it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use crate::error::AsyncTaskError;

/// What one thread has allocated since its start. It only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// Bytes allocated.
    pub allocated: u64,
    /// Bytes freed, also of what other threads had allocated.
    pub freed: u64,
    /// How many allocations; `None` where the allocator does not count them.
    pub count: Option<u64>,
}

type Read = Box<dyn Fn() -> Option<Allocations> + Send + Sync>;

static READ: OnceLock<Read> = OnceLock::new();

/// Says how the calling thread's allocations are found out: for applications, once, at their start. `read` is called twice for
/// each poll of a task with metrics, so it should take nanoseconds; `None` says that it is not known here.
///
/// With the feature `jemalloc`, and jemalloc as the program's allocator, nothing need be said. This is for other allocators.
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
/// [`AsyncTaskError::InvalidState`] the second time.
pub fn count_allocations(
    read: impl Fn() -> Option<Allocations> + Send + Sync + 'static,
) -> Result<(), AsyncTaskError> {
    READ.set(Box::new(read))
        .map_err(|_| AsyncTaskError::InvalidState("how allocations are counted was said before"))
}

/// A panic of the reader, which is foreign code, is not the task's: what it does not tell is not known.
pub(super) fn thread_allocations() -> Option<Allocations> {
    match READ.get() {
        Some(read) => catch_unwind(AssertUnwindSafe(read)).ok().flatten(),
        #[cfg(feature = "jemalloc")]
        None => crate::metrics::jemalloc::thread_allocations(),
        #[cfg(not(feature = "jemalloc"))]
        None => None,
    }
}
