//! A hold on every worker, so that work spawned meanwhile is certain not to be polled.

use crate::library::{AsyncTask, Runtime, Task};

use super::Latch;
use crate::{Facts, Failure};

/// Workers that are blocked until their release.
pub(crate) struct Held<R: Runtime> {
    open: Latch,
    busy: Vec<Task<(), R>>,
}

/// Blocks every worker of `runtime`. Where the caller itself is the worker, it is busy already, for as long
/// as it does not await.
pub(crate) async fn hold_workers<R: Runtime>(runtime: &R, at: Facts) -> Result<Held<R>, Failure> {
    let open = Latch::new();
    let mut busy = Vec::new();
    if !at.polls_on_caller {
        let (arrive, arrived) = async_channel::unbounded();
        for _ in 0..runtime.worker_count() {
            let (open, arrive) = (open.clone(), arrive.clone());
            busy.push(AsyncTask::to::<()>().on(runtime).spawn(|| async move {
                let _ = arrive.try_send(());
                open.wait_blocking();
            }));
            // One at a time: a worker that takes several tasks from the common queue may block in the first,
            // with the others in a queue of its own, where no other worker may look for them.
            arrived.recv().await?;
        }
    }
    Ok(Held { open, busy })
}

impl<R: Runtime> Held<R> {
    /// Releases the workers, and waits until they have left.
    pub(crate) async fn release(mut self) -> Result<(), Failure> {
        self.open.set();
        for task in std::mem::take(&mut self.busy) {
            task.await?;
        }
        Ok(())
    }
}

impl<R: Runtime> Drop for Held<R> {
    fn drop(&mut self) {
        self.open.set();
    }
}
