//! The loop of `block_on`, which takes one step after the other until a future is ready.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use sweet_async_core::AsyncTaskError;

use crate::deadlock::Deadlock;
use crate::driver_lock::DriverLock;
use crate::executor::Executor;
use crate::schedule::Step;

/// Runs the simulation until `future` is ready, or until it never will be.
pub(crate) fn drive<F: Future>(executor: &Executor, future: F) -> Result<F::Output, AsyncTaskError> {
    let _lock = DriverLock::take(executor)?;
    if executor.has_ended() {
        return Err(AsyncTaskError::Shutdown);
    }
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
                // Tasks of this library never panic into the executor. A foreign one that does ends alone.
                let _ = catch_unwind(AssertUnwindSafe(|| runnable.run()));
            }
            Step::Wake(wakers) => wakers.into_iter().for_each(Waker::wake),
            Step::Deadlock => return Err(AsyncTaskError::failure(Deadlock::of(executor))),
            Step::Ended => return Err(AsyncTaskError::Shutdown),
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
