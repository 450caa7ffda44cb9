//! Promise 8, scopes: while a tree changes, a reader misses no child, and hides none from a cancellation.

use std::thread;

use crate::library::{CancelOutcome, CancellableTask as _};

use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn two_concurrent_readers_both_see_all_children<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inner, (give, given)) = (rt.clone(), async_channel::bounded(1));
    let parent = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
        let _children: Vec<_> =
            (0..3).map(|_| AsyncTask::to::<()>().on(&inner).spawn(pending::<()>)).collect();
        let _ = give.try_send(cx);
        pending::<()>().await
    });
    let cx = given.recv().await?;
    let read_children = |cx: crate::library::TaskContext| {
        thread::spawn(move || (0..5_000).filter(|_| cx.relationships().children().len() != 3).count())
    };
    let (first, second) = (read_children(cx.clone()), read_children(cx));
    let missed = (first.join(), second.join());
    ensure!(matches!(missed, (Ok(0), Ok(0))), "of 5000 looks each, so many have missed one: {missed:?}");
    ensure!(parent.cancel_forcefully().await.was_cancelled());
    Ok(())
}

pub async fn a_hard_kill_during_concurrent_reads_sees_busy_tasks<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for _ in 0..200 {
        let (inner, entered, open) = (rt.clone(), Latch::new(), Latch::new());
        let (enter, opened) = (entered.clone(), open.clone());
        let top = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let leaf = AsyncTask::to::<()>().on(&inner).spawn_with(|cx| async move {
                let region = async {
                    enter.set();
                    opened.wait().await;
                };
                cx.shield(region).await;
            });
            let _ = leaf.await;
            pending::<()>().await
        });
        entered.wait().await;
        // The task itself goes through its children for the first of these; on another thread, if there is
        // one.
        let canceller = top.canceller();
        let asking = thread::spawn(move || drop(canceller.cancel(CancelLevel::Kill)));
        let answer = poll_once(top.cancel_immediately()).await;
        open.set();
        let outcome = answer.context("it waits for a region far below")?.outcome();
        ensure!(outcome == CancelOutcome::Abandoned, "{outcome:?}");
        ensure!(asking.join().is_ok() && failed(top.await)?.is_cancelled());
    }
    Ok(())
}

pub async fn a_concurrent_read_of_a_failing_tasks_children_spares_none<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for _ in 0..300 {
        let (inner, (give, given)) = (rt.clone(), async_channel::bounded(1));
        let parent = AsyncTask::to::<()>().on(&rt).spawn_with(|cx| async move {
            let (keep, kept) = async_channel::unbounded();
            for _ in 0..3 {
                let _ = keep.try_send(AsyncTask::to::<()>().on(&inner).spawn(pending::<()>));
            }
            let _ = give.try_send((cx, kept));
            yield_now().await;
            Err::<(), _>("it fails")
        });
        let (cx, kept) = given.recv().await?;
        let looking =
            thread::spawn(
                move || {
                    while !cx.status().is_terminal() && !cx.relationships().children().is_empty() {}
                },
            );
        // A child that is spared would be waited for without end.
        ensure!(failed(parent.await)?.is_failure());
        for _ in 0..3 {
            ensure!(cause_of(&failed(kept.recv().await?.await)?) == Some(CancelCause::ParentEnded));
        }
        ensure!(looking.join().is_ok());
    }
    Ok(())
}

pub async fn a_child_spawned_after_its_parents_failure_is_killed<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (started, open, failing) = (Latch::new(), Latch::new(), Latch::new());
    let (start, opened, leaving, inner) = (started.clone(), open.clone(), failing.on_drop(), rt.clone());
    let (keep, kept) = async_channel::bounded(1);
    let parent = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _leaving = leaving;
        let below = inner.clone();
        let mut job = AsyncTask::to::<()>().on(&inner).run_blocking(move || {
            start.set();
            opened.wait_blocking();
            let _ = keep.try_send(AsyncTask::to::<()>().on(&below).spawn(pending::<()>));
        });
        let _ = poll_once(&mut job).await;
        started.wait().await;
        Err::<(), _>("it fails")
    });
    // The body has been dropped; the blocking work is left, and now has a child.
    failing.wait().await;
    // With all workers held for a moment, none is still in the poll in which the task fails.
    hold_workers(&rt, at).await?.release().await?;
    open.set();
    ensure!(failed(parent.await)?.is_failure());
    let cause = cause_of(&failed(kept.recv().await?.await)?);
    ensure!(cause == Some(CancelCause::ParentEnded), "{cause:?}");
    Ok(())
}
