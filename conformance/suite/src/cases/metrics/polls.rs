//! Metrics, polls: the polls of a measured task are counted and timed, and a long poll is reported.

use std::thread;
use std::time::Instant;

use crate::library::MetricsEnabledTask as _;
use crate::library::metrics::PollUsage;

use crate::kit::load::burn;
use crate::kit::prelude::*;
use crate::kit::spans::{span, warnings};

/// Keeps the thread busy for `time`, by the wall clock.
fn keep(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        burn(100.micros());
    }
}

/// Yields until `count` polls of `task` have ended.
async fn polled<R: Runtime>(task: &Task<(), R>, count: u64) -> Result<PollUsage, Failure> {
    loop {
        let polls = task.poll_usage().context("it is measured")?;
        if polls.count >= count {
            return Ok(polls);
        }
        yield_now().await;
    }
}

pub async fn each_poll_is_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for yields in [0, 1, 10] {
        let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(move || async move {
            for _ in 0..yields {
                yield_now().await;
            }
        });
        (&mut task).await?;
        let polls = task.poll_usage().context("it was measured")?;
        ensure!((polls.count, polls.wakes) == (yields + 1, yields + 1), "{polls:?} for {yields} yields");
        ensure!(polls.mean().is_some_and(|mean| mean <= polls.longest) && polls.longest <= polls.time);
    }
    Ok(())
}

pub async fn the_longest_poll_is_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {
        yield_now().await;
        keep(15.millis());
        yield_now().await;
        keep(1.millis());
    });
    (&mut task).await?;
    let polls = task.poll_usage().context("it was measured")?;
    ensure!(polls.longest >= 15.millis() && polls.time >= 16.millis() && polls.count == 3, "{polls:?}");
    Ok(())
}

pub async fn a_wait_for_a_thread_is_a_delay<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (go, wait) = (Latch::new(), 15.millis());
    let going = go.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async move { going.wait().await });
    let before = polled(&task, 1).await?;
    let held = hold_workers(&rt, at).await?;
    go.set();
    thread::sleep(wait);
    held.release().await?;
    (&mut task).await?;
    let polls = task.poll_usage().context("it was measured")?;
    ensure!(polls.delay - before.delay >= wait && polls.longest_delay >= wait, "{polls:?} after {before:?}");
    ensure!((polls.count, polls.wakes) == (2, 2), "{polls:?}");

    // The wait for the first poll is a delay too.
    let held = hold_workers(&rt, at).await?;
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {});
    thread::sleep(wait);
    held.release().await?;
    (&mut task).await?;
    let polls = task.poll_usage().context("it was measured")?;
    ensure!(polls.delay >= wait && polls.idle.is_zero() && polls.wakes == 1, "{polls:?}");
    Ok(())
}

pub async fn a_wait_for_something_else_is_idle<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let go = Latch::new();
    let going = go.clone();
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async move { going.wait().await });
    polled(&task, 1).await?;
    thread::sleep(15.millis());
    go.set();
    (&mut task).await?;
    let polls = task.poll_usage().context("it was measured")?;
    ensure!(polls.idle >= 15.millis(), "{polls:?}");
    Ok(())
}

pub async fn a_measured_task_is_woken_as_any_other<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Wakes within a poll, before it and twice, and the wake of a timer that has moved to another task.
    let (sender, receiver) = async_channel::bounded::<u32>(1);
    let inner = rt.clone();
    let task = AsyncTask::to::<u32>().on(&rt).metrics(true).try_spawn(move || async move {
        let mut sum = 0;
        while let Ok(number) = receiver.recv().await {
            sum += number;
            inner.sleep(Duration::ZERO).await?;
        }
        Ok(sum)
    });
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let sender = sender.clone();
            AsyncTask::to::<()>().on(&rt).metrics(true).try_spawn(move || async move {
                for number in 0..50 {
                    sender.send(number).await?;
                }
                Ok(())
            })
        })
        .collect();
    drop(sender);
    for sender in senders {
        sender.await?;
    }
    ensure!(task.await? == 4 * (0..50).sum::<u32>());
    let mut timed = Box::pin(rt.sleep(1.millis()));
    ensure!(poll_once(&mut timed).await.is_none());
    AsyncTask::to::<()>().on(&rt).metrics(true).try_spawn(move || async move { Ok(timed.await?) }).await?;
    Ok(())
}

pub async fn measured_work_that_moves_is_woken_where_it_is<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Polled here first, then by two tasks, one after the other.
    let go = Latch::new();
    let going = go.clone();
    let mut work = Box::pin(AsyncTask::to::<()>().on(&rt).metrics(true).run(|| async move {
        going.wait().await;
        yield_now().await;
    }));
    ensure!(poll_once(&mut work).await.is_none());
    let (sender, moved) = async_channel::bounded(1);
    let first = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _ = poll_once(&mut work).await;
        let _ = sender.try_send(work);
    });
    let work = moved.recv().await?;
    first.await?;
    let task = AsyncTask::to::<()>().on(&rt).try_spawn(|| async move { Ok(work.await?) });
    yield_now().await;
    go.set();
    Ok(task.await?)
}

pub async fn a_long_poll_causes_a_warning<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let caller = span()?;
    let warnings = warnings(&caller)?;
    // The default threshold is 100 ms.
    let build = |name: &str| AsyncTask::to::<()>().on(&rt).name(name).metrics(true);
    let tasks = caller.in_scope(|| {
        [
            build("short").spawn(|| async { burn(1.millis()) }),
            build("long").spawn(|| async { keep(110.millis()) }),
        ]
    });
    for task in tasks {
        task.await?;
    }
    let reported: Vec<_> = std::iter::from_fn(|| warnings.try_recv().ok()).collect();
    // On a very busy machine the other poll may have been long too.
    let long = reported.iter().find(|warning| warning.task_name.as_deref() == Some("long"));
    ensure!(long.is_some_and(|warning| warning.message.contains("kept its thread")), "{reported:?}");
    Ok(())
}
