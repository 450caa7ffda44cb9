//! Promise 6, levels: a graceful cancellation runs each `on_cancel` callback once, the last registered first.

use crate::library::{CancelOutcome, CancellableTask as _, CancellationResult, TaskContext};
use async_channel::{Receiver, Sender};
use futures_lite::future::zip;

use crate::kit::explode;
use crate::kit::prelude::*;

/// Returns the texts that were sent, in order.
fn received(sent: &Receiver<&'static str>) -> Vec<&'static str> {
    std::iter::from_fn(|| sent.try_recv().ok()).collect()
}

fn sends(to: &Sender<&'static str>, text: &'static str) -> impl FnOnce() + Send + 'static {
    let to = to.clone();
    move || {
        let _ = to.try_send(text);
    }
}

/// A task with an hour of grace that has started, and ends with 9 once `open` is set; and its context.
async fn patient<R: Runtime>(rt: &R) -> Result<(Task<u32, R>, TaskContext, Latch), Failure> {
    let (open, (give, given)) = (Latch::new(), async_channel::bounded(1));
    let opened = open.clone();
    let task = AsyncTask::to::<u32>().on(rt).grace(1.hours()).spawn_with(|cx| async move {
        let _ = give.try_send(cx);
        opened.wait().await;
        9
    });
    Ok((task, given.recv().await?, open))
}

/// Checks that the task returned its value after a graceful request.
fn gave(end: &CancellationResult) -> Outcome {
    ensure!((end.outcome(), end.level()) == (CancelOutcome::Success, Some(CancelLevel::Graceful)), "{end:?}");
    Ok(())
}

pub async fn all_run_once_the_last_registered_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let ((sender, sent), all) = (async_channel::unbounded(), Latch::new());
    let (task, cx, open) = patient(&rt).await?;
    let done = all.clone();
    task.on_cancel(move || done.set())?;
    task.on_cancel(sends(&sender, "by the handle"))?;
    let slow = sends(&sender, "by the context, awaited");
    cx.on_cancel(|| async move {
        yield_now().await;
        slow();
    })?;
    task.canceller().on_cancel(sends(&sender, "by the canceller"))?;
    cx.on_cancel(sends(&sender, "by the context"))?;
    ensure!(received(&sent).is_empty(), "it was not cancelled yet");
    drop(task.cancel_gracefully());
    all.wait().await;
    let order = ["by the context", "by the canceller", "by the context, awaited", "by the handle"];
    ensure!(received(&sent) == order);
    // Further requests run nothing again.
    drop(task.cancel_gracefully());
    drop(cx.canceller().cancel(CancelLevel::Graceful));
    open.set();
    gave(&task.cancel_gracefully().await)?;
    ensure!(task.await? == 9 && received(&sent).is_empty());
    Ok(())
}

pub async fn each_begins_after_the_end_of_the_one_before<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let (task, cx, open) = patient(&rt).await?;
    for round in 0..10u32 {
        let alive = alive.clone();
        cx.on_cancel(move || async move {
            let _here = alive.enter();
            for _ in 0..round % 4 {
                yield_now().await;
            }
        })?;
    }
    let end = task.cancel_gracefully();
    open.set();
    gave(&end.await)?;
    ensure!((alive.ever(), alive.most(), alive.alive()) == (10, 1, 0), "at most {}", alive.most());
    Ok(())
}

pub async fn work_that_ends_on_cancellation_does_not_end_before_its_callbacks<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for polls in 0..3 {
        let (sync, later, open) = (Latch::new(), Latch::new(), Latch::new());
        let (first, second, opened) = (sync.clone(), later.clone(), open.clone());
        let (start, started) = async_channel::bounded(1);
        let mut task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).try_spawn(move || async move {
            let cx = TaskContext::current().context("a task has a context")?;
            cx.on_cancel(move || async move {
                opened.wait().await;
                second.set();
            })?;
            cx.on_cancel(move || first.set())?;
            let _ = start.try_send(());
            cx.cancelled().await;
            for _ in 0..polls {
                yield_now().await;
            }
            Ok(9)
        });
        started.recv().await?;
        let mut end = task.cancel_gracefully();
        for _ in 0..20 {
            let ended = poll_once(&mut task).await;
            ensure!(ended.is_none(), "with {polls} polls more, it ends before its callbacks: {ended:?}");
            yield_now().await;
        }
        ensure!(poll_once(&mut end).await.is_none());
        sync.wait().await;
        ensure!(!later.is_set());
        open.set();
        gave(&end.await)?;
        ensure!((&mut task).await? == 9 && later.is_set());
    }
    Ok(())
}

pub async fn work_cancelled_before_its_first_poll_can_still_register_callbacks<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let ((sender, sent), held) = (async_channel::unbounded(), hold_workers(&rt, at).await?);
    let own = sends(&sender, "its own");
    let task = AsyncTask::to::<u32>().on(&rt).grace(1.hours()).try_spawn(move || async move {
        TaskContext::current().context("a task has a context")?.on_cancel(own)?;
        Ok(9)
    });
    task.on_cancel(sends(&sender, "the handle's"))?;
    let end = task.cancel_gracefully();
    held.release().await?;
    gave(&end.await)?;
    ensure!(task.await? == 9);
    ensure!(received(&sent) == ["its own", "the handle's"]);
    Ok(())
}

