//! Execution of a future on the blocking pool only.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use async_channel::{Receiver, Sender};

use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::OnPool;
use sweet_async_core::internals::Plain;
use sweet_async_core::runtime::DynRuntime;
use sweet_async_core::task::TaskContext;

type Boxed<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// Runs `future` on the blocking pool, in the context of the task that this is part of. A thread is kept as
/// long as there is something to do. While the future waits, for a time to pass for one, it takes no thread.
///
/// # Errors
///
/// The future's panic, and [`AsyncTaskError::Shutdown`] if no thread is available.
///
/// # Cancel safety
///
/// Dropped by a kill, the future stops at its next await. The task ends after that, unless a time limit
/// leaves the work running.
pub(crate) async fn on_pool<O: Send + 'static>(
    runtime: &DynRuntime,
    mut future: Boxed<O>,
) -> Result<O, AsyncTaskError> {
    let (wake, woken) = async_channel::bounded(1);
    let wake = Arc::new(WakeOnce(wake));
    loop {
        let (waker, wake_ups) = (Waker::from(wake.clone()), woken.clone());
        let work = move || poll_on_thread(future, &waker, &wake_ups);
        match OnPool::<_, _, Plain, DynRuntime>::new(work, runtime.clone()).await? {
            Ok(output) => return Ok(output),
            Err(pending) => future = pending,
        }
        // `wake` is still here, so the channel is never closed.
        let _ = woken.recv().await;
    }
}

/// Polls until the future is done, or waits for another wake-up.
fn poll_on_thread<O>(mut future: Boxed<O>, waker: &Waker, woken: &Receiver<()>) -> Result<O, Boxed<O>> {
    let task = TaskContext::current();
    loop {
        // The poll that follows covers all wake-ups until here.
        let _ = woken.try_recv();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return Ok(output);
        }
        // After a kill the future is dropped with the result of this call, on this thread.
        let killed = task.as_ref().and_then(TaskContext::level) >= Some(CancelLevel::Kill);
        if killed || woken.is_empty() {
            return Err(future);
        }
    }
}

/// A waker that holds at most one wake-up, however often it is woken.
struct WakeOnce(Sender<()>);

impl Wake for WakeOnce {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Full: the wake-up is already there.
        let _ = self.0.try_send(());
    }
}
