//! Promise 4, precedence: a ready value and a cancellation come before a time limit.
//! The work is dropped before the error, which names the task and says if blocking work still runs.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use crate::library::TimeoutKind;

use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

pub async fn a_ready_value_wins_over_a_zero_limit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt).timeout(Duration::ZERO);
    ensure!(builder.clone().run(|| async { 1 }).await? == 1);
    ensure!(builder.clone().inline().run(|| 2).await? == 2);
    ensure!(builder.clone().spawn(|| async { 3 }).await? == 3);
    ensure!(AsyncTask::to::<u32>().on(&rt).spawn_with_timeout(Duration::ZERO, || async { 4 }).await? == 4);
    Ok(())
}

pub async fn a_zero_limit_polls_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let polls = Arc::new(AtomicUsize::new(0));
    let work = || {
        let polls = polls.clone();
        move || {
            poll_fn(move |cx| {
                polls.fetch_add(1, Ordering::SeqCst);
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })
        }
    };
    let builder = AsyncTask::to::<()>().on(&rt).timeout(Duration::ZERO);
    ensure!(failed(builder.clone().run(work()).await)?.is_timeout());
    ensure!(polls.load(Ordering::SeqCst) == 1);
    ensure!(failed(builder.spawn(work()).await)?.is_timeout());
    ensure!(polls.load(Ordering::SeqCst) == 2);
    Ok(())
}

pub async fn work_that_never_ends_times_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(10.millis());
    let before = rt.now();
    let mut task = builder.clone().spawn(pending::<()>);
    for error in [failed(builder.run(pending::<()>).await)?, failed((&mut task).await)?] {
        ensure!(error.is_timeout() && !error.is_cancelled(), "a timeout is not a cancellation");
        let AsyncTaskError::Timeout(error) = error else { bail!("not a timeout") };
        ensure!((error.limit(), error.attempts(), error.still_running()) == (10.millis(), 1, false));
        ensure!(error.kind() == TimeoutKind::Overall);
    }
    ensure!(rt.now().saturating_duration_since(before) >= 10.millis(), "a limit is never early");
    ensure!(task.status() == TaskStatus::Failed);
    Ok(())
}

pub async fn the_longest_duration_is_no_limit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt).timeout(Duration::MAX);
    let work = || async {
        for _ in 0..10 {
            yield_now().await;
        }
        1
    };
    ensure!(builder.clone().run(work).await? == 1);
    ensure!(builder.clone().spawn(work).await? == 1);
    ensure!(builder.timeout(u64::MAX.days()).spawn(work).await? == 1);
    Ok(())
}

pub async fn the_work_is_dropped_before_the_error_is_given<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let dropped = Latch::new();
        let guard = dropped.on_drop();
        let work = || async move {
            let _guard = guard;
            pending::<()>().await
        };
        let builder = AsyncTask::to::<()>().on(&rt).timeout(5.millis());
        let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
        ensure!(failed(result)?.is_timeout());
        ensure!(dropped.is_set());
    }
    Ok(())
}

pub async fn the_error_names_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let named = AsyncTask::to::<()>().on(&rt).name("download").timeout(5.millis());
    for error in [failed(named.clone().run(pending::<()>).await)?, failed(named.spawn(pending::<()>).await)?]
    {
        let text = error.to_string();
        ensure!(text.contains("download") && text.contains("5ms"), "{text}");
    }
    let late = AsyncTask::to::<()>().on(&rt).name("late").spawn_with_timeout(5.millis(), pending::<()>);
    ensure!(late.name().as_deref() == Some("late"));
    ensure!(failed(late.await)?.to_string().contains("late"));
    Ok(())
}

pub async fn started_blocking_work_is_not_waited_for_and_the_error_says_so<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for spawned in [false, true] {
        let (started, open, done) = (Latch::new(), Latch::new(), Latch::new());
        let (start, opened, finish) = (started.clone(), open.clone(), done.clone());
        let work = move || {
            start.set();
            opened.wait_blocking();
            finish.set();
        };
        // Long enough for a thread to start, and the work cannot end before the latch is set.
        let builder = AsyncTask::to::<()>().on(&rt).timeout(500.millis());
        let result =
            if spawned { builder.spawn_blocking(work).await } else { builder.run_blocking(work).await };
        let AsyncTaskError::Timeout(error) = failed(result)? else { bail!("not a timeout") };
        ensure!(!done.is_set(), "the latch is not set yet");
        if started.is_set() {
            ensure!(error.still_running(), "it runs, and the error does not say so");
            ensure!(error.to_string().contains("still runs"), "{error}");
        }
        open.set();
        // Work for which there was no thread in time never runs.
        if error.still_running() {
            done.wait().await;
        }
    }
    Ok(())
}

