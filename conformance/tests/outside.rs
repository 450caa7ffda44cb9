//! The choice of a runtime outside of every runtime, by the features alone, and the error if there is none.
#![cfg(any(feature = "tokio", feature = "smol", feature = "sim"))]

use anyhow::ensure;
use conformance::Outcome;
use futures_lite::future::block_on;
use sweet_async::AsyncTask;
#[cfg(any(feature = "tokio", feature = "smol"))]
use {
    futures_lite::future::{Boxed as BoxFuture, yield_now},
    sweet_async::{AsyncTaskError, CircuitBreaker},
};

#[cfg(all(feature = "tokio", not(feature = "smol")))]
#[test]
fn with_tokio_alone_there_is_no_runtime() -> Outcome {
    let spawned = block_on(AsyncTask::to::<u32>().spawn(|| async { 1 }));
    ensure!(matches!(spawned, Err(sweet_async::AsyncTaskError::NoRuntime)));
    let blocking = block_on(AsyncTask::to::<u32>().run(|| 1));
    ensure!(matches!(blocking, Err(sweet_async::AsyncTaskError::NoRuntime)));
    Ok(())
}

#[cfg(all(feature = "tokio", feature = "smol"))]
#[test]
fn with_both_it_is_ambiguous() -> Outcome {
    let mut task = AsyncTask::to::<u32>().spawn(|| async { 1 });
    let spawned = block_on(&mut task);
    ensure!(matches!(spawned, Err(sweet_async::AsyncTaskError::AmbiguousRuntime)));
    ensure!(task.status() == sweet_async::TaskStatus::Failed);
    let blocking = block_on(AsyncTask::to::<u32>().run(|| 1));
    ensure!(matches!(blocking, Err(sweet_async::AsyncTaskError::AmbiguousRuntime)));
    Ok(())
}

#[cfg(all(feature = "smol", not(feature = "tokio")))]
#[test]
fn with_smol_alone_it_is_the_global_executor() -> Outcome {
    let name = || std::thread::current().name().map(str::to_owned);
    let spawned = block_on(AsyncTask::to::<Option<String>>().spawn(move || async move { name() }))?;
    ensure!(spawned.is_some_and(|name| name.starts_with("smol-")));
    Ok(())
}

#[cfg(any(feature = "tokio", feature = "smol"))]
#[test]
fn work_that_needs_no_runtime_runs() -> Outcome {
    ensure!(block_on(AsyncTask::to::<u32>().run(|| async { 1 }))? == 1);
    ensure!(block_on(AsyncTask::to::<u32>().inline().run(|| 2))? == 2);
    Ok(())
}

/// Work in place with a policy, in as much other work of the kind.
#[cfg(any(feature = "tokio", feature = "smol"))]
fn nested(depth: u32, breaker: CircuitBreaker) -> BoxFuture<Result<u32, AsyncTaskError>> {
    Box::pin(async move {
        if depth == 0 {
            yield_now().await;
            return Ok(0);
        }
        let inner = nested(depth - 1, breaker.clone());
        let task = AsyncTask::to::<u32>().circuit_breaker(&breaker);
        task.run(move || async move { Ok::<_, AsyncTaskError>(inner.await? + 1) }).await
    })
}

#[cfg(any(feature = "tokio", feature = "smol"))]
#[test]
fn work_that_needs_no_runtime_may_be_nested_deeply() -> Outcome {
    ensure!(block_on(nested(20, CircuitBreaker::builder().build()?))? == 20);
    Ok(())
}

#[cfg(any(feature = "tokio", feature = "smol"))]
#[test]
fn block_on_brings_its_own() -> Outcome {
    let answer = sweet_async::block_on(async { AsyncTask::to::<u32>().spawn(|| async { 3 }).await })?;
    ensure!(answer? == 3);
    Ok(())
}

#[cfg(feature = "smol")]
#[test]
fn smols_own_entry_means_smol_also_inside_another_runtime() -> Outcome {
    let task = sweet_async::smol::AsyncTask::to::<u32>().spawn(|| async { 4 });
    ensure!(block_on(task)? == 4);
    Ok(())
}

#[cfg(feature = "tokio")]
#[test]
fn tokios_own_entry_needs_a_tokio_runtime() -> Outcome {
    let outside = block_on(sweet_async::tokio::AsyncTask::to::<u32>().spawn(|| async { 1 }));
    ensure!(matches!(outside, Err(sweet_async::AsyncTaskError::NoRuntime)));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let inside = tokio.block_on(async {
        let own = sweet_async::tokio::AsyncTask::to::<u32>().spawn(|| async { 1 }).await?;
        Ok::<_, sweet_async::AsyncTaskError>(own + AsyncTask::to::<u32>().spawn(|| async { 2 }).await?)
    });
    ensure!(inside? == 3);
    Ok(())
}

