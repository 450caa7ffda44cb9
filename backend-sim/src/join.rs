//! A task's future as the executor holds it, and its join handle.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_task::{Builder, FallibleTask, Runnable};
use pin_project_lite::pin_project;
use sweet_async_core::{Join, SpawnError};

use crate::executor::Executor;
use crate::schedule::{Event, Number};

/// A simulated task's join handle; it gives `None` once the simulation has dropped the task.
pub struct SimJoin<T>(FallibleTask<T, Number>);

impl<T> Future for SimJoin<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T: Send + 'static> Join<T> for SimJoin<T> {
    fn detach(self) {
        self.0.detach();
    }
}

/// Gives `future` to the executor.
pub(crate) fn spawn<F>(executor: &Arc<Executor>, future: F) -> Result<SimJoin<F::Output>, SpawnError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if executor.has_ended() {
        return Err(SpawnError::Shutdown);
    }
    let number = executor.next_number();
    let reported = Reported { future, _report: ReportDrop { executor: executor.clone(), number } };
    let sender = executor.clone();
    // Refused only after the end: the task was being polled at the end, or was being spawned. It is dropped
    // here.
    let schedule = move |runnable: Runnable<Number>| drop(sender.send(Event::Woken(runnable)));
    let (runnable, task) = Builder::new().metadata(number).spawn(move |_| reported, schedule);
    executor.send(Event::Spawned(number, runnable.waker())).map_err(|_| SpawnError::Shutdown)?;
    runnable.schedule();
    Ok(SimJoin(task.fallible()))
}

pin_project! {
    /// A future whose drop is reported to the executor. The order of the fields is that of their drop.
    struct Reported<F> {
        #[pin]
        future: F,
        _report: ReportDrop,
    }
}

impl<F: Future> Future for Reported<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

/// Reports the drop of a task's future.
struct ReportDrop {
    executor: Arc<Executor>,
    number: Number,
}

impl Drop for ReportDrop {
    fn drop(&mut self) {
        let _ = self.executor.send(Event::Dropped(self.number));
    }
}
