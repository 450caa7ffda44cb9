//! Capabilities, `TimedTask`: a deadline can be set, moved or taken away while the task runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::{Canceller, TaskContext, TimedTask, TimeoutKind};

use super::deadlines::{is_due, passed};
use crate::kit::cause_of;
use crate::kit::prelude::*;

/// A task that sleeps without end, certain to have started, so that only a new timer can end it in time.
async fn asleep<R: Runtime>(
    rt: &R,
    limit: Option<Duration>,
) -> Result<(Task<(), R>, TaskContext, Census), Failure> {
    let (sender, contexts) = async_channel::bounded(1);
    let alive = Census::default();
    let (resident, inner) = (alive.enter(), rt.clone());
    let builder = AsyncTask::to::<()>().on(rt).name("asleep").timeout(limit.unwrap_or(Duration::MAX));
    let task = builder.spawn_with(|cx| async move {
        let _resident = resident;
        let _ = sender.try_send(cx);
        inner.sleep(Duration::MAX).await
    });
    Ok((task, contexts.recv().await?, alive))
}

pub async fn a_task_spawned_without_a_limit_can_be_given_one<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, context, alive) = asleep(&rt, None).await?;
    let begun = rt.now();
    context.set_timeout(20.millis())?;
    ensure!(task.deadline() >= Some(begun + 20.millis()) && task.timeout() == Some(20.millis()));
    let error = passed(task.await)?;
    is_due(&rt, at, begun, 20.millis())?;
    ensure!(alive.alive() == 0 && error.kind() == TimeoutKind::Overall);
    ensure!(error.limit() == 20.millis(), "the limit that has passed: {error:?}");
    let (task, _, alive) = asleep(&rt, None).await?;
    let begun = rt.now();
    task.set_deadline(begun + 20.millis())?;
    let error = passed(task.await)?;
    is_due(&rt, at, begun, 20.millis())?;
    let limit = error.limit();
    ensure!(limit <= 20.millis() && (!at.virtual_time || limit == 20.millis()), "{error:?}");
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn an_earlier_deadline_wakes_a_task_that_sleeps<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, _, alive) = asleep(&rt, Some(1.hours())).await?;
    let begun = rt.now();
    task.set_timeout(20.millis())?;
    ensure!(
        task.remaining() <= Some(20.millis()) && task.timeout() == Some(20.millis()),
        "as its builder said"
    );
    let error = passed(task.await)?;
    is_due(&rt, at, begun, 20.millis())?;
    ensure!(alive.alive() == 0);
    ensure!(error.to_string() == "task `asleep` timed out after 20ms", "it had no hour: {error}");
    Ok(())
}

pub async fn a_later_deadline_takes_the_place_of_the_first<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (sender, moved) = async_channel::bounded(1);
    let inner = rt.clone();
    let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
    let task = builder.spawn_with(|cx| async move {
        // The first timer is set by now. A shielded region, so that a slow machine cannot miss the move.
        let region = async {
            inner.sleep(1.millis()).await?;
            let _ = sender.try_send(inner.now());
            cx.set_timeout(50.millis())
        };
        cx.shield(region).await?;
        pending::<Result<(), AsyncTaskError>>().await
    });
    let begun = moved.recv().await?;
    let error = passed(task.await)?;
    is_due(&rt, at, begun, 50.millis())?;
    ensure!(error.limit() == 50.millis(), "{error:?}");
    // From outside, and twice.
    let begun = rt.now();
    let (task, context, alive) = asleep(&rt, Some(1.hours())).await?;
    task.set_deadline(begun + 2.hours())?;
    task.set_deadline(begun + 3.hours())?;
    ensure!(context.deadline() == Some(begun + 3.hours()));
    if at.virtual_time {
        passed(task.await)?;
        is_due(&rt, at, begun, 3.hours())?;
    } else {
        task.cancel(CancelLevel::Kill).await;
    }
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn the_longest_duration_takes_a_deadline_away<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (moved, open) = (Latch::new(), Latch::new());
    let (is_moved, opened) = (moved.clone(), open.clone());
    let task = AsyncTask::to::<u32>().on(&rt).timeout(20.millis()).spawn_with(|cx| async move {
        // In its first poll, so that a slow machine cannot miss it.
        let set = cx.set_timeout(Duration::MAX);
        is_moved.set();
        opened.wait().await;
        if set.is_ok() && cx.deadline().is_none() { 1 } else { 0 }
    });
    moved.wait().await;
    rt.sleep(40.millis()).await?;
    ensure!(!task.is_expired() && (task.deadline(), task.remaining()) == (None, None));
    ensure!(task.timeout().is_none(), "there is none any more");
    open.set();
    ensure!(task.await? == 1);
    // A deadline beyond counting is none either.
    let (task, context, _) = asleep(&rt, Some(1.hours())).await?;
    context.set_timeout(u64::MAX.days())?;
    ensure!(task.deadline().is_none());
    task.cancel(CancelLevel::Kill).await;
    Ok(())
}

