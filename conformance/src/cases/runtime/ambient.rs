//! Choice of the runtime: the ambient runtime is that of the task around, else the entered one.
//! A nested `block_on` is an error.

use std::thread;

use sweet_async::{Ambient, BlockOn as _, CurrentRuntime, EnterGuard, RuntimeSource as _};

use crate::kit::prelude::*;

/// True inside a task whose ambient runtime is the one under test.
fn is_current(at: Facts) -> bool {
    CurrentRuntime::of_task().is_some() && Ambient.resolve().is_ok_and(|found| found.name() == at.name)
}

pub async fn block_on_enters_its_runtime<R: Runtime>(_: R, at: Facts) -> Outcome {
    ensure!(Ambient.resolve()?.name() == at.name);
    ensure!(AsyncTask::to::<bool>().spawn(move || async move { at.is_inside() }).await?);
    ensure!(AsyncTask::to::<u32>().run(|| 1).await? == 1);
    ensure!(AsyncTask::to::<u32>().timeout(1.hours()).run(|| async { 2 }).await? == 2);
    Ok(())
}

pub async fn a_task_finds_the_runtime_that_it_is_on<R: Runtime>(rt: R, at: Facts) -> Outcome {
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

pub async fn work_in_place_finds_the_runtime_of_the_task_around<R: Runtime>(rt: R, at: Facts) -> Outcome {
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

pub async fn a_task_knows_its_backends_runtime_however_it_was_started<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    // The call by which a backend's own `AsyncTask` stays on the runtime of the task around it.
    let own = || CurrentRuntime::of_task().and_then(|current| current.downcast::<R>()).is_some();
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { own() }).await?);
    let boxed = sweet_async::DynRuntime::new(&rt);
    ensure!(AsyncTask::to::<bool>().on(&boxed).spawn(move || async move { own() }).await?, "behind a box");
    ensure!(AsyncTask::to::<bool>().spawn(move || async move { own() }).await?, "by the ambient entry");
    Ok(())
}

pub async fn blocking_work_finds_the_runtime_of_its_task<R: Runtime>(rt: R, at: Facts) -> Outcome {
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

pub async fn a_thread_finds_the_runtime_that_it_has_entered<R: Runtime>(rt: R, at: Facts) -> Outcome {
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

pub async fn the_tasks_own_runtime_comes_before_an_entered_one<R: Runtime>(rt: R, at: Facts) -> Outcome {
    use sweet_async::DynRuntime;
    let other = DynRuntime::new(&rt);
    let task = AsyncTask::to::<bool>().on(&rt).spawn(move || async move {
        let _entered = EnterGuard::new(&other);
        is_current(at)
    });
    ensure!(task.await?);
    Ok(())
}

pub async fn a_boxed_runtime_serves_as_well<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let boxed = sweet_async::DynRuntime::new(&rt);
    ensure!(boxed.name() == at.name && boxed.downcast_ref::<R>().is_some());
    let builder = AsyncTask::to::<u32>().on(&boxed);
    ensure!(builder.clone().spawn(|| async { 1 }).await? == 1);
    ensure!(builder.clone().spawn_blocking(|| 2).await? == 2);
    ensure!(failed(builder.clone().spawn_with_timeout(5.millis(), pending::<u32>).await)?.is_timeout());
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard) = (started.clone(), dropped.on_drop());
    let task = builder.spawn(|| async move {
        let _guard = guard;
        start.set();
        pending::<u32>().await
    });
    started.wait().await;
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled() && dropped.is_set());
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

pub async fn block_on_inside_block_on_is_an_error<R: Runtime>(_: R, at: Facts) -> Outcome {
    let nested = block_on(at, async { 1 });
    ensure!(matches!(nested, Err(AsyncTaskError::InvalidState(_))));
    Ok(())
}

pub async fn block_on_inside_a_task_is_an_error<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let task = AsyncTask::to::<bool>().on(&rt).spawn(move || async move {
        matches!(block_on(at, async { 1 }), Err(AsyncTaskError::InvalidState(_)))
    });
    ensure!(task.await?);
    Ok(())
}

pub async fn blocking_work_may_block_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
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
