//! Work that is abandoned at every point where that is possible.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};

use crate::library::{BoxError, CancelOutcome, CancellableTask as _, DynRuntime, TaskSet};

use super::Scale;
use crate::Flavour;
use crate::kit::prelude::*;

/// A future that is dropped at its n-th poll, if it has not ended by then.
struct CutOff<F> {
    future: Option<Pin<Box<F>>>,
    polls: usize,
}

impl<F: Future> Future for CutOff<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        let polled = future.as_mut().poll(cx);
        self.polls = self.polls.saturating_sub(1);
        if polled.is_pending() && self.polls > 0 {
            return Poll::Pending;
        }
        self.future = None;
        match polled {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => Poll::Ready(None),
        }
    }
}

/// Runs `make` in a task again and again, cut off one poll later each time, until it reaches its end. Once
/// the task of a run has been awaited, nothing of the run may be left. Returns the number of runs.
async fn sweep<F>(rt: &DynRuntime, make: impl Fn(Census) -> F) -> Result<usize, Failure>
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    for polls in 1..10_000 {
        let census = Census::default();
        let work = CutOff { future: Some(Box::pin(make(census.clone()))), polls };
        let ended = AsyncTask::to::<bool>()
            .on(rt)
            .try_spawn(|| async move { Ok(work.await.transpose()?.is_some()) })
            .await
            .with_context(|| format!("cut off at poll {polls}"))?;
        ensure!(census.alive() == 0, "{} left of what was cut off at poll {polls}", census.alive());
        if ended {
            return Ok(polls);
        }
    }
    bail!("it never gets to its end")
}

fn leaf(rt: &DynRuntime, census: &Census, naps: usize) -> Task<usize, DynRuntime> {
    let (resident, inner) = (census.enter(), rt.clone());
    AsyncTask::to::<usize>().on(rt).try_spawn(move || async move {
        let _resident = resident;
        for _ in 0..naps {
            inner.sleep(Duration::from_micros(10)).await?;
        }
        Ok(naps)
    })
}

/// Row 3: no item is lost or handled twice, and nothing is left.
pub(super) fn every_poll(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let width = if scale == Scale::Full { 12 } else { 4 };
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let inner = rt.clone();
        let tasks = sweep(&rt, |census| {
            let rt = inner.clone();
            async move {
                let tasks: Vec<_> = (0..width).map(|naps| leaf(&rt, &census, naps)).collect();
                for task in tasks {
                    task.await?;
                }
                Ok(())
            }
        });
        let tasks = tasks.await?;
        let scopes = sweep(&rt, |census| {
            let rt = inner.clone();
            async move {
                let runtime = rt.clone();
                let scope = AsyncTask::to().on(&rt).scope(|s| async move {
                    for naps in 0..width {
                        let task = leaf(&runtime, &census, naps);
                        s.spawn(|| async move { Ok(task.await?) });
                    }
                    runtime.sleep(Duration::from_micros(10)).await?;
                    Ok(())
                });
                Ok(scope.await?)
            }
        });
        let scopes = scopes.await?;
        let sets = sweep(&rt, |census| {
            let rt = inner.clone();
            async move {
                let mut set: TaskSet<_> = (1..=width).map(|naps| leaf(&rt, &census, naps)).collect();
                set.any().await?;
                Ok(())
            }
        });
        let sets = sets.await?;
        let most = Arc::new(AtomicUsize::new(0));
        let seen = most.clone();
        let pipelines = sweep(&rt, |census| {
            let (rt, most) = (inner.clone(), seen.clone());
            let marks: Arc<Vec<AtomicUsize>> = Arc::new((0..width * 8).map(|_| AtomicUsize::new(0)).collect());
            let items = marks.len();
            async move {
                let summary = AsyncTask::emits::<usize>()
                    .on(&rt)
                    .sender(move |sources| sources.of(0..items).into_chunks(3.items()))
                    .for_each(move |event: Event<usize>| {
                        let _resident = census.enter();
                        if let Some(mark) = marks.get(event.take_data()) {
                            most.fetch_max(mark.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        }
                    })
                    .await?;
                match summary.handled() == items as u64 && summary.read() == items as u64 {
                    true => Ok(()),
                    false => Err(format!("{} of {items} were handled", summary.handled()).into()),
                }
            }
        });
        let pipelines = pipelines.await?;
        ensure!(most.load(Ordering::SeqCst) == 1, "an item was handled twice");
        Ok(format!("dropped at each of {tasks} polls of tasks, {scopes} of scopes, {sets} of sets, {pipelines} of pipelines"))
    })?
}

/// Row 4: each task ends once, whatever it was doing, and all reports of the end agree.
pub(super) fn every_moment(flavour: &Flavour, scale: Scale) -> Result<String, Failure> {
    let times = scale.of(1_000);
    let harness = flavour.start()?;
    let rt = harness.runtime();
    harness.block_on(async {
        let mut figures = Vec::new();
        for level in [CancelLevel::Graceful, CancelLevel::Kill, CancelLevel::KillHard] {
            let (mut stopped, mut done, mut abandoned) = (0, 0, 0);
            for _ in 0..times {
                for moment in ["before", "running", "done"] {
                    let (started, inner) = (Latch::new(), rt.clone());
                    let start = started.clone();
                    let mut task = AsyncTask::to::<()>().on(&rt).grace(Duration::from_micros(100)).try_spawn(
                        move || async move {
                            start.set();
                            if moment != "done" {
                                inner.sleep(Duration::MAX).await?;
                            }
                            Ok(())
                        },
                    );
                    if moment != "before" {
                        started.wait().await;
                    }
                    if moment == "done" {
                        (&mut task).await?;
                    }
                    let end = task.cancel(level).await;
                    // An abandoned cancellation was answered before the task's end; the handle resolves at
                    // the true end all the same.
                    abandoned += usize::from(end.outcome() == CancelOutcome::Abandoned);
                    if moment != "done" {
                        ensure!(failed((&mut task).await)?.is_cancelled());
                    }
                    match (task.status(), end.outcome()) {
                        (TaskStatus::Cancelled, CancelOutcome::Cancelled | CancelOutcome::Abandoned) => {
                            stopped += 1
                        }
                        (TaskStatus::Completed, CancelOutcome::Success) if moment == "done" => done += 1,
                        other => bail!("{moment}, {level}: {other:?}"),
                    }
                    ensure!(task.is_cancelled() == (moment != "done"));
                }
            }
            figures.push(format!(
                "{level}: {stopped} cancelled (of these {abandoned} abandoned at first), {done} done"
            ));
        }
        Ok(figures.join("; "))
    })?
}
