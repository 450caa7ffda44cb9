//! Promise 6, levels: callbacks end with their task or its grace period.
//! A synchronous callback that is registered after the end runs at once; an asynchronous one is
//! `InvalidState`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::library::{CancelOutcome, CancellableTask as _, TaskContext, TimedTask as _};

use crate::kit::prelude::*;
use crate::kit::{SetOnDrop, explode};

pub async fn a_task_that_ends_by_itself_runs_none_and_has_dropped_them<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for fails in [false, true] {
        let (ran, now, later) = (Latch::new(), Latch::new(), Latch::new());
        let (run, also_run, guard, other) = (ran.clone(), ran.clone(), now.on_drop(), later.on_drop());
        let mut task = AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
            let cx = TaskContext::current().context("a task has a context")?;
            cx.on_cancel(move || {
                let _guard = guard;
                run.set();
            })?;
            cx.on_cancel(move || async move {
                let _other = other;
                also_run.set();
            })?;
            yield_now().await;
            ensure_not(fails)
        });
        let result = (&mut task).await;
        ensure!(result.is_ok() != fails, "{result:?}");
        ensure!(now.is_set() && later.is_set(), "callbacks outlive their task");
        ensure!(!task.cancel_gracefully().await.was_cancelled() && !ran.is_set());
    }
    Ok(())
}

fn ensure_not(fails: bool) -> Result<(), crate::library::BoxError> {
    if fails { Err("it fails".into()) } else { Ok(()) }
}

/// A destructor that takes some time, like one whose thread is not scheduled.
struct Slow(Duration, #[allow(dead_code, reason = "it is dropped after the wait")] SetOnDrop);

impl Drop for Slow {
    fn drop(&mut self) {
        // However long this takes, no waiter may be notified of the end before it is over. A wait that is too
        // short hides a fault, and causes no false one.
        thread::sleep(self.0);
    }
}

pub async fn a_parent_does_not_end_before_the_callbacks_of_its_child_are_dropped<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let (dropped, inner) = (Latch::new(), rt.clone());
    let slow = Slow(if at.virtual_time { Duration::ZERO } else { 10.millis() }, dropped.on_drop());
    let (handles, escaped) = async_channel::bounded(1);
    let parent = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let child = AsyncTask::to::<()>().on(&inner).spawn_with(|cx| async move {
            let registered = cx.on_cancel(move || drop(slow));
            yield_now().await;
            drop(registered);
        });
        let _ = handles.try_send(child);
    });
    parent.await?;
    ensure!(dropped.is_set(), "a destructor of its child has not run");
    Ok(escaped.recv().await?.await?)
}