#[cfg(feature = "sim")]
#[test]
fn the_simulations_own_entry_needs_a_simulation() -> Outcome {
    use sweet_async::sim::{AsyncTask as InSim, SimRuntime};

    let outside = block_on(InSim::to::<u32>().spawn(|| async { 1 }));
    ensure!(matches!(outside, Err(sweet_async::AsyncTaskError::NoRuntime)));
    let sim = SimRuntime::new(7);
    let inside = sim.block_on(async {
        // The enclosing task is started by the ambient entry.
        let task = AsyncTask::to::<u32>().try_spawn(|| async {
            let own = InSim::to::<u32>().spawn(|| async { 1 }).await?;
            Ok(own + InSim::to::<u32>().run(|| async { 2 }).await?)
        });
        task.await
    })?;
    ensure!(inside? == 3);
    Ok(())
}

#[cfg(all(feature = "sim", any(feature = "tokio", feature = "smol")))]
#[test]
fn the_simulations_own_entry_is_on_no_other_runtime() -> Outcome {
    use sweet_async::sim::AsyncTask as InSim;

    let elsewhere = sweet_async::block_on(async { InSim::to::<u32>().spawn(|| async { 1 }).await })?;
    ensure!(matches!(elsewhere, Err(sweet_async::AsyncTaskError::NoRuntime)));
    Ok(())
}

#[cfg(feature = "tokio")]
#[test]
fn a_tokio_runtime_without_timers_is_refused_with_a_reason() -> Outcome {
    let tokio = tokio::runtime::Builder::new_current_thread().build()?;
    let Err(error) = sweet_async::tokio::TokioRuntime::from_handle(tokio.handle().clone()) else {
        anyhow::bail!("it was taken");
    };
    ensure!(matches!(error, sweet_async::RuntimeError::NoTimers { .. }));
    let bare = AsyncTask::to::<u32>;
    let refused = tokio.block_on(async {
        [
            (None, bare().spawn(|| async { 1 }).await),
            (None, bare().run(|| 1).await),
            (None, bare().spawn_blocking(|| 1).await),
            (Some("lonely"), bare().name("lonely").spawn(|| async { 1 }).await),
            (Some("lonely"), bare().name("lonely").run_with(|_| async { 1 }).await),
            (Some("lonely"), bare().name("lonely").retry(2).spawn(|| async { 1 }).await),
        ]
    });
    for (name, refused) in refused {
        let Err(error) = refused else { anyhow::bail!("it was taken") };
        let task = name.map_or("the work".into(), |name| format!("task `{name}`"));
        ensure!(error.to_string() == format!("{task} was not started"), "{error}");
        ensure!(format!("{error:#}").contains("timers"), "{error:#}");
        let sweet_async::AsyncTaskError::Failure(failure) = error else { anyhow::bail!("{error:?}") };
        ensure!(!failure.was_started() && failure.task() == name);
    }
    // Work that returns this error has itself failed.
    let around = tokio.block_on(async {
        bare().inline().name("around").run(|| async { bare().spawn(|| async { 1 }).await }).await
    });
    let Err(error) = around else { anyhow::bail!("it was taken") };
    ensure!(error.to_string() == "task `around` failed", "{error}");
    Ok(())
}

#[cfg(feature = "tokio")]
#[test]
fn a_task_stays_on_its_tokio_runtime_and_not_on_the_entered_one() -> Outcome {
    use sweet_async::tokio::OwnedTokio;
    use tokio::runtime::Handle;

    let (one, other) = (OwnedTokio::multi_thread(1)?, OwnedTokio::multi_thread(1)?);
    let ids = one.block_on(async {
        let builder = AsyncTask::to::<[tokio::runtime::Id; 3]>().on(other.runtime());
        let task = builder.try_spawn(|| async {
            let nested = AsyncTask::to::<tokio::runtime::Id>().spawn(|| async { Handle::current().id() });
            let blocking = AsyncTask::to::<tokio::runtime::Id>().spawn_blocking(|| Handle::current().id());
            Ok([Handle::current().id(), nested.await?, blocking.await?])
        });
        task.await
    })??;
    ensure!(ids == [other.runtime().handle().id(); 3]);
    ensure!(one.runtime().handle().id() != other.runtime().handle().id());
    Ok(())
}

#[cfg(feature = "smol")]
#[test]
fn smols_own_entry_stays_on_the_pool_of_the_task_around_it() -> Outcome {
    let pool = sweet_async::smol::SmolPool::new(1)?;
    let name = || std::thread::current().name().map(str::to_owned);
    let names = pool.block_on(async {
        // The enclosing task is started by the ambient entry.
        let task = AsyncTask::to::<[Option<String>; 2]>().try_spawn(move || async move {
            let own =
                sweet_async::smol::AsyncTask::to::<Option<String>>().spawn(move || async move { name() });
            Ok([name(), own.await?])
        });
        task.await
    })??;
    let on_pool = |name: &Option<String>| name.as_deref().is_some_and(|name| name.starts_with("sweet-smol-"));
    ensure!(names.iter().all(on_pool), "not on the pool: {names:?}");
    Ok(())
}
