//! The driver lock: one thread drives a simulation at a time. That thread may take the lock several times
//! over.

use std::sync::atomic::{AtomicU64, Ordering};

use sweet_async_core::AsyncTaskError;

use crate::executor::Executor;

const NO_THREAD: u64 = 0;

/// The thread that drives a simulation.
///
/// SeqCst throughout, as for the flag of the end: a driver takes the lock and then reads the flag, and the
/// end sets the flag and then looks for a driver, so that one of them sees the other.
pub(crate) struct Driver(AtomicU64);

impl Driver {
    pub(crate) fn unlocked() -> Self {
        Self(AtomicU64::new(NO_THREAD))
    }

    /// True while a thread other than this one drives.
    pub(crate) fn is_held_elsewhere(&self) -> bool {
        let driver = self.0.load(Ordering::SeqCst);
        driver != NO_THREAD && driver != this_thread()
    }
}

/// The right to drive a simulation. If the simulation has ended meanwhile, the drop of the outermost one
/// clears it.
pub(crate) struct DriverLock<'a> {
    executor: &'a Executor,
    nested: bool,
}

impl<'a> DriverLock<'a> {
    pub(crate) fn take(executor: &'a Executor) -> Result<Self, AsyncTaskError> {
        let this = this_thread();
        match executor.driver.0.compare_exchange(NO_THREAD, this, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Self { executor, nested: false }),
            Err(driver) if driver == this => Ok(Self { executor, nested: true }),
            Err(_) => Err(AsyncTaskError::InvalidState(
                "another thread is inside this simulation's block_on: a simulation runs on one thread at a time",
            )),
        }
    }
}

impl Drop for DriverLock<'_> {
    fn drop(&mut self) {
        if self.nested {
            return;
        }
        self.executor.driver.0.store(NO_THREAD, Ordering::SeqCst);
        if self.executor.has_ended() {
            self.executor.clear();
        }
    }
}

/// A number for this thread, which no other has.
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(NO_THREAD + 1);
    // Relaxed: the number only has to be unique.
    fn next() -> u64 {
        NEXT.fetch_add(1, Ordering::Relaxed)
    }
    thread_local! {
        static THIS: u64 = next();
    }
    // While the thread's locals are being destroyed, each call counts as a new thread.
    THIS.try_with(|number| *number).unwrap_or_else(|_| next())
}