pub async fn a_callback_registered_after_the_request_still_runs<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (sender, sent) = async_channel::unbounded();
    let (task, cx, open) = patient(&rt).await?;
    let first = Latch::new();
    let (done, own, inner) = (first.clone(), cx.clone(), sends(&sender, "by a callback"));
    task.on_cancel(move || {
        let _ = own.on_cancel(inner);
        done.set();
    })?;
    drop(task.cancel_gracefully());
    first.wait().await;
    ensure!(sent.recv().await? == "by a callback");
    let late = sends(&sender, "late");
    cx.on_cancel(|| async move { late() })?;
    // The registration wakes the task; nothing else does that here.
    ensure!(sent.recv().await? == "late");
    open.set();
    gave(&task.cancel_gracefully().await)
}

pub async fn callbacks_are_part_of_their_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (report, reported) = async_channel::unbounded();
    let (task, cx, open) = patient(&rt).await?;
    let (grown, latch) = (Latch::new(), Latch::new());
    for slow in [false, true] {
        let (report, inner, opened, guard) = (report.clone(), rt.clone(), latch.clone(), grown.on_drop());
        let within = move || {
            let own = TaskContext::current().map(|cx| cx.id());
            let child = AsyncTask::to::<()>().on(&inner).grace(1.hours()).spawn(|| async move {
                let _guard = guard;
                opened.wait().await;
            });
            let _ = report.try_send((own, child));
        };
        match slow {
            false => cx.on_cancel(within)?,
            true => cx.on_cancel(|| async move {
                yield_now().await;
                within();
            })?,
        }
    }
    let end = task.cancel_gracefully();
    let (first, second) = (reported.recv().await?, reported.recv().await?);
    ensure!([first.0, second.0] == [Some(task.id()); 2]);
    open.set();
    let mut task = task;
    for _ in 0..20 {
        ensure!(poll_once(&mut task).await.is_none(), "what a callback has spawned is the task's");
        yield_now().await;
    }
    latch.set();
    gave(&end.await)?;
    let (first, second) = zip(first.1, second.1).await;
    Ok(first.and(second)?)
}

pub async fn a_panic_fails_its_task_alone_and_the_others_still_run<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (slow, in_destructor) in [(false, false), (true, false), (true, true)] {
        let (others, inner) = (Latch::new(), rt.clone());
        let (other, (give, given)) = (others.clone(), async_channel::bounded(1));
        let outer = AsyncTask::to::<bool>().on(&rt).try_spawn(move || async move {
            let sibling = AsyncTask::to::<u32>().on(&inner).spawn(|| async {
                yield_now().await;
                1
            });
            let (task, cx, open) = patient(&inner).await?;
            cx.on_cancel(move || other.set())?;
            cx.on_cancel(|| explode::<()>("the second"))?;
            match slow {
                false => cx.on_cancel(|| explode::<()>("the first"))?,
                true => cx.on_cancel(move || async move {
                    let _exploding = in_destructor.then_some(Exploding);
                    yield_now().await;
                    if !in_destructor {
                        explode("the first")
                    }
                })?,
            }
            let end = task.cancel_gracefully();
            open.set();
            let _ = give.try_send((end.await, task.await));
            Ok(sibling.await? == 1)
        });
        ensure!(outer.await?, "the panic has harmed others");
        let (end, result) = given.recv().await?;
        ensure!((end.outcome(), end.status()) == (CancelOutcome::Failure, TaskStatus::Failed), "{end:?}");
        let error = failed(result)?;
        ensure!(error.is_panic() && error.to_string().contains("the first"), "{error}");
        ensure!(others.is_set(), "those after it still run");
    }
    Ok(())
}

struct Exploding;

impl Drop for Exploding {
    fn drop(&mut self) {
        explode::<()>("the first");
    }
}

pub async fn a_kill_runs_none_and_drops_them<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for gracefully_first in [false, true] {
        let (ran, (dropped, also_dropped)) = (Latch::new(), (Latch::new(), Latch::new()));
        let (task, cx, _open) = patient(&rt).await?;
        let (guard, run) = (dropped.on_drop(), ran.clone());
        let held = hold_workers(&rt, at).await?;
        task.on_cancel(move || {
            let _guard = guard;
            run.set();
        })?;
        let (guard, run) = (also_dropped.on_drop(), ran.clone());
        cx.on_cancel(move || async move {
            let _guard = guard;
            run.set();
        })?;
        if gracefully_first {
            // The kill comes before the task has seen the graceful request.
            drop(task.cancel_gracefully());
        }
        let end = task.cancel_forcefully();
        held.release().await?;
        ensure!(end.await.was_cancelled());
        ensure!(dropped.is_set() && also_dropped.is_set() && !ran.is_set());
        drop(task);
    }
    Ok(())
}
