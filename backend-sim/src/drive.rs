//! `block_on`: the loop that takes one step after the other until a future is ready.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use sweet_async_core::AsyncTaskError;

use crate::agenda::Step;
use crate::deadlock::Deadlock;
use crate::executor::Executor;

/// Runs the simulation until `future` is ready, or until it never will be.
pub(crate) fn drive<F: Future>(executor: &Executor, future: F) -> Result<F::Output, AsyncTaskError> {
    if executor.has_ended() {
        return Err(AsyncTaskError::Shutdown);
    }
    let _turn = Turn::take(executor)?;
    let main = Arc::new(Main { woken: AtomicBool::new(true) });
    let waker = Waker::from(main.clone());
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match executor.step(&main.woken) {
            Step::Main => {
                main.woken.store(false, Ordering::SeqCst);
                if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                    return Ok(output);
                }
            }
            Step::Run(runnable) => {
                let waker = runnable.waker();
                // Tasks of ours never panic into the executor; a foreign one that does ends alone.
                let _ = catch_unwind(AssertUnwindSafe(|| runnable.run()));
                // An end on another thread, while this was about to be polled, has woken it in vain: dropped only now.
                if executor.has_ended() {
                    waker.wake();
                }
            }
            Step::Ring(wakers) => wakers.into_iter().for_each(Waker::wake),
            Step::Stuck => return Err(AsyncTaskError::failure(Deadlock::of(executor))),
            Step::Over => return Err(AsyncTaskError::Shutdown),
        }
    }
}

/// The waker of the future of `block_on`.
struct Main {
    woken: AtomicBool,
}

impl Wake for Main {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
    }
}

/// The right to drive a simulation: one thread has it at a time, also several times over.
struct Turn<'a> {
    driver: &'a AtomicU64,
    before: u64,
}

const NOBODY: u64 = 0;

impl<'a> Turn<'a> {
    fn take(executor: &'a Executor) -> Result<Self, AsyncTaskError> {
        let (driver, me) = (&executor.driver, this_thread());
        // Acquire pairs with the release of `drop`: what the last driver did has happened.
        match driver.compare_exchange(NOBODY, me, Ordering::Acquire, Ordering::Relaxed) {
            Ok(before) => Ok(Self { driver, before }),
            Err(before) if before == me => Ok(Self { driver, before }),
            Err(_) => Err(AsyncTaskError::InvalidState(
                "another thread is inside this simulation's block_on: a simulation runs on one thread at a time",
            )),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.driver.store(self.before, Ordering::Release);
    }
}

/// A number for this thread, other than that of any other and than [`NOBODY`].
fn this_thread() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(NOBODY + 1);
    // Relaxed: any number will do that nobody else has.
    let next = || NEXT.fetch_add(1, Ordering::Relaxed);
    thread_local! {
        static THIS: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // While the thread's locals are being destroyed it counts as a new one.
    THIS.try_with(|number| *number).unwrap_or_else(|_| next())
}
