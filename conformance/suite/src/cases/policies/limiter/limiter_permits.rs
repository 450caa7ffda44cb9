//! Recovery, limiter: a permit is held until nothing of the work is left.

use std::pin::pin;
use std::sync::Mutex;

use crate::library::{BoxError, Limiter, RetryStrategy};

use super::limiters::{check_all_free, until_waiting, with_permits};
use crate::kit::SetOnDrop;
use crate::kit::prelude::*;

/// Blocking work that runs until it is released.
#[derive(Clone, Default)]
struct Job {
    started: Latch,
    open: Latch,
    dropped: Latch,
}

impl Job {
    fn work(&self) -> impl FnOnce() + Send + 'static {
        let (Self { started, open, .. }, guard) = (self.clone(), self.dropped.on_drop());
        move || {
            let _guard = guard;
            started.set();
            open.wait_blocking();
        }
    }
}

/// Checks that all permits are free once the work is released, and not before.
async fn is_held_until_its_end<R: Runtime>(rt: &R, limiter: &Limiter, job: Job) -> Outcome {
    let mut next = AsyncTask::to::<()>().on(rt).limiter(limiter).spawn(|| async {});
    for _ in 0..20 {
        ensure!(poll_once(&mut next).await.is_none() && !job.dropped.is_set(), "the permit was given on");
        ensure!((limiter.under_way(), limiter.waiting()) == (1, 1));
        AsyncTask::to::<()>().on(rt).spawn(|| async {}).await?;
    }
    job.open.set();
    next.await?;
    ensure!(job.dropped.is_set());
    check_all_free(rt, limiter, 1).await
}

pub async fn killed_blocking_work_holds_its_permit_to_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for retries in [None, Some(1)] {
        for level in [CancelLevel::Kill, CancelLevel::KillHard] {
            let (limiter, job) = (with_permits(1)?, Job::default());
            let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
            let task = match retries {
                None => builder.spawn_blocking(job.work()),
                Some(retries) => {
                    let same = job.clone();
                    builder.retry(retries).spawn_blocking(move || same.work()())
                }
            };
            job.started.wait().await;
            let end = task.cancel(level);
            is_held_until_its_end(&rt, &limiter, job).await?;
            // On a busy machine the poll that has started the work may last until the work's end: then the
            // value wins.
            ensure!(task.await.err().is_none_or(|error| error.is_cancelled()));
            end.await;
        }
    }
    Ok(())
}

pub async fn timed_out_blocking_work_holds_its_permit_to_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ending in 0..7 {
        let (limiter, job) = (with_permits(1)?, Job::default());
        let builder = AsyncTask::to::<()>().on(&rt).limiter(&limiter);
        let (same, inner, limit) = (job.clone(), rt.clone(), 300.millis());
        let work = job.work();
        let result = match ending {
            0 => builder.timeout(limit).run_blocking(work).await,
            1 => builder.timeout(limit).spawn_blocking(work).await,
            2 => builder.attempt_timeout(limit).spawn_blocking(work).await,
            // A part of the work, in place or spawned, that is abandoned alone, and not waited for.
            3 => {
                let below = AsyncTask::to::<()>().on(&rt).timeout(limit);
                builder.spawn(|| async move { below.run_blocking(work).await }).await
            }
            4 => {
                let below = AsyncTask::to::<()>().on(&rt).timeout(limit);
                builder.spawn(|| async move { below.spawn_blocking(work).await }).await
            }
            // The same in the first poll of the work.
            5 => {
                let (below, started) = (AsyncTask::to::<()>().on(&rt), job.started.clone());
                let part = below.clone().timeout(Duration::ZERO);
                let work = || async move {
                    let mut blocking = pin!(below.run_blocking(work));
                    if poll_once(blocking.as_mut()).await.is_none() {
                        started.wait_blocking();
                    }
                    pending::<()>().await
                };
                builder.spawn(|| async move { part.run(work).await }).await
            }
            // The second of two attempts; the first ends at once.
            _ => {
                let calls = crate::cases::restarts::Calls::default();
                let again = builder.retry(1).backoff(RetryStrategy::Immediate).attempt_timeout(limit);
                let again = again.spawn(move || {
                    let (call, same, inner) = (calls.next(), same.clone(), inner.clone());
                    async move {
                        if call == 1 {
                            return Err::<(), BoxError>("the first".into());
                        }
                        Ok(AsyncTask::to::<()>().on(&inner).run_blocking(same.work()).await?)
                    }
                });
                again.await
            }
        };
        let error = failed(result)?;
        ensure!(!job.dropped.is_set(), "{ending}: the latch is not set yet: {error}");
        // On a busy machine no thread may have taken the job in time: then it never runs, or a thread has it
        // and has not come to its first line.
        match job.started.is_set() {
            true => is_held_until_its_end(&rt, &limiter, job).await?,
            false => job.open.set(),
        }
    }
    Ok(())
}