pub async fn started_blocking_work_inside_async_work_is_not_waited_for_either<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (started, open, inner) = (Latch::new(), Latch::new(), rt.clone());
    let (start, opened) = (started.clone(), open.clone());
    let task = AsyncTask::to::<()>().on(&rt).timeout(500.millis()).spawn(move || async move {
        let work = move || {
            start.set();
            opened.wait_blocking();
        };
        AsyncTask::to::<()>().on(&inner).run_blocking(work).await
    });
    // The latch is not set until the answer is there; the timer only turns a hang into a failure.
    let hang = async {
        rt.sleep_until(rt.now() + Duration::from_secs(10)).await;
        Ok(())
    };
    let result = futures_lite::future::or(task, hang).await;
    open.set();
    let Err(error) = result else { bail!("the timeout waited for blocking work that had started") };
    let AsyncTaskError::Timeout(error) = error else { bail!("not a timeout: {error:?}") };
    // The thread may have taken the work, and not come to its first line.
    if error.still_running() {
        started.wait().await;
    }
    ensure!(error.still_running() == started.is_set(), "it runs, and the error does not say so");
    Ok(())
}

pub async fn of_nested_limits_the_inner_one_fires_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let outer = AsyncTask::to::<()>().on(&rt).timeout(1.hours());
    let error = failed(
        outer
            .spawn(move || async move {
                AsyncTask::to::<()>().on(&inner).name("inner").timeout(5.millis()).run(pending::<()>).await
            })
            .await,
    )?;
    let AsyncTaskError::Timeout(error) = error else { bail!("not a timeout: {error:?}") };
    ensure!(error.limit() == 5.millis() && error.to_string().contains("inner"));
    Ok(())
}

pub async fn of_nested_limits_the_outer_one_ends_a_longer_inner_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, dropped) = (rt.clone(), Latch::new());
    let guard = dropped.on_drop();
    let outer = AsyncTask::to::<()>().on(&rt).timeout(5.millis());
    let task = outer.spawn(move || async move {
        let work = || async move {
            let _guard = guard;
            pending::<()>().await
        };
        AsyncTask::to::<()>().on(&inner).timeout(1.hours()).spawn(work).await
    });
    let AsyncTaskError::Timeout(error) = failed(task.await)? else { bail!("not a timeout") };
    ensure!(error.limit() == 5.millis());
    ensure!(dropped.is_set(), "the inner task is gone when the outer one's await returns");
    Ok(())
}

pub async fn a_kill_comes_before_a_limit_on_a_tie<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).timeout(Duration::ZERO).spawn(pending::<()>);
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled());
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    Ok(())
}

pub async fn a_limit_leaves_errors_and_panics_as_they_are<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt).timeout(1.hours());
    ensure!(source_text(&failed(builder.clone().spawn(|| async { Err::<u32, _>("own") }).await)?) == "own");
    ensure!(failed(builder.spawn(|| async { explode::<u32>("no") }).await)?.is_panic());
    Ok(())
}

pub async fn a_value_in_time_is_never_lost<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The work ends about when its limit does: either answer is right, a lost value or a hang is not.
    for round in 0..200u64 {
        let alive = Census::default();
        let (resident, inner) = (alive.enter(), rt.clone());
        let task = AsyncTask::to::<u64>().on(&rt).timeout(1.millis()).spawn(move || async move {
            let _resident = resident;
            inner.sleep_until(inner.now() + Duration::from_micros(900 + round)).await;
            round
        });
        match task.await {
            Ok(value) => ensure!(value == round),
            Err(error) => ensure!(error.is_timeout(), "{error:?}"),
        }
        ensure!(alive.alive() == 0);
    }
    Ok(())
}
