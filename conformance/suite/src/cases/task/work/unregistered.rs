//! Work in place, promises 2 and 10: a task in place is registered once something asks for it or it has to
//! wait, and is then as any other: its children, its permits and its limits are those of all of its life.

use std::pin::pin;
use std::sync::Arc;

use crate::library::task::TaskSnapshot;
use crate::library::{
    BoxError, CurrentRuntime, DynRuntime, RetryStrategy, RuntimeSource, TaskBuilder, TaskContext, TaskId,
};

use crate::cases::limiters::{check_all_free, with_permits};
use crate::cases::scopes::stays_pending;
use crate::kit::prelude::*;
use crate::kit::{cause_of, explode};

/// The id of the task that is polled here.
fn id() -> Option<TaskId> {
    TaskContext::current().map(|cx| cx.id())
}

pub async fn a_task_has_the_same_id_in_its_first_poll_and_later<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(1)?;
    let builder = AsyncTask::to::<[Option<TaskId>; 3]>().on(&rt).limiter(&limiter);
    let work = |asks_at_once: bool| async move {
        let first = if asks_at_once { id() } else { None };
        yield_now().await;
        let second = id();
        yield_now().await;
        [first, second, id()]
    };
    let [first, second, third] = builder.clone().run(|| work(true)).await?;
    ensure!(first.is_some() && first == second && second == third, "{first:?}, {second:?}, {third:?}");
    let [_, second, third] = builder.run(|| work(false)).await?;
    ensure!(second.is_some() && second == third && second != first, "{second:?}, {third:?}");
    Ok(())
}

const NAME: &str = "waits in its first poll";

fn has_name(task: &&TaskSnapshot) -> bool {
    task.info.name.as_deref() == Some(NAME)
}

pub async fn a_snapshot_shows_waiting_work_with_its_name_and_its_await<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    // Retried work is a task, and its attempt is another below it.
    for (again, number) in [(false, 1), (true, 2)] {
        let inner = rt.clone();
        let task = AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
            let limiter = with_permits(1)?;
            let part = AsyncTask::to::<()>().on(&inner).name(NAME).limiter(&limiter);
            let work = move || {
                let clock = inner.clone();
                async move { clock.sleep(Duration::MAX).await }
            };
            match again {
                false => part.run(work).await?,
                true => part.retry(1).run(work).await?,
            }
            Ok(())
        });
        let snapshot = loop {
            let snapshot = rt.snapshot();
            let around = snapshot.tasks.iter().find(|other| other.info.id == task.id());
            let mut parts = snapshot.tasks.iter().filter(has_name);
            // The location of the sleep, in which the work waits. The task around waits for the work itself.
            let has_location =
                |last: &TaskSnapshot| around.is_some_and(|around| last.info.location != around.info.location);
            if parts.clone().count() == number && parts.next_back().is_some_and(has_location) {
                break snapshot;
            }
            yield_now().await;
        };
        let parts: Vec<_> = snapshot.tasks.iter().filter(has_name).collect();
        let is_waiting = |part: &&TaskSnapshot| part.info.status == TaskStatus::Running;
        ensure!(parts.iter().all(is_waiting), "{snapshot}");
        let first = parts.first().context("there is one")?;
        ensure!(first.parent == Some(task.id()), "{snapshot}");
        ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
    }
    Ok(())
}

pub async fn a_panic_in_the_first_poll_is_the_error_and_kills_the_child<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for again in [false, true] {
        let (limiter, alive, (escape, escaped)) =
            (with_permits(1)?, Census::default(), async_channel::bounded(1));
        let work = || async {
            let resident = alive.enter();
            let child = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
                let _resident = resident;
                pending::<()>().await
            });
            let _ = escape.try_send(child);
            explode::<()>("boom")
        };
        let builder = AsyncTask::to::<()>().on(&rt).name("part").limiter(&limiter);
        let result = match again {
            false => builder.run(work).await,
            true => builder.retry(1).run(work).await,
        };
        let error = failed(result)?;
        ensure!(error.is_panic() && error.to_string().contains("part"), "{error}");
        ensure!((alive.alive(), alive.ever()) == (0, 1), "the child is left");
        let child: Task<(), R> = escaped.recv().await?;
        ensure!(cause_of(&failed(child.await)?) == Some(CancelCause::ParentEnded));
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}

