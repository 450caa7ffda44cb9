//! The cases of the ambient runtime: it is that of the task around, else the entered one. A nested
//! `block_on` is an error.

use std::future::Future;
use std::pin::pin;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use conformance::{Facts, Failure, Outcome};
use futures_lite::future::{poll_once, yield_now};
use sweet_async::{
    Ambient, AsyncTask, AsyncTaskError, BlockOn as _, CancelCause, CancelLevel, CurrentRuntime,
    DurationExt as _, EnterGuard, Runtime, RuntimeSource as _, Task, TaskContext,
};

/// True inside a task whose ambient runtime is the one under test.
fn is_current(at: Facts) -> bool {
    CurrentRuntime::of_task().is_some() && Ambient.resolve().is_ok_and(|found| found.name() == at.name)
}

pub(crate) async fn block_on_enters_its_runtime<R: Runtime>(_: R, at: Facts) -> Outcome {
    ensure!(Ambient.resolve()?.name() == at.name);
    ensure!(AsyncTask::to::<bool>().spawn(move || async move { at.is_inside() }).await?);
    ensure!(AsyncTask::to::<u32>().run(|| 1).await? == 1);
    ensure!(AsyncTask::to::<u32>().timeout(1.hours()).run(|| async { 2 }).await? == 2);
    Ok(())
}

pub(crate) async fn a_task_finds_the_runtime_that_it_is_on<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let task = AsyncTask::to::<bool>().on(&rt).try_spawn(move || async move {
        let here = is_current(at);
        let child =
            AsyncTask::to::<bool>().spawn(move || async move { is_current(at) && at.is_inside() }).await?;
        yield_now().await;
        Ok(here && child && is_current(at))
    });
    ensure!(task.await?);
    Ok(())
}

pub(crate) async fn work_in_place_finds_the_runtime_of_the_task_around<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    let task = AsyncTask::to::<bool>().on(&rt).try_spawn(move || async move {
        // Also in the first poll of work with a policy, in which it has no record yet.
        let part = AsyncTask::to::<bool>().timeout(1.hours()).retry(1).run(move || async move {
            let here = is_current(at);
            let child =
                AsyncTask::to::<bool>().spawn(move || async move { is_current(at) && at.is_inside() });
            Ok::<_, AsyncTaskError>(child.await? && here)
        });
        Ok(part.await?)
    });
    ensure!(task.await?);
    Ok(())
}

pub(crate) async fn blocking_work_finds_the_runtime_of_its_task<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let task = AsyncTask::to::<Task<bool>>().on(&rt).spawn_blocking(move || {
        let here = is_current(at);
        AsyncTask::to::<bool>().spawn(move || async move { here && is_current(at) && at.is_inside() })
    });
    ensure!(task.await?.await?);
    // Also without a task around it.
    let found = AsyncTask::to::<bool>()
        .on(&rt)
        .run_blocking(move || Ambient.resolve().is_ok_and(|found| found.name() == at.name));
    ensure!(found.await?);
    Ok(())
}

pub(crate) async fn a_thread_finds_the_runtime_that_it_has_entered<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // The thread blocks until the task has run, for which the simulation has no other thread.
    if at.virtual_time {
        return Ok(());
    }
    let (sender, answer) = async_channel::bounded(1);
    thread::spawn(move || {
        let entered = EnterGuard::new(&rt);
        let before = CurrentRuntime::entered().is_some();
        let task = AsyncTask::to::<bool>().spawn(move || async move { at.is_inside() });
        drop(entered);
        let after = CurrentRuntime::entered().is_none();
        let _ = sender.try_send((before, after, futures_lite::future::block_on(task)));
    });
    let (before, after, inside) = answer.recv().await?;
    ensure!(before && after);
    ensure!(inside?);
    Ok(())
}

pub(crate) async fn the_tasks_own_runtime_comes_before_an_entered_one<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    use sweet_async::DynRuntime;
    let other = DynRuntime::new(&rt);
    let task = AsyncTask::to::<bool>().on(&rt).spawn(move || async move {
        let _entered = EnterGuard::new(&other);
        is_current(at)
    });
    ensure!(task.await?);
    Ok(())
}

/// Calls `sweet_async::block_on`, which runs a program on Tokio or on smol. On any other flavour it calls
/// `block_on` of the ambient runtime.
fn block_on<F: Future>(at: Facts, future: F) -> Result<F::Output, AsyncTaskError> {
    match at.name {
        "tokio" | "smol" => sweet_async::block_on(future),
        _ => Ambient.resolve()?.block_on(future),
    }
}

pub(crate) async fn block_on_inside_block_on_is_an_error<R: Runtime>(_: R, at: Facts) -> Outcome {
    let nested = block_on(at, async { 1 });
    ensure!(matches!(nested, Err(AsyncTaskError::InvalidState(_))));
    Ok(())
}

pub(crate) async fn block_on_inside_a_task_is_an_error<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let task = AsyncTask::to::<bool>().on(&rt).spawn(move || async move {
        matches!(block_on(at, async { 1 }), Err(AsyncTaskError::InvalidState(_)))
    });
    ensure!(task.await?);
    Ok(())
}

