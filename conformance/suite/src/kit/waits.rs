//! A task that is known to wait for its blocking work.

use std::future::{Future as _, poll_fn};
use std::pin::pin;

use crate::library::{AsyncTask, DurationExt as _, Runtime, Task};

use crate::kit::Latch;

/// Spawns a task with a long grace period that waits for blocking `work`. The latch is set once it waits: no
/// poll that was in progress before can give the value of the work any more, which would win over a kill.
pub(crate) fn waits_for_blocking<T, R>(
    runtime: &R,
    work: impl FnOnce() -> Result<T, &'static str> + Send + 'static,
) -> (Task<T, R>, Latch)
where
    T: Send + 'static,
    R: Runtime,
{
    let (waits, job) = (Latch::new(), AsyncTask::to::<T>().on(runtime));
    let waiting = waits.clone();
    let task = AsyncTask::to::<T>().on(runtime).grace(1.hours()).spawn(move || async move {
        let mut job = pin!(job.run_blocking(work));
        poll_fn(move |cx| {
            let polled = job.as_mut().poll(cx);
            if polled.is_pending() {
                waiting.set();
            }
            polled
        })
        .await
    });
    (task, waits)
}
