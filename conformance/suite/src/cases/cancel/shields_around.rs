//! Promise 6, levels: the effect of a `cx.shield` region on the work below, beside and inside it.

use std::pin::pin;

use crate::library::{CancellableTask as _, TaskContext};
use futures_lite::future::{or, zip};

use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn children_are_not_cancelled_before_the_end_of_the_region<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for level in [CancelLevel::Graceful, CancelLevel::Kill] {
        let (entered, cancel_seen, open, inner) = (Latch::new(), Latch::new(), Latch::new(), rt.clone());
        let (enter, see_cancel, opened) = (entered.clone(), cancel_seen.clone(), open.clone());
        let (spawned, children) = async_channel::unbounded();
        let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn_with(move |cx| async move {
            let child = || {
                AsyncTask::to::<()>().on(&inner).grace(1.hours()).spawn_with(|own| async move {
                    own.cancelled().await;
                    // A value in the poll in which it is killed would win.
                    yield_now().await;
                })
            };
            let _ = spawned.try_send(child());
            let region = async {
                // One child is spawned before the request, one after it, and neither is cancelled.
                enter.set();
                cx.cancelled().await;
                let _ = spawned.try_send(child());
                see_cancel.set();
                opened.wait().await;
            };
            cx.shield(region).await;
            pending::<()>().await
        });
        let first = children.recv().await?;
        while first.status() == TaskStatus::Pending {
            yield_now().await;
        }
        entered.wait().await;
        let end = task.cancel(level);
        cancel_seen.wait().await;
        let second = children.recv().await?;
        for _ in 0..20 {
            AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
            let asked = [first.is_cancelled(), second.is_cancelled()];
            ensure!(asked == [false, false] && !first.status().is_terminal(), "{level}: {asked:?}");
        }
        open.set();
        let (first, second) = zip(first, second).await;
        for child in [first, second] {
            match level {
                CancelLevel::Graceful => child?,
                _ => ensure!(cause_of(&failed(child)?) == Some(CancelCause::ParentCancelled)),
            }
        }
        drop(task.cancel_forcefully());
        ensure!(end.await.was_cancelled());
    }
    Ok(())
}

pub async fn a_region_that_is_dropped_has_ended<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (entered, open, beyond, dropped) = (Latch::new(), Latch::new(), Latch::new(), Latch::new());
    let (enter, opened, passed, guard) = (entered.clone(), open.clone(), beyond.clone(), dropped.on_drop());
    let mut task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let _guard = guard;
        let mut region = Box::pin(cx.shield(pending::<()>()));
        let _ = poll_once(&mut region).await;
        enter.set();
        opened.wait().await;
        drop(region);
        yield_now().await;
        passed.set();
    });
    entered.wait().await;
    let end = task.cancel_forcefully();
    for _ in 0..20 {
        ensure!(poll_once(&mut task).await.is_none() && !dropped.is_set(), "it is entered, polled or not");
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    open.set();
    ensure!(end.await.was_cancelled() && dropped.is_set() && !beyond.is_set());
    Ok(())
}

pub async fn a_region_dropped_elsewhere_lets_the_kill_through<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (give, given) = async_channel::bounded(1);
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let mut region = Box::pin(cx.shield(pending::<()>()));
        let _ = poll_once(&mut region).await;
        let _ = give.try_send(region);
        pending::<()>().await
    });
    let region = given.recv().await?;
    let mut end = task.cancel_forcefully();
    ensure!(poll_once(&mut end).await.is_none());
    // Nothing else wakes the task.
    drop(region);
    ensure!(end.await.was_cancelled());
    Ok(())
}

pub async fn an_unpolled_region_shields_from_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let _region = cx.shield(pending::<()>());
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    ensure!(task.cancel_forcefully().await.was_cancelled());
    Ok(())
}

pub async fn a_region_entered_after_the_request_is_run_to_its_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (done, beyond) = (Latch::new(), Latch::new());
    let (finish, passed) = (done.clone(), beyond.clone());
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        drop(cx.canceller().cancel(CancelLevel::Kill));
        // In the same poll: between the kill and the region there is no await.
        for _ in 0..3 {
            cx.shield(async {
                yield_now().await;
                let _ = cx.runtime().sleep(1.millis()).await;
            })
            .await;
        }
        finish.set();
        yield_now().await;
        passed.set();
    });
    ensure!(failed(task.await)?.is_cancelled());
    ensure!(done.is_set() && !beyond.is_set());
    Ok(())
}

pub async fn a_future_polled_beside_the_region_goes_on_with_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (entered, (step, steps)) = (Latch::new(), async_channel::bounded(1));
    let (enter, open) = (entered.clone(), Latch::new());
    let opened = open.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let region = async {
            enter.set();
            opened.wait().await;
        };
        let beside = async { while step.send(()).await.is_ok() {} };
        zip(cx.shield(region), beside).await;
    });
    entered.wait().await;
    let end = task.cancel_forcefully();
    for _ in 0..20 {
        steps.recv().await?;
    }
    open.set();
    ensure!(end.await.was_cancelled());
    while steps.recv().await.is_ok() {}
    Ok(())
}

pub async fn tasks_inside_a_region_keep_their_own_limits_kills_and_failures<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<Vec<AsyncTaskError>>().on(&rt).try_spawn(move || async move {
        let cx = TaskContext::current().context("a task has a context")?;
        let builder = AsyncTask::to::<()>().on(&inner);
        let region = async {
            let mut errors = Vec::new();
            let child = builder.clone().timeout(1.millis()).spawn(pending::<()>);
            errors.extend(child.await.err());
            let child = builder.clone().spawn(pending::<()>);
            drop(child.cancel_forcefully());
            errors.extend(child.await.err());
            let part = builder.clone().timeout(1.millis()).run_with(|_| pending::<()>());
            errors.extend(part.await.err());
            let scope = builder.clone().scope(|s| async move {
                s.spawn(|| async { Err::<(), _>("a member fails".into()) });
                pending::<Result<(), _>>().await
            });
            errors.extend(scope.await.err());
            errors
        };
        Ok(cx.shield(region).await)
    });
    let errors = task.await?;
    ensure!(
        matches!(errors.as_slice(), [limit, killed, part, scope]
        if limit.is_timeout() && killed.is_cancelled() && part.is_timeout() && scope.is_failure()),
        "{errors:?}"
    );
    Ok(())
}

pub async fn a_limit_on_bare_work_inside_it_still_fires<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (whole, beside) in [(true, false), (false, false), (true, true)] {
        let inner = rt.clone();
        let mut task = AsyncTask::to::<()>().on(&rt).spawn_with(move |cx| async move {
            let builder = AsyncTask::to::<()>().on(&inner);
            let builder =
                if whole { builder.timeout(1.millis()) } else { builder.attempt_timeout(1.millis()) };
            let limited = builder.run(pending::<()>);
            if beside {
                let mut region = pin!(cx.shield(pending::<()>()));
                let _ = poll_once(&mut region).await;
                return limited.await;
            }
            cx.shield(limited).await
        });
        // The timer only turns a hang into a failure.
        let hang = async {
            let _ = rt.sleep(10.seconds()).await;
            Err(AsyncTaskError::failure("it waits for the region that waits for it"))
        };
        let error = failed(or(&mut task, hang).await)?;
        ensure!(error.is_timeout(), "whole: {whole}, beside: {beside}: {error:?}");
    }
    Ok(())
}
