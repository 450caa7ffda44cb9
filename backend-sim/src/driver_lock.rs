//! The driver lock: one thread drives a simulation at a time. That thread may take the lock several times
//! over.
//!
//! ```text
//!  unlocked ── take: an exchange by thread N ──► held by N ── take by N ──► held by N, nested
//!      ▲                                           │  ▲                        │
//!      └──────────── drop of the outermost ────────┘  └──── drop of a nested ──┘
//! ```
//!
//! 1. One exchange decides which thread drives. Another thread gets an error, and does not wait.
//! 2. Only the thread that holds the lock gives it up, with the drop of its outermost guard. A nested guard
//!    changes nothing, and is dropped before that one, as calls are nested.
//! 3. A driver takes the lock and then reads the flag of the end; the end sets the flag and then looks for a
//!    driver. So one of them sees the other, and the simulation is cleared: by the end itself, or by the drop
//!    of the outermost guard.
//!
//! SeqCst throughout, for 3.

use std::sync::atomic::{AtomicU64, Ordering};

use sweet_async_core::AsyncTaskError;

use crate::executor::Executor;

const NO_THREAD: u64 = 0;

/// The number of the thread that drives a simulation.
pub(crate) struct Driver(AtomicU64);

impl Driver {
    pub(crate) fn unlocked() -> Self {
        Self(AtomicU64::new(NO_THREAD))
    }

    /// Gives the lock up: called by the thread that holds it (2).
    fn unlock(&self) {
        self.0.store(NO_THREAD, Ordering::SeqCst);
    }

    /// True while a thread other than this one drives. The end asks this after it has set its flag (3).
    pub(crate) fn is_held_elsewhere(&self) -> bool {
        let driver = self.0.load(Ordering::SeqCst);
        driver != NO_THREAD && driver != this_thread()
    }
}

/// The right to drive a simulation. If the simulation has ended meanwhile, the drop of the outermost one
/// clears it (3).
pub(crate) struct DriverLock<'a> {
    executor: &'a Executor,
    /// True if this thread held the lock before (2).
    is_nested: bool,
}

impl<'a> DriverLock<'a> {
    /// Takes the lock, at once or not at all (1).
    pub(crate) fn take(executor: &'a Executor) -> Result<Self, AsyncTaskError> {
        let this = this_thread();
        match executor.driver.0.compare_exchange(NO_THREAD, this, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => Ok(Self { executor, is_nested: false }),
            Err(driver) if driver == this => Ok(Self { executor, is_nested: true }),
            Err(_) => Err(AsyncTaskError::InvalidState(
                "another thread is inside this simulation's block_on: a simulation runs on one thread at a time",
            )),
        }
    }
}

impl Drop for DriverLock<'_> {
    fn drop(&mut self) {
        if self.is_nested {
            return;
        }
        self.executor.driver.unlock();
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