pub async fn a_child_of_the_first_poll_keeps_the_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for again in [false, true] {
        let (limiter, open) = (with_permits(1)?, Latch::new());
        let work = || async {
            let open = open.clone();
            Ok::<_, BoxError>(AsyncTask::to::<()>().on(&rt).spawn(|| async move { open.wait().await }))
        };
        let builder = AsyncTask::to::<Task<(), R>>().on(&rt).limiter(&limiter);
        let mut run = pin!(async {
            match again {
                false => builder.run(work).await,
                true => builder.retry(1).run(work).await,
            }
        });
        // The work has succeeded in its first poll, and its child has not ended.
        stays_pending(&rt, &mut run).await?;
        ensure!(limiter.under_way() == 1, "again: {again}: the permit was returned before the child's end");
        open.set();
        run.await?.await?;
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}

pub async fn a_child_of_a_failed_first_poll_has_ended_before_the_next_attempt<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (alive, (escape, escaped)) = (Census::default(), async_channel::bounded(1));
    let builder = AsyncTask::to::<usize>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let left = builder.run(|| async {
        if alive.ever() > 0 {
            return Ok(alive.alive());
        }
        let resident = alive.enter();
        let child = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _resident = resident;
            pending::<()>().await
        });
        let _ = escape.try_send(child);
        Err::<usize, _>("the first attempt")
    });
    ensure!(left.await? == 0, "the child of the first attempt is left");
    let child: Task<(), R> = escaped.recv().await?;
    ensure!(cause_of(&failed(child.await)?) == Some(CancelCause::ParentEnded));
    Ok(())
}

/// The id and the name of a task, and the id of its parent.
pub(crate) type Level = (TaskId, Option<Arc<str>>, Option<TaskId>);

/// The level of the task that is polled here.
pub(crate) fn level() -> Result<Level, BoxError> {
    let cx = TaskContext::current().ok_or("no task")?;
    Ok((cx.id(), cx.name(), cx.relationships().parent().map(|parent| parent.id)))
}

pub async fn nested_work_is_registered_with_all_tasks_around_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(3)?;
    let part = |name: &'static str| AsyncTask::to::<Vec<Level>>().on(&rt).name(name).limiter(&limiter);
    // The innermost asks first, and finds the task that the middle one is from then on.
    let levels = part("outer").run(|| async {
        let middle = part("middle").run(|| async {
            let mut levels = part("inner").run(|| async { level().map(|inner| vec![inner]) }).await?;
            levels.push(level()?);
            Ok::<_, BoxError>(levels)
        });
        let mut levels = middle.await?;
        levels.push(level()?);
        Ok::<_, BoxError>(levels)
    });
    let levels = levels.await?;
    let names: Vec<_> = levels.iter().filter_map(|(_, name, _)| name.as_deref()).collect();
    ensure!(names == ["inner", "middle", "outer"], "{levels:?}");
    let ids = levels.iter().map(|(id, ..)| Some(*id));
    let parents = levels.iter().map(|(.., parent)| *parent);
    ensure!(parents.eq(ids.skip(1).chain([None])), "{levels:?}");
    check_all_free(&rt, &limiter, 3).await
}

/// The rule that finds the runtime of the task that is polled here, and no other.
#[derive(Clone)]
struct OfTheTask;

impl RuntimeSource for OfTheTask {
    type Runtime = DynRuntime;

    fn resolve(&self) -> Result<DynRuntime, AsyncTaskError> {
        CurrentRuntime::of_task().map(CurrentRuntime::into_dyn).ok_or(AsyncTaskError::NoRuntime)
    }
}

pub async fn the_runtime_of_the_task_around_is_found_in_the_first_poll<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let task = AsyncTask::to::<bool>().on(&rt).try_spawn(|| async {
        let (around, limiter) = (id(), with_permits(1)?);
        let part = TaskBuilder::<bool, _>::new(OfTheTask).limiter(&limiter).run(move || async move {
            let (_, _, parent) = level()?;
            let child = TaskBuilder::<bool, _>::new(OfTheTask).spawn(|| async { true });
            Ok::<_, BoxError>(parent == around && child.await?)
        });
        Ok(part.await?)
    });
    ensure!(task.await?);
    Ok(())
}

