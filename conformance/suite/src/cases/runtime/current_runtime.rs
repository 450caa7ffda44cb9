//! The current runtime: `block_on` enters it, and a task is on the one that it was given, also through a box.

use crate::library::{Current, CurrentRuntime, RuntimeSource as _};

use crate::kit::prelude::*;

pub async fn block_on_enters_its_runtime<R: Runtime>(_: R, at: Facts) -> Outcome {
    ensure!(Current.resolve()?.name() == at.name);
    ensure!(AsyncTask::to::<bool>().spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}

pub async fn a_task_knows_its_backends_runtime_however_it_was_started<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    // The call by which a backend's own `AsyncTask` stays on the runtime of the task around it.
    let own = || CurrentRuntime::of_task().and_then(|current| current.downcast::<R>()).is_some();
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { own() }).await?);
    let boxed = crate::library::DynRuntime::new(&rt);
    ensure!(AsyncTask::to::<bool>().on(&boxed).spawn(move || async move { own() }).await?, "through a box");
    ensure!(AsyncTask::to::<bool>().spawn(move || async move { own() }).await?, "on the current runtime");
    Ok(())
}

pub async fn a_boxed_runtime_is_not_boxed_again<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // That many boxes around each other could not even be dropped: the stack would overflow.
    let boxed = (0..100_000)
        .fold(crate::library::DynRuntime::new(&rt), |boxed, _| crate::library::DynRuntime::new(&boxed));
    ensure!(AsyncTask::to::<bool>().on(&boxed).spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}

pub async fn a_boxed_runtime_serves_as_well<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let boxed = crate::library::DynRuntime::new(&rt);
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