pub(crate) async fn blocking_work_may_block_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // On a thread of its own, so that no single-threaded executor waits for itself.
    let work = move || {
        let value = block_on(at, async { 1 })?;
        let nested = block_on(at, async { block_on(at, async { 2 }) })?;
        Ok::<_, AsyncTaskError>((value, matches!(nested, Err(AsyncTaskError::InvalidState(_)))))
    };
    let in_task = AsyncTask::to::<(i32, bool)>().on(&rt).spawn_blocking(work).await?;
    ensure!(in_task == (1, true), "in a task's blocking work: {in_task:?}");
    let in_place = AsyncTask::to::<(i32, bool)>().on(&rt).run_blocking(work).await?;
    ensure!(in_place == (1, true), "in blocking work without a task: {in_place:?}");
    Ok(())
}

pub(crate) async fn blocking_work_may_block_on_a_future<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<u32>().on(&rt).spawn_blocking(move || {
        Ambient.resolve()?.block_on(async move {
            let child = AsyncTask::to::<u32>().on(&inner).spawn(|| async {
                yield_now().await;
                6
            });
            child.await
        })?
    });
    ensure!(task.await? == 6);
    Ok(())
}

pub(crate) async fn the_ambient_sleep_and_interval_are_the_tasks_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<[Duration; 2]>().on(&rt).try_spawn(move || async move {
        let before = inner.now();
        sweet_async::sleep(3.millis()).await?;
        let slept = inner.now().saturating_duration_since(before);
        let mut interval = sweet_async::interval(3.millis())?;
        let first = interval.tick().await?;
        sweet_async::yield_now().await;
        interval.tick().await?;
        Ok([slept, inner.now().saturating_duration_since(first)])
    });
    ensure!(task.await?.into_iter().all(|passed| passed >= 3.millis()), "by its own clock they were early");
    Ok(())
}

pub(crate) async fn an_endless_sleep_stays_pending<R: Runtime>(_: R, _: Facts) -> Outcome {
    for endless in [Duration::MAX, u64::MAX.days(), 1_000_000.days()] {
        let mut sleep = pin!(sweet_async::sleep(endless));
        ensure!(poll_once(&mut sleep).await.is_none(), "{endless:?} are over at once");
    }
    Ok(())
}

pub(crate) async fn an_interval_of_zero_is_refused<R: Runtime>(_: R, _: Facts) -> Outcome {
    let refused = sweet_async::interval(Duration::ZERO);
    ensure!(matches!(refused, Err(AsyncTaskError::InvalidConfig(_))));
    Ok(())
}

pub(crate) async fn a_wait_is_reported_where_the_work_awaits_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let spawned = line!() + 1;
    let task = AsyncTask::to::<()>().on(&rt).grace(1.hours()).spawn(|| async {
        let _ = sweet_async::sleep(1.hours()).await;
    });
    // A task that has not been polled yet is reported where it was spawned.
    let location = loop {
        let answer = task.cancel(CancelLevel::Graceful).within(1.millis()).await;
        let own = answer.stuck().first().context("it has ended")?;
        if own.location.line() != spawned {
            break own.location;
        }
    };
    ensure!(location.file() == file!() && location.line() == spawned + 1, "{location}");
    Ok(())
}

pub(crate) async fn a_child_spawned_by_cancelled_blocking_work_is_cancelled<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let inner = rt.clone();
    let task = AsyncTask::to::<Option<CancelCause>>().on(&rt).grace(1.hours()).spawn_blocking(move || {
        let cx = TaskContext::current().context("blocking work is part of its task")?;
        drop(cx.canceller().cancel(CancelLevel::Graceful));
        let child = AsyncTask::to::<Option<CancelCause>>().on(&inner).spawn_with(|cx| async move {
            cx.cancelled().await;
            cx.cause()
        });
        // It is awaited on a thread that may block, and in the simulation by the thread that runs the rest.
        Ok::<_, Failure>(Ambient.resolve()?.block_on(child)??)
    });
    ensure!(task.await? == Some(CancelCause::ParentCancelled));
    Ok(())
}

/// A module of tests for each flavour.
macro_rules! on {
    ($backend:ident $module:ident $flavour:ty) => {
        mod $module {
            on! { @each $flavour:
                block_on_enters_its_runtime
                a_task_finds_the_runtime_that_it_is_on
                work_in_place_finds_the_runtime_of_the_task_around
                blocking_work_finds_the_runtime_of_its_task
                a_thread_finds_the_runtime_that_it_has_entered
                the_tasks_own_runtime_comes_before_an_entered_one
                block_on_inside_block_on_is_an_error
                block_on_inside_a_task_is_an_error
                blocking_work_may_block_once
                blocking_work_may_block_on_a_future
                the_ambient_sleep_and_interval_are_the_tasks_own
                a_child_spawned_by_cancelled_blocking_work_is_cancelled
                an_endless_sleep_stays_pending
                an_interval_of_zero_is_refused
                a_wait_is_reported_where_the_work_awaits_it
            }
        }
    };
    (@each $flavour:ty: $($case:ident)+) => {$(
        #[test]
        fn $case() -> conformance::Outcome {
            conformance::run::typed::<$flavour>(stringify!($case), |rt, at| {
                Box::pin(crate::cases::$case(rt, at))
            })
        }
    )+};
}
