//! Recovery, limiter: no permit is lost when the runtime ends before the limiter.

use crate::library::{DynRuntime, Limiter};

use super::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::kit::ending::left;
use crate::kit::prelude::*;

/// Two tasks that hold its permits, and three that wait, on `rt`.
async fn spawn_waiters(rt: &DynRuntime, limiter: &Limiter) -> Result<Vec<Task<(), DynRuntime>>, Failure> {
    let mut tasks = fill(rt, limiter, 2).await?.tasks;
    for _ in 0..3 {
        // A waiter that is admitted while the others are dropped may be polled before it is dropped itself.
        tasks.push(AsyncTask::to::<()>().on(rt).limiter(limiter).spawn(pending::<()>));
    }
    until_waiting(limiter, 3).await;
    Ok(tasks)
}

pub fn a_dropped_runtime_returns_all_permits(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    if flavour.never_ends {
        return Ok(());
    }
    let limiter = with_permits(2)?;
    let (rt, shared) = (harness.runtime(), limiter.clone());
    let tasks = harness.block_on(async move { spawn_waiters(&rt, &shared).await })??;
    drop(harness);
    for task in tasks {
        let error = failed(futures_lite::future::block_on(task))?;
        ensure!(error.is_shutdown(), "{error:?}");
    }
    let next = flavour.start_with(1)?;
    next.block_on(check_all_free(&next.runtime(), &limiter, 2))?
}

pub fn a_shutdown_returns_all_permits(harness: Started) -> Outcome {
    let flavour = harness.flavour();
    if flavour.never_ends {
        return Ok(());
    }
    let limiter = with_permits(2)?;
    let (rt, shared) = (harness.runtime(), limiter.clone());
    harness.block_on(async move {
        let tasks = spawn_waiters(&rt, &shared).await?;
        let shutdown = rt.shutdown(Duration::ZERO).await;
        ensure!(left(shutdown)? == (5, 0));
        for task in tasks {
            failed(task.await)?;
        }
        Ok(())
    })??;
    drop(harness);
    let next = flavour.start_with(1)?;
    next.block_on(check_all_free(&next.runtime(), &limiter, 2))?
}
