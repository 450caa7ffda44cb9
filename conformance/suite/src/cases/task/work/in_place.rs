//! Work in place: `run` is lazy and part of its caller, and needs neither `Send`, `'static` nor a runtime.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use crate::kit::prelude::*;

pub async fn async_work_borrows_and_need_not_be_send<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = String::from("borrowed");
    let shared = Rc::new(5);
    let work = || async { text.len() + *shared };
    ensure!(AsyncTask::to::<usize>().on(&rt).run(work).await? == 13);
    ensure!(AsyncTask::to::<usize>().on(&rt).timeout(1.hours()).run(work).await? == 13);
    ensure!(AsyncTask::to::<usize>().on(&rt).inline().run(|| text.len() + *shared).await? == 13);
    Ok(())
}

pub async fn nothing_runs_before_it_is_awaited<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let called = Cell::new(0);
    let run = AsyncTask::to::<u32>().on(&rt).run(|| {
        called.set(called.get() + 1);
        async { 1 }
    });
    yield_now().await;
    ensure!(called.get() == 0, "run is lazy");
    ensure!(run.await? == 1);
    ensure!(called.get() == 1);
    Ok(())
}

pub async fn work_that_is_never_awaited_is_never_called<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (called, dropped) = (Latch::new(), Latch::new());
    let (seen, guard) = (called.clone(), dropped.on_drop());
    let run = AsyncTask::to::<()>().on(&rt).run(move || {
        seen.set();
        drop(guard);
    });
    drop(run);
    ensure!(dropped.is_set(), "what the closure held is dropped with it");
    ensure!(!called.is_set());
    Ok(())
}

pub async fn a_builder_can_be_cloned_and_used_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt).name("again").timeout(1.hours());
    ensure!(builder.clone().run(|| async { 1 }).await? == 1);
    let task = builder.clone().spawn(|| async { 2 });
    ensure!(task.name().as_deref() == Some("again"));
    ensure!(task.await? == 2);
    ensure!(builder.spawn(|| 3).await? == 3);
    Ok(())
}

pub async fn a_finished_run_polled_again_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<u32>().on(&rt);
    let mut run = std::pin::pin!(builder.clone().run(|| async { 1 }));
    ensure!(run.as_mut().await? == 1);
    ensure!(matches!(run.await, Err(AsyncTaskError::InvalidState(_))));
    let mut blocking = std::pin::pin!(builder.run_blocking(|| 2));
    ensure!(blocking.as_mut().await? == 2);
    ensure!(matches!(blocking.await, Err(AsyncTaskError::InvalidState(_))));
    Ok(())
}

pub async fn dropping_the_future_drops_the_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let dropped = Latch::new();
    let guard = dropped.on_drop();
    let mut run = Box::pin(AsyncTask::to::<()>().on(&rt).run(|| async move {
        let _guard = guard;
        pending::<()>().await
    }));
    ensure!(poll_once(run.as_mut()).await.is_none());
    ensure!(!dropped.is_set());
    drop(run);
    ensure!(dropped.is_set());
    Ok(())
}

pub async fn async_work_stays_on_the_callers_thread<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let here = thread::current().id();
    let id = || thread::current().id();
    ensure!(AsyncTask::to::<thread::ThreadId>().on(&rt).run(|| async { id() }).await? == here);
    ensure!(AsyncTask::to::<thread::ThreadId>().on(&rt).inline().run(id).await? == here);
    Ok(())
}

pub async fn async_work_needs_no_runtime<R: Runtime>(_: R, _: Facts) -> Outcome {
    // On a thread that is inside no runtime at all.
    let plain = thread::spawn(|| {
        futures_lite::future::block_on(async {
            let inline = AsyncTask::to::<u32>().inline().run(|| 40).await?;
            Ok::<_, AsyncTaskError>(AsyncTask::to::<u32>().run(|| async { 2 }).await? + inline)
        })
    });
    let answer = plain.join().map_err(|_| Failure::msg("the thread panicked"))?;
    ensure!(answer? == 42);
    Ok(())
}
