//! Promises 2 and 4, quiescence and precedence: killed work is never polled again, and each race has one end.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn a_kill_is_the_result_with_level_and_cause<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let started = Latch::new();
    let start = started.clone();
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        start.set();
        pending::<u32>().await
    });
    started.wait().await;
    let end = task.cancel(CancelLevel::Kill).await;
    ensure!(end.was_cancelled() && end.status() == TaskStatus::Cancelled);
    ensure!((end.level(), end.cause()) == (Some(CancelLevel::Kill), Some(CancelCause::Requested)));
    let error = failed(task.await)?;
    let AsyncTaskError::Cancelled { level, cause, .. } = error else {
        bail!("not a cancellation: {error:?}")
    };
    ensure!((level, cause) == (CancelLevel::Kill, CancelCause::Requested));
    Ok(())
}

pub async fn killed_work_is_never_polled_again<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let polls = Arc::new(AtomicUsize::new(0));
    let (sender, wakers) = async_channel::unbounded::<Waker>();
    let counted = polls.clone();
    let task = AsyncTask::to::<()>().on(&rt).spawn(|| {
        poll_fn(move |cx| {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = sender.try_send(cx.waker().clone());
            Poll::<()>::Pending
        })
    });
    let waker = wakers.recv().await?;
    let held = hold_workers(&rt, at).await?;
    let before = polls.load(Ordering::SeqCst);
    let end = task.cancel(CancelLevel::Kill);
    waker.wake_by_ref();
    held.release().await?;
    ensure!(end.await.was_cancelled());
    waker.wake();
    yield_now().await;
    ensure!(polls.load(Ordering::SeqCst) == before);
    Ok(())
}

pub async fn work_killed_before_its_first_poll_is_never_called<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (called, dropped) = (Latch::new(), Latch::new());
    let (call, guard) = (called.clone(), dropped.on_drop());
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn(move || {
        let _guard = guard;
        call.set();
        async {}
    });
    let end = task.cancel(CancelLevel::Kill);
    held.release().await?;
    ensure!(end.await.was_cancelled());
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    ensure!(dropped.is_set() && !called.is_set());
    Ok(())
}

pub async fn an_awaited_cancel_means_that_destructors_have_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for _ in 0..200 {
        let dropped = Latch::new();
        let guard = dropped.on_drop();
        let task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
            let _guard = guard;
            pending::<()>().await
        });
        task.cancel(CancelLevel::Kill).await;
        ensure!(dropped.is_set());
        ensure!(task.status() == TaskStatus::Cancelled);
    }
    Ok(())
}

pub async fn a_cancel_after_the_end_changes_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 });
    while !task.status().is_terminal() {
        yield_now().await;
    }
    let end = task.cancel(CancelLevel::Kill).await;
    ensure!((end.status(), end.cause(), end.level()) == (TaskStatus::Completed, None, None));
    ensure!(!end.was_cancelled());
    ensure!(task.await? == 1);
    Ok(())
}

pub async fn the_first_cause_stays<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let held = hold_workers(&rt, at).await?;
    let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let canceller = task.canceller();
    let end = task.cancel(CancelLevel::Kill);
    drop(task);
    held.release().await?;
    ensure!(end.await.cause() == Some(CancelCause::Requested));
    ensure!(canceller.cancel(CancelLevel::Kill).await.cause() == Some(CancelCause::Requested));
    Ok(())
}

pub async fn a_value_of_the_poll_in_progress_wins<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (sender, own) = async_channel::bounded(1);
    let task = AsyncTask::to::<u32>().on(&rt).try_spawn(|| async move {
        let canceller: crate::library::Canceller = own.recv().await?;
        // From here to the end there is no await: the kill comes in the poll that gives the value.
        drop(canceller.cancel(CancelLevel::Kill));
        Ok(7)
    });
    let canceller = task.canceller();
    sender.send(canceller.clone()).await?;
    ensure!(task.await? == 7);
    ensure!(canceller.status() == TaskStatus::Completed);
    let end = canceller.cancel(CancelLevel::Kill).await;
    ensure!(!end.was_cancelled() && end.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn work_that_kills_itself_stops_at_its_next_await<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let beyond = Latch::new();
    let passed = beyond.clone();
    let (sender, own) = async_channel::bounded(1);
    let task = AsyncTask::to::<()>().on(&rt).try_spawn(|| async move {
        let canceller: crate::library::Canceller = own.recv().await?;
        drop(canceller.cancel(CancelLevel::Kill));
        yield_now().await;
        passed.set();
        Ok(())
    });
    sender.send(task.canceller()).await?;
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    ensure!(!beyond.is_set());
    Ok(())
}

pub async fn a_cancel_racing_completion_leaves_one_end_each<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const TOTAL: usize = 10_000;
    let (sender, cancellers) = async_channel::unbounded::<crate::library::Canceller>();
    let racer = std::thread::spawn(move || {
        while let Ok(canceller) = cancellers.recv_blocking() {
            drop(canceller.cancel(CancelLevel::Kill));
        }
    });
    let (mut completed, mut cancelled) = (0, 0);
    for _ in 0..TOTAL / 100 {
        let mut tasks = Vec::new();
        for round in 0..100 {
            let task = AsyncTask::to::<()>().on(&rt).spawn(move || async move {
                for _ in 0..round % 4 {
                    yield_now().await;
                }
            });
            sender.send(task.canceller()).await?;
            tasks.push(task);
        }
        for mut task in tasks {
            let result = (&mut task).await;
            let end = task.cancel(CancelLevel::Kill).await;
            let status = match result {
                Ok(()) => TaskStatus::Completed,
                Err(error) if error.is_cancelled() => TaskStatus::Cancelled,
                Err(other) => bail!("neither completed nor cancelled: {other:?}"),
            };
            ensure!((task.status(), end.status()) == (status, status), "the handle and the status disagree");
            match status {
                TaskStatus::Completed => completed += 1,
                _ => cancelled += 1,
            }
        }
    }
    drop(sender);
    ensure!(racer.join().is_ok());
    ensure!(completed + cancelled == TOTAL);
    Ok(())
}

pub async fn a_canceller_outlives_the_handle<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 });
    let canceller = task.canceller();
    let other = canceller.clone();
    ensure!(task.await? == 1);
    ensure!((canceller.status(), other.status()) == (TaskStatus::Completed, TaskStatus::Completed));
    ensure!(other.cancel(CancelLevel::Kill).await.status() == TaskStatus::Completed);
    Ok(())
}

pub async fn a_request_stands_when_its_future_is_dropped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    drop(task.cancel(CancelLevel::Kill));
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}

pub async fn many_may_await_the_same_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<()>().on(&rt).spawn(pending::<()>);
    let waiters: Vec<_> = (0..10)
        .map(|_| {
            let canceller = task.canceller();
            AsyncTask::to::<bool>()
                .on(&rt)
                .spawn(|| async move { canceller.cancel(CancelLevel::Kill).await.was_cancelled() })
        })
        .collect();
    for waiter in waiters {
        ensure!(waiter.await?);
    }
    ensure!(failed(task.await)?.is_cancelled());
    Ok(())
}
