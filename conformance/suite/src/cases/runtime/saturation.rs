//! Runtimes, blocking pool: with more jobs than threads, other tasks go on, and each job gets its turn.

use futures_lite::future::zip;

use crate::kit::prelude::*;

/// More than the 512 threads of Tokio's pool and the 500 of smol's.
const JOBS: usize = 600;

/// Jobs that wait for one latch, enough to fill every pool.
struct BlockedJobs<R: Runtime> {
    jobs: Vec<Task<usize, R>>,
    open: Latch,
}

impl<R: Runtime> BlockedJobs<R> {
    /// Starts the jobs. All of them have been handed to the pool when this returns.
    async fn start(rt: &R) -> Result<Self, Failure> {
        let open = Latch::new();
        let (report_start, arrived) = async_channel::unbounded();
        let job = |n| {
            let (opened, report_start, inner) = (open.clone(), report_start.clone(), rt.clone());
            AsyncTask::to::<usize>().on(rt).spawn(move || async move {
                let job = AsyncTask::to::<usize>().on(&inner).run_blocking(move || {
                    opened.wait_blocking();
                    n
                });
                // The job is polled first, and so is handed over first.
                let report = async {
                    let _ = report_start.try_send(());
                };
                zip(job, report).await.0
            })
        };
        let jobs = (0..JOBS).map(job).collect();
        for _ in 0..JOBS {
            arrived.recv().await?;
        }
        Ok(Self { jobs, open })
    }

    /// Lets all jobs go on, and checks that each ends with its value.
    async fn release(mut self) -> Outcome {
        self.open.set();
        for (n, job) in std::mem::take(&mut self.jobs).into_iter().enumerate() {
            ensure!(job.await? == n);
        }
        Ok(())
    }
}

impl<R: Runtime> Drop for BlockedJobs<R> {
    fn drop(&mut self) {
        // Also when a case fails: the pool may belong to the process.
        self.open.set();
    }
}

pub async fn tasks_and_timers_go_on_while_jobs_wait_for_threads<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let blocked = BlockedJobs::start(&rt).await?;
    let mut tasks = Vec::new();
    for n in 0..100u64 {
        let inner = rt.clone();
        tasks.push(AsyncTask::to::<u64>().on(&rt).try_spawn(move || async move {
            inner.sleep(1.millis()).await?;
            yield_now().await;
            Ok(n)
        }));
    }
    // No job can end before the latch opens, which is after these awaits.
    for (n, task) in (0..).zip(tasks) {
        ensure!(task.await? == n);
    }
    ensure!(
        failed(AsyncTask::to::<()>().on(&rt).timeout(5.millis()).spawn(pending::<()>).await)?.is_timeout()
    );
    blocked.release().await
}

pub async fn a_job_that_waits_for_a_thread_times_out_and_never_runs<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let blocked = BlockedJobs::start(&rt).await?;
    let mut given_up = Vec::new();
    for spawned in [false, true] {
        let (started, dropped) = (Latch::new(), Latch::new());
        let (start, guard, opened) = (started.clone(), dropped.on_drop(), blocked.open.clone());
        let work = move || {
            let _guard = guard;
            start.set();
            opened.wait_blocking();
        };
        let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
        let result =
            if spawned { builder.spawn_blocking(work).await } else { builder.run_blocking(work).await };
        let AsyncTaskError::Timeout(error) = failed(result)? else { bail!("not a timeout") };
        ensure!(error.still_running() || dropped.is_set(), "it has not started, and it is still there");
        given_up.push((error.still_running(), started, dropped));
    }
    blocked.release().await?;
    for (still_running, started, dropped) in given_up {
        dropped.wait().await;
        // A pool without a bound had a thread for it, and the error said so.
        ensure!(started.is_set() == still_running, "started: {}", started.is_set());
    }
    Ok(())
}

pub async fn a_job_killed_in_the_queue_has_run_or_never_will<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let blocked = BlockedJobs::start(&rt).await?;
    let mut killed = Vec::new();
    for n in 0..100 {
        let (ran, dropped) = (Latch::new(), Latch::new());
        let (run, guard) = (ran.clone(), dropped.on_drop());
        let task = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
            let _guard = guard;
            run.set();
        });
        for _ in 0..n % 4 {
            yield_now().await;
        }
        killed.push((task.cancel(CancelLevel::Kill), task, ran, dropped));
    }
    // Jobs that wait for a thread do not keep a kill waiting, and a job that has a thread does not block it.
    for (end, task, ran, dropped) in killed {
        let end = end.await;
        ensure!(dropped.is_set(), "the closure outlives its task");
        match task.await {
            Ok(()) => ensure!(ran.is_set() && !end.was_cancelled(), "a value, and it never ran"),
            Err(error) => ensure!(error.is_cancelled() && end.was_cancelled(), "{error:?}"),
        }
    }
    blocked.release().await
}

pub async fn jobs_killed_while_the_pool_is_full_run_or_are_cancelled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut blocked = BlockedJobs::start(&rt).await?;
    let kept = blocked.jobs.split_off(JOBS / 2);
    // Some of these have a thread, and some wait for one; which is not known.
    let ends: Vec<_> = blocked.jobs.iter().map(|job| job.cancel(CancelLevel::Kill)).collect();
    blocked.open.set();
    for ((n, job), end) in blocked.jobs.drain(..).enumerate().zip(ends) {
        let end = end.await;
        match job.await {
            Ok(value) => ensure!(value == n && !end.was_cancelled()),
            Err(error) => ensure!(error.is_cancelled() && end.was_cancelled(), "{error:?}"),
        }
    }
    for (n, job) in kept.into_iter().enumerate() {
        ensure!(job.await? == n + JOBS / 2);
    }
    Ok(())
}
