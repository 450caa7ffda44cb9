//! A task's future as the executor holds it, and its join handle.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_task::{Builder, FallibleTask, Runnable};
use pin_project_lite::pin_project;
use sweet_async_core::{Join, SpawnError};

use crate::agenda::{News, Number};
use crate::executor::Executor;

/// A simulated task's join handle; `None` once the simulation has dropped the task.
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

/// Hands `future` to the executor.
pub(crate) fn spawn<F>(executor: &Arc<Executor>, future: F) -> Result<SimJoin<F::Output>, SpawnError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    if executor.has_ended() {
        return Err(SpawnError::Shutdown);
    }
    let number = executor.next_number();
    let counted = Counted { future, _life: Life { executor: executor.clone(), number } };
    let waking = executor.clone();
    // One that is woken after the end was being polled at the end, or spawned: it is dropped here.
    let schedule = move |runnable: Runnable<Number>| drop(waking.tell(News::Woken(runnable)));
    let (runnable, task) = Builder::new().metadata(number).spawn(move |_| counted, schedule);
    executor.tell(News::Spawned(number, runnable.waker())).map_err(|_| SpawnError::Shutdown)?;
    runnable.schedule();
    Ok(SimJoin(task.fallible()))
}

pin_project! {
    /// A future whose end the executor hears of. The order of the fields is that of their drop.
    struct Counted<F> {
        #[pin]
        future: F,
        _life: Life,
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

struct Life {
    executor: Arc<Executor>,
    number: Number,
}

impl Drop for Life {
    fn drop(&mut self) {
        let _ = self.executor.tell(News::Gone(self.number));
    }
}
