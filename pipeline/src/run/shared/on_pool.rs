//! A future that is polled on the blocking pool only.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use async_channel::{Receiver, Sender};

use sweet_async_core::cancel::CancelLevel;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::OnPool;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{Plain, TaskContext};

type Boxed<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// Runs `future` on the blocking pool, in the context of the task that this is part of. Where it waits, for a time to
/// pass, it takes no thread; a thread that it has it keeps as long as there is something to do.
///
/// # Errors
///
/// The future's panic, and [`AsyncTaskError::Shutdown`] where no thread can be had.
///
/// # Cancel safety
///
/// Dropped by a kill, it stops at the future's next await; the task ends after that, unless a time limit leaves it running.
pub(crate) async fn on_pool<R: Runtime, O: Send + 'static>(
    runtime: &R,
    mut future: Boxed<O>,
) -> Result<O, AsyncTaskError> {
    let (bell, rung) = async_channel::bounded(1);
    let bell = Arc::new(Bell(bell));
    loop {
        let (waker, woken) = (Waker::from(bell.clone()), rung.clone());
        let visit = move || visit(future, &waker, &woken);
        match OnPool::<_, _, Plain, R>::new(visit, runtime.clone()).await? {
            Ok(output) => return Ok(output),
            Err(waits) => future = waits,
        }
        // The bell is here: it is never closed.
        let _ = rung.recv().await;
    }
}

/// Polls until the future is done, or waits for somebody else.
fn visit<O>(mut future: Boxed<O>, waker: &Waker, woken: &Receiver<()>) -> Result<O, Boxed<O>> {
    let task = TaskContext::current();
    loop {
        // What was rung until here, the poll that follows looks at.
        let _ = woken.try_recv();
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return Ok(output);
        }
        // Killed: it is dropped, with this visit's result, on this thread.
        let killed = task.as_ref().and_then(TaskContext::level) >= Some(CancelLevel::Kill);
        if killed || woken.is_empty() {
            return Err(future);
        }
    }
}

/// A waker that rings once, however often it is woken.
struct Bell(Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Full: it has been rung already.
        let _ = self.0.try_send(());
    }
}