pub async fn a_callback_registered_after_the_end_runs_at_once_or_never<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (give, given) = async_channel::bounded(1);
    let mut task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let _ = give.try_send(cx);
    });
    (&mut task).await?;
    let (cx, canceller) = (given.recv().await?, task.canceller());
    let ran = Arc::new(AtomicUsize::new(0));
    let here = thread::current().id();
    let count = || {
        let ran = ran.clone();
        move || {
            if thread::current().id() == here {
                ran.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    task.on_cancel(count())?;
    cx.on_cancel(count())?;
    canceller.on_cancel(count())?;
    ensure!(ran.load(Ordering::SeqCst) == 3, "a synchronous one runs at once, here");
    let dropped = Latch::new();
    for round in 0..3 {
        let (count, guard) = (count(), dropped.on_drop());
        let later = move || async move {
            let _guard = guard;
            count();
        };
        let refused = match round {
            0 => task.on_cancel(later),
            1 => cx.on_cancel(later),
            _ => canceller.on_cancel(later),
        };
        let error = failed(refused)?;
        ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
    }
    ensure!(ran.load(Ordering::SeqCst) == 3 && dropped.is_set(), "an asynchronous one never runs");
    let error = failed(task.on_cancel(|| explode::<()>("too late")))?;
    ensure!(error.is_panic() && error.to_string().contains("too late"), "{error}");
    ensure!(task.status() == TaskStatus::Completed, "its end stays what it is");
    Ok(())
}

/// Returns a callback that never ends.
fn endless(begun: &Latch, dropped: &Latch) -> impl FnOnce() -> Waiting + Send + use<> {
    let (begin, guard) = (begun.clone(), dropped.on_drop());
    move || {
        Box::pin(async move {
            let _guard = guard;
            begin.set();
            pending().await
        })
    }
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

pub async fn an_unfinished_callback_is_dropped_at_the_end_of_the_grace_period<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    const GRACE: Duration = Duration::from_millis(10);
    for gives in [true, false] {
        let (begun, dropped, before) = (Latch::new(), Latch::new(), Latch::new());
        let mut task = AsyncTask::to::<u32>().on(&rt).grace(GRACE).spawn_with(move |cx| async move {
            cx.cancelled().await;
            match gives {
                true => 4,
                false => pending().await,
            }
        });
        let never = before.clone();
        task.on_cancel(move || never.set())?;
        task.on_cancel(endless(&begun, &dropped))?;
        let asked = rt.now();
        let end = task.cancel_gracefully().await;
        let took = rt.now().saturating_duration_since(asked);
        ensure!(took >= GRACE && (!at.virtual_time || took == GRACE), "{took:?}");
        ensure!(begun.is_set() && dropped.is_set() && !before.is_set(), "what comes after it is not run");
        // A value within the grace period counts, whatever became of the callbacks.
        let outcome = if gives { CancelOutcome::Success } else { CancelOutcome::Cancelled };
        ensure!((end.outcome(), end.level()) == (outcome, Some(CancelLevel::Kill)), "{end:?}");
        ensure!((&mut task).await.is_ok() == gives);
    }
    Ok(())
}

pub async fn an_unfinished_callback_is_dropped_by_a_kill_and_by_a_deadline<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (begun, dropped) = (Latch::new(), Latch::new());
    let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn(pending::<()>);
    task.on_cancel(endless(&begun, &dropped))?;
    drop(task.cancel_gracefully());
    begun.wait().await;
    ensure!(!dropped.is_set());
    ensure!(task.cancel_forcefully().await.was_cancelled() && dropped.is_set());
    let (begun, dropped) = (Latch::new(), Latch::new());
    let late = AsyncTask::to::<()>().on(&rt).grace(1.hours()).timeout(1.hours()).spawn(pending::<()>);
    late.on_cancel(endless(&begun, &dropped))?;
    let end = late.cancel_gracefully();
    begun.wait().await;
    late.set_deadline(rt.now())?;
    let end = end.await;
    ensure!(end.outcome() == CancelOutcome::Timeout && dropped.is_set(), "{end:?}");
    ensure!(failed(late.await)?.is_timeout());
    Ok(())
}

pub async fn a_task_in_place_has_callbacks_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (ran, started, inner) = (Arc::new(AtomicUsize::new(0)), Latch::new(), rt.clone());
    let (count, start) = (ran.clone(), started.clone());
    let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).spawn(|| async move {
        let in_place = AsyncTask::to::<u32>().on(&inner).run_with(|cx| async move {
            for _ in 0..3 {
                let count = count.clone();
                cx.on_cancel(move || {
                    count.fetch_add(1, Ordering::SeqCst);
                })?;
            }
            start.set();
            cx.cancelled().await;
            ensure_cause(&cx)?;
            Ok::<_, AsyncTaskError>(5)
        });
        in_place.await
    });
    started.wait().await;
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Success && task.await? == 5);
    ensure!(ran.load(Ordering::SeqCst) == 3, "{} of 3 have run", ran.load(Ordering::SeqCst));
    Ok(())
}

fn ensure_cause(cx: &TaskContext) -> Result<(), AsyncTaskError> {
    match cx.cause() {
        Some(CancelCause::ParentCancelled) => Ok(()),
        other => Err(AsyncTaskError::failure(format!("{other:?}"))),
    }
}
