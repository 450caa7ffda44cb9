//! A line before a limiter, which the cases about urgency share.

use std::future::poll_fn;
use std::pin::pin;

use async_channel::{Receiver, Sender};
use sweet_async::{Limiter, RankableByPriority as _, TaskContext, TaskPriority};

use super::limiters::{Full, fill, until_waiting};
use crate::kit::prelude::*;

/// Those who wait for the one place of a limiter, which is taken; each has a number.
pub(super) struct Line<R: Runtime> {
    rt: R,
    pub(super) limiter: Limiter,
    pub(super) full: Full<R>,
    pub(super) tasks: Vec<Task<(), R>>,
    arrive: Sender<u32>,
    pub(super) arrived: Receiver<u32>,
}

impl<R: Runtime> Line<R> {
    pub(super) async fn new(rt: &R) -> Result<Self, Failure> {
        // A machine may be busy for longer than the interval that is usual.
        Self::of(rt, Limiter::builder().max_concurrent(1).ageing(Duration::MAX).build()?).await
    }

    pub(super) async fn of(rt: &R, limiter: Limiter) -> Result<Self, Failure> {
        let full = fill(rt, &limiter, 1).await?;
        let (arrive, arrived) = async_channel::unbounded();
        Ok(Self { rt: rt.clone(), limiter, full, tasks: Vec::new(), arrive, arrived })
    }

    /// Says the number when it is called.
    pub(super) fn says(&self, number: u32) -> impl Fn() + Clone + Send + Sync + 'static + use<R> {
        let arrive = self.arrive.clone();
        move || {
            let _ = arrive.try_send(number);
        }
    }

    /// The next in line.
    pub(super) async fn add(&mut self, number: u32, priority: TaskPriority) {
        let says = self.says(number);
        let builder = AsyncTask::to::<()>().on(&self.rt).limiter(&self.limiter).priority(priority);
        self.push(builder.spawn(|| async move { says() })).await;
    }

    /// `task` was just spawned, and comes in line next.
    pub(super) async fn push(&mut self, task: Task<(), R>) {
        self.tasks.push(task);
        // There are no others.
        until_waiting(&self.limiter, self.tasks.len()).await;
    }

    /// Work of a task that comes in line as part of that, and sets `seen` once it has done so as urgent as `wanted`. Who is
    /// told of another urgency looks at it when it is polled, and nobody else can see when that was.
    pub(super) fn comes(
        &self,
        number: u32,
        wanted: TaskPriority,
        seen: &Latch,
    ) -> impl Future<Output = Result<(), AsyncTaskError>> + Send + 'static + use<R> {
        let builder = AsyncTask::to::<()>().on(&self.rt).limiter(&self.limiter);
        let (says, seen) = (self.says(number), seen.clone());
        async move {
            let here = TaskContext::current().ok_or(AsyncTaskError::InvalidState("no task here"))?;
            let mut run = pin!(builder.run(|| async move { says() }));
            poll_fn(|cx| {
                let is_wanted = here.rank() == wanted;
                let polled = run.as_mut().poll(cx);
                if is_wanted {
                    seen.set();
                } else if here.rank() == wanted {
                    // It became so in this poll, which may have seen it or not, and need not be told again.
                    cx.waker().wake_by_ref();
                }
                polled
            })
            .await
        }
    }

    /// Opens the door: they come in this order.
    pub(super) async fn is(self, due: &[u32]) -> Outcome {
        ensure!(self.arrived.is_empty(), "somebody was not in line");
        self.full.release().await?;
        let mut came = Vec::new();
        for _ in due {
            came.push(self.arrived.recv().await?);
        }
        ensure!(came == due, "they came as {came:?}, not {due:?}");
        for task in self.tasks {
            task.await?;
        }
        // One that is not among them may have said its number, and not have ended.
        while self.limiter.under_way() > 0 {
            yield_now().await;
        }
        ensure!(self.limiter.waiting() == 0 && self.arrived.is_empty());
        Ok(())
    }
}