pub async fn work_can_set_a_deadline_for_itself<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt);
    for limit in [Duration::MAX, 1.hours()] {
        let (inner, begun) = (rt.clone(), rt.now());
        let at_once = builder.clone().timeout(limit).spawn_with(|cx| async move {
            cx.set_timeout(10.millis())?;
            pending::<Result<(), AsyncTaskError>>().await
        });
        passed(at_once.await)?;
        let later = builder.clone().timeout(limit).spawn_with(|cx| async move {
            inner.sleep(10.millis()).await?;
            cx.set_timeout(10.millis())?;
            pending::<Result<(), AsyncTaskError>>().await
        });
        passed(later.await)?;
        let in_place = builder.clone().timeout(limit).run_with(|cx| async move {
            cx.set_timeout(10.millis())?;
            pending::<Result<(), AsyncTaskError>>().await
        });
        passed(in_place.await)?;
        let scope = builder.clone().timeout(limit).scope(|s| async move {
            s.context().set_timeout(10.millis())?;
            Ok(pending::<()>().await)
        });
        passed(scope.await)?;
        is_due(&rt, at, begun, 50.millis())?;
    }
    Ok(())
}

pub async fn a_deadline_that_has_passed_ends_the_task_now<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    rt.sleep(1.millis()).await?;
    let (task, context, _) = asleep(&rt, Some(1.hours())).await?;
    let set = rt.now();
    task.set_deadline(begun)?;
    ensure!(task.is_expired() || task.status() == TaskStatus::Failed);
    ensure!(passed(task.await)?.limit() == Duration::ZERO && context.is_expired());
    let (task, context, _) = asleep(&rt, None).await?;
    context.set_timeout(Duration::ZERO)?;
    passed(task.await)?;
    // Set by the work itself in the poll that gives the value: the value wins.
    let task = AsyncTask::to::<u32>().on(&rt).spawn_with(|cx| async move {
        let set = cx.set_timeout(Duration::ZERO);
        if set.is_ok() { 7 } else { 0 }
    });
    ensure!(task.await? == 7);
    is_due(&rt, at, set, Duration::ZERO)
}

pub async fn a_task_not_yet_polled_is_polled_once_all_the_same<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let polled = Latch::new();
    let poll = polled.clone();
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        poll.set();
        pending::<()>().await
    });
    task.set_timeout(Duration::ZERO)?;
    held.release().await?;
    passed(task.await)?;
    ensure!(polled.is_set());
    Ok(())
}

pub async fn after_its_end_a_task_takes_no_deadline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn takes_none(task: &impl TimedTask, now: std::time::Instant) -> Outcome {
        for error in [failed(task.set_timeout(1.hours()))?, failed(task.set_deadline(now + 1.hours()))?] {
            ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
        }
        ensure!(task.deadline().is_none());
        Ok(())
    }
    let (task, context, _) = asleep(&rt, None).await?;
    let canceller: Canceller = task.canceller();
    task.cancel(CancelLevel::Kill).await;
    takes_none(&task, rt.now())?;
    takes_none(&context, rt.now())?;
    takes_none(&canceller, rt.now())?;
    let mut completed = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 });
    (&mut completed).await?;
    takes_none(&completed, rt.now())
}

