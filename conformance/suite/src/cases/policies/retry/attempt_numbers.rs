//! Recovery, retries: each attempt finds its number in its context, from 1.

use std::sync::{Arc, Mutex, PoisonError};

use crate::library::{Hedge, RestartPolicy, RetryStrategy, Schedule, TaskContext};

use crate::cases::restarts::Broken;
use crate::kit::orchestras::orchestra;
use crate::kit::prelude::*;

/// The numbers that attempts have found. Clones share them.
#[derive(Clone, Default)]
struct Numbers(Arc<Mutex<Vec<u32>>>);

impl Numbers {
    /// Notes the number of an attempt, which succeeds if it is the third.
    fn note(&self, number: u32) -> Result<u32, Broken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        if number < 3 { Err(Broken(number)) } else { Ok(number) }
    }

    /// The numbers that were noted since the last call.
    fn take(&self) -> Vec<u32> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The number in the context that is found here; zero outside of a task.
fn own() -> u32 {
    TaskContext::current().map_or(0, |cx| cx.attempt())
}

pub async fn each_kind_of_retried_work_has_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = Numbers::default();
    let builder = || AsyncTask::to::<u32>().on(&rt).retry(5).backoff(RetryStrategy::Immediate);
    let given = || {
        let numbers = numbers.clone();
        move |cx: TaskContext| {
            let numbers = numbers.clone();
            async move { numbers.note(cx.attempt()) }
        }
    };
    let found = || {
        let numbers = numbers.clone();
        move || {
            let (numbers, called) = (numbers.clone(), own());
            async move {
                let first = own();
                yield_now().await;
                // In the call, in the first poll and later.
                numbers.note(if (called, first) == (own(), own()) { own() } else { 0 })
            }
        }
    };
    let blocking = || {
        let numbers = numbers.clone();
        move || numbers.note(own())
    };
    let results = [
        (builder().run_with(given()).await, numbers.take()),
        (builder().spawn_with(given()).await, numbers.take()),
        (builder().run(|| async { numbers.note(own()) }).await, numbers.take()),
        (builder().run(blocking()).await, numbers.take()),
        (builder().spawn(blocking()).await, numbers.take()),
        (builder().inline().run(blocking()).await, numbers.take()),
        (builder().inline().spawn(blocking()).await, numbers.take()),
        (builder().attempt_timeout(1.hours()).run_with(given()).await, numbers.take()),
        (builder().name("named").tracing(true).run_with(given()).await, numbers.take()),
        (builder().run(found()).await, numbers.take()),
    ];
    for (number, (result, noted)) in results.into_iter().enumerate() {
        ensure!(result? == 3 && noted == [1, 2, 3], "{number}: {noted:?}");
    }
    Ok(())
}

pub async fn tasks_that_an_attempt_starts_count_from_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<[u32; 4]>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let run = builder.run_with(|cx: TaskContext| {
        let rt = rt.clone();
        async move {
            let bare = AsyncTask::to::<u32>().on(&rt).run(|| async { own() }).await?;
            let part = AsyncTask::to::<u32>().on(&rt).with(0_u8).run(|| async { own() }).await?;
            let child = AsyncTask::to::<u32>().on(&rt).spawn(|| async { own() }).await?;
            match cx.attempt() {
                1 => Err(AsyncTaskError::failure(Broken(1))),
                number => Ok([number, bare, part, child]),
            }
        }
    });
    let numbers = run.await?;
    ensure!(numbers == [2, 2, 1, 1], "bare work is part of the attempt: {numbers:?}");
    ensure!(AsyncTask::to::<u32>().on(&rt).spawn(|| async { own() }).await? == 1);
    Ok(())
}

pub async fn hedged_attempts_each_have_their_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = Numbers::default();
    let builder = || AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::ZERO).at_most(2));
    for given in [false, true] {
        let noted = numbers.clone();
        let work = move |cx: Option<TaskContext>| {
            let numbers = noted.clone();
            async move {
                // By now all three are under way.
                yield_now().await;
                match numbers.note(cx.map_or_else(own, |cx| cx.attempt())) {
                    Ok(third) => third,
                    Err(_) => pending().await,
                }
            }
        };
        let value = match given {
            true => builder().spawn_with(move |cx: TaskContext| work(Some(cx))).await?,
            false => builder().spawn(move || work(None)).await?,
        };
        let noted = numbers.take();
        ensure!(value == 3 && noted == [1, 2, 3], "{value} of {noted:?}");
    }
    // The numbers go on from round to round.
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::MAX)).retry(1);
    let error = failed(
        builder
            .backoff(RetryStrategy::Immediate)
            .run(|| async {
                let _ = numbers.note(own());
                Err::<u32, _>(Broken(0))
            })
            .await,
    )?;
    let noted = numbers.take();
    ensure!(error.is_retries_exhausted() && noted == [1, 2, 3, 4], "{noted:?}");
    Ok(())
}

pub async fn restarted_work_has_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (numbers, policy) = (Numbers::default(), RestartPolicy { intensity: 4, period: Duration::MAX });
    for blocking in [false, true] {
        let noted = numbers.clone();
        let supervised = AsyncTask::to::<u32>().on(&rt).supervise(policy);
        let supervised = supervised.backoff(RetryStrategy::Immediate);
        let task = match blocking {
            true => supervised.spawn(move || noted.note(own())),
            false => supervised.spawn(move || {
                let noted = noted.clone();
                async move {
                    yield_now().await;
                    noted.note(own())
                }
            }),
        };
        let (value, noted) = (task.await?, numbers.take());
        ensure!(value == 3 && noted == [1, 2, 3], "{noted:?}");
    }
    Ok(())
}

pub async fn a_recovery_finds_how_many_attempts_were_made<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let recovered = AsyncTask::to::<u32>().on(&rt).recover_with(|_| async { own() });
    let retried = recovered.clone().retry(2).backoff(RetryStrategy::Immediate);
    let work = || async { Err::<u32, _>(Broken(0)) };
    ensure!(retried.clone().run(work).await? == 3);
    ensure!(retried.spawn(work).await? == 3);
    ensure!(recovered.clone().run(work).await? == 1);
    ensure!(recovered.spawn(work).await? == 1);
    Ok(())
}

pub async fn each_run_of_a_schedule_counts_from_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = Numbers::default();
    let noted = numbers.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let task = builder.repeat(Schedule::every(1.millis()).take(2)).spawn_with(move |cx: TaskContext| {
        let numbers = noted.clone();
        async move { numbers.note(cx.attempt()) }
    });
    let (report, noted) = (task.await?, numbers.take());
    ensure!((report.runs, report.failures) == (2, 0) && noted == [1, 2, 3, 1, 2, 3], "{noted:?}");
    Ok(())
}

pub async fn tasks_of_an_orchestra_have_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (all, numbers) = (orchestra(&rt).build()?, Numbers::default());
    let retried = || AsyncTask::to::<u32>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let noted = numbers.clone();
    let node = all.register_task("node", retried(), move || {
        let numbers = noted.clone();
        async move { numbers.note(own()) }
    })?;
    all.run().await?;
    ensure!(node.output().as_deref() == Some(&3) && numbers.take() == [1, 2, 3]);
    let noted = numbers.clone();
    let ad_hoc = retried().orchestrator(&all).spawn(move || {
        let numbers = noted.clone();
        async move { numbers.note(own()) }
    });
    ensure!(ad_hoc.await? == 3 && numbers.take() == [1, 2, 3]);
    Ok(())
}