pub async fn work_without_a_runtime_is_dropped_before_its_error<R: Runtime>(_: R, _: Facts) -> Outcome {
    let (dropped, limiter) = (Latch::new(), with_permits(1)?);
    let guard = dropped.on_drop();
    let builder = TaskBuilder::<(), _>::new(OfTheTask).limiter(&limiter).timeout(1.hours());
    let mut run = pin!(builder.run(|| async move {
        let _guard = guard;
        pending::<()>().await
    }));
    let error = failed(run.as_mut().await)?;
    ensure!(matches!(error, AsyncTaskError::NoRuntime), "{error:?}");
    ensure!(dropped.is_set(), "the work is left");
    Ok(())
}

pub async fn a_time_limit_counts_from_the_first_poll<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (limiter, limit) = (with_permits(1)?, 20.millis());
    let take_long = || {
        // The clock of a simulation stands still meanwhile.
        if !at.virtual_time {
            std::thread::sleep(limit);
        }
    };
    let builder = AsyncTask::to::<Option<Duration>>().on(&rt).limiter(&limiter).timeout(limit);
    let left = builder.clone().run(|| async {
        take_long();
        TaskContext::current().and_then(|cx| cx.remaining())
    });
    let due = if at.virtual_time { limit } else { Duration::ZERO };
    let left = left.await?;
    ensure!(left == Some(due), "{left:?} in place of {due:?}");
    let late = builder.run(|| async {
        take_long();
        pending::<Option<Duration>>().await
    });
    let error = failed(late.await)?;
    ensure!(error.is_timeout(), "{error:?}");
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_request_to_the_task_around_reaches_work_that_asks_later<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    const REASON: &str = "tenant removed";
    for is_before in [true, false] {
        let inner = rt.clone();
        let builder = AsyncTask::to::<Option<Arc<str>>>().on(&rt).grace(1.hours());
        let task = builder.try_spawn(move || async move {
            let canceller = TaskContext::current().ok_or("no task")?.canceller();
            let request = move || drop(canceller.cancel_because(CancelLevel::Graceful, REASON));
            if is_before {
                request();
            }
            let limiter = with_permits(1)?;
            let part =
                AsyncTask::to::<Option<Arc<str>>>().on(&inner).limiter(&limiter).run(move || async move {
                    // In its first poll, in which it has no record yet.
                    if !is_before {
                        request();
                    }
                    let cx = TaskContext::current()?;
                    cx.cancelled().await;
                    cx.cancel_reason().filter(|_| cx.cause() == Some(CancelCause::ParentCancelled))
                });
            Ok(part.await?)
        });
        let reason = task.await?;
        ensure!(reason.as_deref() == Some(REASON), "before: {is_before}: {reason:?}");
    }
    Ok(())
}

pub async fn work_dropped_after_its_first_poll_takes_its_child_along<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, dropped, (escape, escaped)) = (with_permits(1)?, Latch::new(), async_channel::bounded(1));
    let guard = dropped.on_drop();
    let mut run = Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&limiter).run(|| async {
        let _guard = guard;
        let _ = escape.try_send(AsyncTask::to::<()>().on(&rt).spawn(pending::<()>));
        pending::<()>().await
    }));
    ensure!(poll_once(run.as_mut()).await.is_none() && !dropped.is_set());
    drop(run);
    ensure!(dropped.is_set(), "the work is left");
    let child: Task<(), R> = escaped.recv().await?;
    ensure!(cause_of(&failed(child.await)?) == Some(CancelCause::ScopeDropped));
    check_all_free(&rt, &limiter, 1).await
}

pub async fn work_polled_once_and_moved_to_another_task_ends_there<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, open) = (with_permits(1)?, Latch::new());
    let opened = open.clone();
    let mut run = Box::pin(AsyncTask::to::<Option<TaskId>>().on(&rt).limiter(&limiter).run(|| async move {
        opened.wait().await;
        id()
    }));
    ensure!(poll_once(run.as_mut()).await.is_none());
    let task = AsyncTask::to::<Option<TaskId>>().on(&rt).try_spawn(|| async move { Ok(run.await?) });
    open.set();
    let (other, found) = (task.id(), task.await?);
    ensure!(found.is_some_and(|own| own != other), "{found:?}");
    check_all_free(&rt, &limiter, 1).await
}
