//! Promise 9, priority: a wait queue before a limiter, which the cases about urgency share.

use std::future::poll_fn;
use std::pin::pin;

use crate::library::{Limiter, RankableByPriority as _, TaskContext, TaskPriority};
use async_channel::{Receiver, Sender};

use crate::cases::limiters::{HeldPermits, fill, until_waiting};
use crate::kit::prelude::*;

/// The waiters for the one permit of a limiter, which is taken. Each has a number.
pub(super) struct WaitQueue<R: Runtime> {
    rt: R,
    pub(super) limiter: Limiter,
    pub(super) held: HeldPermits<R>,
    pub(super) tasks: Vec<Task<(), R>>,
    report: Sender<u32>,
    pub(super) arrived: Receiver<u32>,
}

impl<R: Runtime> WaitQueue<R> {
    pub(super) async fn new(rt: &R) -> Result<Self, Failure> {
        // A machine may be busy for longer than the default interval.
        Self::of(rt, Limiter::builder().max_concurrent(1).ageing(Duration::MAX).build()?).await
    }

    pub(super) async fn of(rt: &R, limiter: Limiter) -> Result<Self, Failure> {
        let held = fill(rt, &limiter, 1).await?;
        let (report, arrived) = async_channel::unbounded();
        Ok(Self { rt: rt.clone(), limiter, held, tasks: Vec::new(), report, arrived })
    }

    /// Returns a function that reports the number when it is called.
    pub(super) fn reporter(&self, number: u32) -> impl Fn() + Clone + Send + Sync + 'static + use<R> {
        let report = self.report.clone();
        move || {
            let _ = report.try_send(number);
        }
    }

    /// Adds a task to the end of the queue.
    pub(super) async fn add(&mut self, number: u32, priority: TaskPriority) {
        let reporter = self.reporter(number);
        let builder = AsyncTask::to::<()>().on(&self.rt).limiter(&self.limiter).priority(priority);
        self.push(builder.spawn(|| async move { reporter() })).await;
    }

    /// Adds `task`, which was just spawned, and waits until it is in the queue.
    pub(super) async fn push(&mut self, task: Task<(), R>) {
        self.tasks.push(task);
        // There are no other waiters.
        until_waiting(&self.limiter, self.tasks.len()).await;
    }

    /// Work of a task that waits in the queue as part of that task, and sets `seen` once it has waited with
    /// the rank `wanted`. A waiter that is notified of another rank reads it when it is polled, and that poll
    /// cannot be seen from outside.
    pub(super) fn waiting_work(
        &self,
        number: u32,
        wanted: TaskPriority,
        seen: &Latch,
    ) -> impl Future<Output = Result<(), AsyncTaskError>> + Send + 'static + use<R> {
        let builder = AsyncTask::to::<()>().on(&self.rt).limiter(&self.limiter);
        let (reporter, seen) = (self.reporter(number), seen.clone());
        async move {
            let task = TaskContext::current().ok_or(AsyncTaskError::InvalidState("no task here"))?;
            let mut run = pin!(builder.run(|| async move { reporter() }));
            poll_fn(|cx| {
                let is_wanted = task.rank() == wanted;
                let polled = run.as_mut().poll(cx);
                if is_wanted {
                    seen.set();
                } else if task.rank() == wanted {
                    // The rank changed in this poll, which may have seen it or not; a further notification
                    // need not come.
                    cx.waker().wake_by_ref();
                }
                polled
            })
            .await
        }
    }

    /// Releases the permit, and checks that the waiters are admitted in this order.
    pub(super) async fn admits_in_order(self, due: &[u32]) -> Outcome {
        ensure!(self.arrived.is_empty(), "a waiter was not in the queue");
        self.held.release().await?;
        let mut came = Vec::new();
        for _ in due {
            came.push(self.arrived.recv().await?);
        }
        ensure!(came == due, "they came as {came:?}, not {due:?}");
        for task in self.tasks {
            task.await?;
        }
        // A task that is not in the list may have reported its number without having ended.
        while self.limiter.under_way() > 0 {
            yield_now().await;
        }
        ensure!(self.limiter.waiting() == 0 && self.arrived.is_empty());
        Ok(())
    }
}
