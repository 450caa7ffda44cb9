//! Promise 7, panic: a panic is the error of its own task, with message and payload, and harms no other.

use crate::library::{BreakerState, CircuitBreaker};

use crate::kit::explode;
use crate::kit::prelude::*;

fn message(error: &AsyncTaskError) -> Result<&str, Failure> {
    match error {
        AsyncTaskError::Panic(panic) => Ok(panic.message()),
        other => bail!("not a panic: {other:?}"),
    }
}

fn literal() -> u32 {
    explode("a literal")
}

fn formatted() -> u32 {
    explode(format!("formatted {}", 1))
}

pub async fn the_message_is_kept<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    let error = failed(task().spawn(|| async { literal() }).await)?;
    ensure!(message(&error)? == "a literal");
    ensure!(error.to_string() == "the work panicked: a literal");
    let error = failed(task().spawn(|| async { formatted() }).await)?;
    ensure!(message(&error)? == "formatted 1");
    Ok(())
}

pub async fn the_payload_can_be_taken<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(AsyncTask::to::<u32>().on(&rt).spawn(|| async { explode::<u32>(42u64) }).await)?;
    let AsyncTaskError::Panic(panic) = error else { bail!("not a panic: {error:?}") };
    ensure!(!panic.message().is_empty());
    ensure!(panic.into_panic().downcast_ref::<u64>() == Some(&42));
    Ok(())
}

pub async fn a_closure_may_panic_before_there_is_a_future<R: Runtime>(rt: R, _: Facts) -> Outcome {
    fn never_made() -> std::future::Ready<u32> {
        explode("no future")
    }
    let task = || AsyncTask::to::<u32>().on(&rt);
    ensure!(message(&failed(task().run(never_made).await)?)? == "no future");
    ensure!(message(&failed(task().spawn(never_made).await)?)? == "no future");
    Ok(())
}

pub async fn a_future_may_panic_in_place_and_later<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let later = || async {
        yield_now().await;
        literal()
    };
    let task = || AsyncTask::to::<u32>().on(&rt);
    ensure!(message(&failed(task().run(later).await)?)? == "a literal");
    ensure!(message(&failed(task().timeout(1.hours()).run(later).await)?)? == "a literal");
    ensure!(message(&failed(task().spawn(later).await)?)? == "a literal");
    Ok(())
}

pub async fn synchronous_work_may_panic<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = || AsyncTask::to::<u32>().on(&rt);
    ensure!(message(&failed(task().run(literal).await)?)? == "a literal");
    ensure!(message(&failed(task().spawn(formatted).await)?)? == "formatted 1");
    ensure!(message(&failed(task().run_blocking(formatted).await)?)? == "formatted 1");
    ensure!(message(&failed(task().spawn_blocking(literal).await)?)? == "a literal");
    ensure!(message(&failed(task().inline().run(literal).await)?)? == "a literal");
    ensure!(message(&failed(task().inline().spawn(formatted).await)?)? == "formatted 1");
    Ok(())
}

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        explode("a destructor")
    }
}

pub async fn a_destructor_may_panic_during_a_cancel<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard) = (started.clone(), dropped.on_drop());
    let mut task = AsyncTask::to::<()>().on(&rt).spawn(|| async move {
        let _guard = guard;
        let _panics = PanicsOnDrop;
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    let end = task.cancel(CancelLevel::Kill).await;
    ensure!(dropped.is_set(), "the other destructors run all the same");
    ensure!(message(&failed((&mut task).await)?)? == "a destructor");
    ensure!((task.status(), end.status()) == (TaskStatus::Failed, TaskStatus::Failed));
    ensure!(AsyncTask::to::<u32>().on(&rt).spawn(|| async { 1 }).await? == 1);
    Ok(())
}

pub async fn a_destructor_may_panic_at_a_timeout<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let work = || async {
        let _panics = PanicsOnDrop;
        pending::<()>().await
    };
    let builder = AsyncTask::to::<()>().on(&rt).timeout(5.millis());
    ensure!(message(&failed(builder.clone().run(work).await)?)? == "a destructor");
    ensure!(message(&failed(builder.spawn(work).await)?)? == "a destructor");
    Ok(())
}

pub async fn the_runtimes_threads_survive<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for _ in 0..20 {
        let task = || AsyncTask::to::<u32>().on(&rt);
        let (asynchronous, blocking) = (task().spawn(|| async { literal() }), task().spawn_blocking(literal));
        failed(asynchronous.await)?;
        failed(blocking.await)?;
    }
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    ensure!(AsyncTask::to::<u32>().on(&rt).spawn_blocking(|| 2).await? == 2);
    Ok(())
}

pub async fn a_detached_panic_harms_no_other_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let open = Latch::new();
    let opened = open.clone();
    let bystander = AsyncTask::to::<u32>().on(&rt).spawn(|| async move {
        opened.wait().await;
        5
    });
    let panics = AsyncTask::to::<u32>().on(&rt).spawn(|| async { literal() });
    let canceller = panics.canceller();
    panics.detach();
    while !canceller.status().is_terminal() {
        yield_now().await;
    }
    ensure!(canceller.status() == TaskStatus::Failed);
    open.set();
    ensure!(bystander.await? == 5);
    Ok(())
}

pub async fn a_parent_may_handle_the_panic_of_its_child<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let parent = AsyncTask::to::<u32>().on(&rt).spawn(move || async move {
        let child = AsyncTask::to::<u32>().on(&inner).spawn(|| async { literal() }).await;
        child.unwrap_or(9)
    });
    ensure!(parent.await? == 9);
    Ok(())
}

/// A value whose destructor panics.
struct Grenade(Latch);

impl Drop for Grenade {
    fn drop(&mut self) {
        self.0.set();
        explode("the value")
    }
}

pub async fn an_untaken_result_may_panic_in_its_destructor<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let dropped = Latch::new();
    let value = dropped.clone();
    AsyncTask::to::<Grenade>().on(&rt).spawn(move || async move { Grenade(value) }).detach();
    dropped.wait().await;
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}

/// An error whose destructor panics.
struct Explosive(#[expect(dead_code, reason = "it is dropped")] Grenade);

impl std::fmt::Debug for Explosive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Explosive")
    }
}

impl std::fmt::Display for Explosive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("explosive")
    }
}

impl std::error::Error for Explosive {}

pub async fn an_untaken_error_may_panic_in_its_destructor<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let before = rt.active_task_count();
    let dropped = Latch::new();
    let error = dropped.clone();
    let work = move || async move { Err::<(), _>(Explosive(Grenade(error))) };
    AsyncTask::to::<()>().on(&rt).spawn(work).detach();
    dropped.wait().await;
    // Where other cases count in the same root scope, the number cannot be known.
    while !at.shares_root && rt.active_task_count() > before {
        yield_now().await;
    }
    Ok(())
}

pub async fn a_destructor_that_panics_at_a_timeout_is_a_failure_for_the_breaker<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let work = || async {
        let _panics = PanicsOnDrop;
        pending::<u32>().await
    };
    for retries in [None, Some(0)] {
        let breaker = CircuitBreaker::builder().failure_threshold(1).build()?;
        let builder = AsyncTask::to::<u32>().on(&rt).circuit_breaker(&breaker).timeout(5.millis());
        let builder = builder.recover_with(|_| async { 7 });
        let value = match retries {
            None => builder.spawn(work).await?,
            Some(retries) => builder.retry(retries).spawn(work).await?,
        };
        ensure!(value == 7 && breaker.state() == BreakerState::Open, "{retries:?}: {breaker:?}");
    }
    Ok(())
}