/// Spawns a child that ends when it is released, and returns its handle: the work ends before the child.
fn leaves_a_child<R: Runtime>(rt: &R, open: &Latch, returned: &Latch) -> Result<Task<(), R>, BoxError> {
    let (open, _returning) = (open.clone(), returned.on_drop());
    Ok(AsyncTask::to::<()>().on(rt).spawn(|| async move { open.wait().await }))
}

pub async fn children_of_the_work_keep_its_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for again in [false, true] {
        let (limiter, open, returned) = (with_permits(1)?, Latch::new(), Latch::new());
        let builder = AsyncTask::to::<Task<(), R>>().on(&rt).limiter(&limiter);
        let (inner, opened, returns) = (rt.clone(), open.clone(), returned.clone());
        let work = move || {
            let child = leaves_a_child(&inner, &opened, &returns);
            async move { child }
        };
        let task = if again { builder.retry(1).spawn(work) } else { builder.spawn(work) };
        returned.wait().await;
        let next = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(|| async {});
        until_waiting(&limiter, 1).await;
        for _ in 0..20 {
            ensure!((limiter.under_way(), limiter.waiting()) == (1, 1), "again: {again}");
            yield_now().await;
        }
        open.set();
        task.await?.await?;
        next.await?;
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}

pub async fn detached_tasks_do_not_keep_the_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, open, inner) = (with_permits(1)?, Latch::new(), rt.clone());
    let opened = open.clone();
    let task = AsyncTask::to::<()>().on(&rt).limiter(&limiter).spawn(move || async move {
        AsyncTask::to::<()>().on(&inner).spawn(|| async move { opened.wait().await }).detach();
    });
    task.await?;
    check_all_free(&rt, &limiter, 1).await?;
    open.set();
    Ok(())
}

pub async fn the_permit_is_returned_and_children_have_ended_before_a_recovery<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for again in [false, true] {
        for spawned in [false, true] {
            let (limiter, dropped, inner) = (with_permits(1)?, Latch::new(), rt.clone());
            let (left, line, here) = (dropped.clone(), limiter.clone(), rt.clone());
            let builder = AsyncTask::to::<bool>().on(&rt).limiter(&limiter).recover_with(move |_| {
                let (is_dropped, task) = (left.is_set(), AsyncTask::to::<bool>().on(&here).limiter(&line));
                async move { task.run(|| async move { is_dropped }).await }
            });
            let work = move || {
                let member = |guard: SetOnDrop| async move {
                    let _guard = guard;
                    pending::<()>().await;
                };
                let child = AsyncTask::to::<()>().on(&inner).spawn({
                    let guard = dropped.on_drop();
                    move || member(guard)
                });
                async move {
                    yield_now().await;
                    // The error holds the child's handle, so that dropping the handle does not stop the
                    // child.
                    Err::<bool, _>(Failed(Mutex::new(Box::new(child))))
                }
            };
            let is_dropped = match (again, spawned) {
                (false, false) => builder.run(work).await?,
                (false, true) => builder.spawn(work).await?,
                (true, false) => builder.retry(1).backoff(RetryStrategy::Immediate).run(work).await?,
                (true, true) => builder.retry(1).backoff(RetryStrategy::Immediate).spawn(work).await?,
            };
            ensure!(
                is_dropped,
                "again: {again}, spawned: {spawned}: the recovery began before the child had gone"
            );
            check_all_free(&rt, &limiter, 1).await?;
        }
    }
    Ok(())
}

/// An error that keeps something.
struct Failed(#[expect(dead_code, reason = "kept until the error is dropped")] Mutex<Box<dyn Send>>);

impl std::fmt::Debug for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failed")
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed, with a child")
    }
}

impl std::error::Error for Failed {}
