//! Runtimes, spawn: work starts by itself on the named runtime, and is woken from any thread.

use std::future::poll_fn;
use std::pin::Pin;
use std::thread;

use crate::kit::prelude::*;

pub async fn the_named_backend_is_the_one_that_runs<R: Runtime>(rt: R, at: Facts) -> Outcome {
    ensure!(rt.name() == at.name);
    ensure!(rt.worker_count() >= 1);
    ensure!(
        AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?,
        "not on its threads"
    );
    let plain =
        thread::spawn(move || at.is_inside()).join().map_err(|_| Failure::msg("the thread panicked"))?;
    ensure!(!plain, "the harness calls every thread its own: this canary would not sing");
    Ok(())
}

pub async fn work_starts_without_being_awaited<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        start.set();
        1
    });
    started.wait().await;
    ensure!(task.await? == 1);
    Ok(())
}

pub async fn a_borrowed_handle_in_a_select_stays_usable<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let open = Latch::new();
    let opened = open.clone();
    let mut task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        opened.wait().await;
        7
    });
    for _ in 0..3 {
        ensure!(poll_once(&mut task).await.is_none());
        let first = futures_lite::future::or(async { Some((&mut task).await) }, async { None }).await;
        ensure!(first.is_none());
    }
    open.set();
    ensure!((&mut task).await? == 7);
    Ok(())
}

pub async fn a_handle_awaited_again_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 });
    ensure!((&mut task).await? == 1);
    ensure!(matches!((&mut task).await, Err(AsyncTaskError::InvalidState(_))));
    ensure!(task.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn a_thread_without_runtime_can_spawn_and_await<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (sender, answer) = async_channel::bounded(1);
    thread::spawn(move || {
        let task = AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() });
        let _ = sender.try_send(futures_lite::future::block_on(task));
    });
    ensure!(answer.recv().await??);
    Ok(())
}

pub async fn a_wake_from_another_thread_arrives<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (waiting, wake) = (Latch::new(), Latch::new());
    let (is_waiting, woken) = (waiting.clone(), wake.clone());
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        is_waiting.set();
        woken.wait().await;
        1
    });
    thread::spawn(move || {
        waiting.wait_blocking();
        wake.set();
    });
    ensure!(task.await? == 1);
    Ok(())
}

pub async fn ten_thousand_tasks_all_give_their_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let spawn = |n: u64| {
        AsyncTask::to::<u64>().on(&rt).spawn(move || async move {
            yield_now().await;
            n
        })
    };
    let tasks: Vec<_> = (0..10_000).map(spawn).collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await?;
    }
    ensure!(sum == 49_995_000);
    Ok(())
}

pub async fn tasks_that_wait_for_each_other_both_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (to_left, at_left) = async_channel::bounded::<u32>(1);
    let (to_right, at_right) = async_channel::bounded::<u32>(1);
    let left = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
        to_right.send(1).await?;
        Ok(at_left.recv().await?)
    });
    let right = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
        let got = at_right.recv().await?;
        to_left.send(got + 1).await?;
        Ok(got)
    });
    ensure!((left.await?, right.await?) == (2, 1));
    Ok(())
}

pub async fn a_timer_beyond_the_clocks_range_does_not_panic<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let far = rt.now().checked_add(Duration::from_secs(60 * 60 * 24 * 365 * 500)).unwrap_or_else(|| rt.now());
    ensure!(poll_once(rt.sleep_until(far)).await.is_none());
    rt.sleep_until(rt.now()).await;
    let early = rt.now().checked_sub(Duration::from_secs(1)).unwrap_or_else(|| rt.now());
    rt.sleep_until(early).await;
    let soon = rt.now() + Duration::from_millis(2);
    rt.sleep_until(soon).await;
    ensure!(rt.now() >= soon, "a timer is never early");
    Ok(())
}

/// The farthest moment that the clock counts is never reached: neither by a timer nor by a limit.
pub async fn a_timer_at_the_end_of_the_clocks_range_does_not_panic<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (mut farthest, mut step) = (rt.now(), Duration::MAX);
    while !step.is_zero() {
        match farthest.checked_add(step) {
            Some(farther) => farthest = farther,
            None => step /= 2,
        }
    }
    ensure!(poll_once(rt.sleep_until(farthest)).await.is_none());
    // An hour less, so that it can still be counted from a moment later.
    let limit = farthest.saturating_duration_since(rt.now()).saturating_sub(Duration::from_secs(3600));
    let task = AsyncTask::to::<u32>().on(&rt).timeout(limit).spawn(|| async {
        yield_now().await;
        1
    });
    ensure!(task.await? == 1);
    Ok(())
}

/// A timer wakes the task that polled it last.
pub async fn a_timer_that_moves_to_another_task_wakes_it_there<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut after = Duration::from_millis(200);
    loop {
        let mut timer = Box::pin(rt.sleep_until(rt.now() + after));
        if poll_once(timer.as_mut()).await.is_none() {
            let work = move || async move {
                let waits = poll_once(timer.as_mut()).await.is_none();
                if waits {
                    timer.await;
                }
                waits
            };
            if AsyncTask::to::<bool>().on(&rt).spawn(work).await? {
                return Ok(());
            }
        }
        // The time had passed before the timer was polled in both tasks.
        after *= 2;
    }
}

/// A handle wakes the task that polled it last.
pub async fn a_handle_that_moves_to_another_task_wakes_it_there<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (open, opened) = async_channel::bounded::<()>(1);
    let (polled, is_polled) = async_channel::bounded::<()>(1);
    let mut task = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
        opened.recv().await?;
        Ok(1)
    });
    ensure!(poll_once(&mut task).await.is_none());
    // Set within the poll: only the handle can bring about another.
    let waiting = poll_fn(move |cx| {
        let value = Pin::new(&mut task).poll(cx);
        let _ = polled.try_send(());
        value
    });
    let other = AsyncTask::to::<u32>().on(&rt).spawn(|| waiting);
    is_polled.recv().await?;
    open.send(()).await?;
    ensure!(other.await? == 1);
    Ok(())
}