pub async fn a_deadline_moved_many_times_passes_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let polls = Arc::new(AtomicUsize::new(0));
    let (counter, inner) = (polls.clone(), rt.clone());
    let builder = AsyncTask::to::<()>().on(&rt);
    let task = builder.spawn(|| {
        let mut sleep = Box::pin(async move { inner.sleep(Duration::MAX).await });
        std::future::poll_fn(move |cx| {
            counter.fetch_add(1, Ordering::SeqCst);
            sleep.as_mut().poll(cx)
        })
    });
    for round in 0..1_000u64 {
        task.set_timeout(if round % 2 == 0 { 1.hours() } else { 2.hours() })?;
        if round % 100 == 0 {
            yield_now().await;
        }
    }
    let begun = rt.now();
    task.set_timeout(20.millis())?;
    ensure!(passed(task.await)?.limit() == 20.millis());
    is_due(&rt, at, begun, 20.millis())?;
    let after = polls.load(Ordering::SeqCst);
    ensure!(after <= 1_002 && after > 0, "{after} polls");
    rt.sleep(5.millis()).await?;
    ensure!(polls.load(Ordering::SeqCst) == after);
    Ok(())
}

pub async fn a_child_cannot_outlive_its_parents_deadline<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (begun, alive) = (rt.now(), Census::default());
    let resident = alive.enter();
    let parent = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let child = AsyncTask::to::<()>().on(&cx.runtime()).timeout(1.minutes()).spawn(|| async move {
            let _resident = resident;
            pending::<()>().await
        });
        child.set_timeout(2.hours())?;
        cx.set_timeout(20.millis())?;
        child.await
    });
    ensure!(passed(parent.await)?.limit() == 20.millis());
    is_due(&rt, at, begun, 20.millis())?;
    ensure!(alive.alive() == 0);
    Ok(())
}

pub async fn a_deadline_moved_within_a_shielded_region_is_checked_at_its_end<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let begun = rt.now();
    for (moved, ends_late) in [(Duration::MAX, false), (1.hours(), false), (5.millis(), true)] {
        let inner = rt.clone();
        let task = AsyncTask::to::<u32>().on(&rt).timeout(10.millis()).spawn_with(move |cx| async move {
            let region = async {
                inner.sleep(20.millis()).await?;
                cx.set_timeout(moved)?;
                inner.sleep(10.millis()).await
            };
            cx.shield(region).await?;
            yield_now().await;
            Ok::<_, AsyncTaskError>(7)
        });
        match (ends_late, task.await) {
            (false, Ok(7)) => {}
            (true, late) => drop(passed(late)?),
            (_, other) => bail!("moved to {moved:?}: {other:?}"),
        }
    }
    is_due(&rt, at, begun, 90.millis())
}

pub async fn a_deadline_after_the_value_ends_the_children_and_keeps_the_value<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let begun = rt.now();
    for early in [true, false] {
        let (sender, children) = async_channel::bounded(1);
        let limit = if early { 20.millis() } else { Duration::MAX };
        let mut task = AsyncTask::to::<u32>().on(&rt).timeout(limit).spawn_with(|cx| async move {
            let child = AsyncTask::to::<()>().on(&cx.runtime()).spawn(pending::<()>);
            let _ = sender.try_send(child);
            7
        });
        let child = children.recv().await?;
        if !early {
            // The work has given its value by now, or will in the same poll; the task waits for its child.
            task.set_timeout(20.millis())?;
        }
        ensure!((&mut task).await? == 7, "the value was there before the deadline");
        ensure!(!task.is_expired() && task.status() == TaskStatus::Completed);
        ensure!(cause_of(&failed(child.await)?) == Some(CancelCause::ParentEnded));
    }
    is_due(&rt, at, begun, 40.millis())
}

pub async fn started_blocking_work_is_left_at_a_deadline_set_later<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, open, done) = (Latch::new(), Latch::new(), Latch::new());
    let (start, opened, finish) = (started.clone(), open.clone(), done.on_drop());
    let task = AsyncTask::to::<()>().on(&rt).spawn_blocking(move || {
        let _finish = finish;
        start.set();
        opened.wait_blocking();
    });
    started.wait().await;
    task.set_timeout(10.millis())?;
    let error = passed(task.await)?;
    ensure!(error.still_running() && !done.is_set() && error.limit() == 10.millis(), "{error:?}");
    open.set();
    done.wait().await;
    Ok(())
}
