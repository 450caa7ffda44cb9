//! Whose turn it is: one thread drives a simulation at a time, also several times over.

use std::sync::atomic::{AtomicU64, Ordering};

use sweet_async_core::AsyncTaskError;

use crate::executor::Executor;

const NOBODY: u64 = 0;

/// The thread that drives.
///
/// SeqCst throughout, as for the mark of the end: a driver takes its turn and then looks for the mark, and the end sets
/// the mark and then looks for a driver, so that one of them sees the other.
pub(crate) struct Driver(AtomicU64);

impl Driver {
    pub(crate) fn nobody() -> Self {
        Self(AtomicU64::new(NOBODY))
    }

    /// True while another thread than this one drives.
    pub(crate) fn is_elsewhere(&self) -> bool {
        let driver = self.0.load(Ordering::SeqCst);
        driver != NOBODY && driver != this_thread()
    }
}

/// The right to drive a simulation. If that has ended meanwhile, whoever has the last turn clears up.
pub(crate) struct Turn<'a> {
    executor: &'a Executor,
    nested: bool,
}

impl<'a> Turn<'a> {
    pub(crate) fn take(executor: &'a Executor) -> Result<Self, AsyncTaskError> {
        let me = this_thread();
        match executor.driver.0.compare_exchange(NOBODY, me, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Self { executor, nested: false }),
            Err(driver) if driver == me => Ok(Self { executor, nested: true }),
            Err(_) => Err(AsyncTaskError::InvalidState(
                "another thread is inside this simulation's block_on: a simulation runs on one thread at a time",
            )),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.nested {
            return;
        }
        self.executor.driver.0.store(NOBODY, Ordering::SeqCst);
        if self.executor.has_ended() {
            self.executor.clear();
        }
    }
}

/// A number for this thread, which no other has.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(NOBODY + 1);
    // Relaxed: any number will do that nobody else has.
    fn next() -> u64 {
        NEXT.fetch_add(1, Ordering::Relaxed)
    }
    thread_local! {
        static THIS: u64 = next();
    }
    // While the thread's locals are being destroyed it counts as a new one.
    THIS.try_with(|number| *number).unwrap_or_else(|_| next())
}
