//! A limiter that outlives its runtime: no place is lost with that.

use sweet_async::Limiter;

use super::limiters::{fill, is_whole, places, until_waiting};
use crate::kit::ending::left;
use crate::kit::prelude::*;

/// Two that hold its places, and three that wait, on `rt`.
async fn crowd<R: Runtime>(rt: &R, limiter: &Limiter) -> Result<Vec<Task<(), R>>, Failure> {
    let mut tasks = fill(rt, limiter, 2).await?.tasks;
    for _ in 0..3 {
        // Let in as the others are dropped, one of them may be polled before it is dropped itself.
        tasks.push(AsyncTask::to::<()>().on(rt).limiter(limiter).spawn(pending::<()>));
    }
    until_waiting(limiter, 3).await;
    Ok(tasks)
}

pub fn a_dropped_runtime_gives_all_places_back<H: Harness>(harness: H) -> Outcome {
    if H::NEVER_ENDS {
        return Ok(());
    }
    let limiter = places(2)?;
    let (rt, line) = (harness.runtime(), limiter.clone());
    let tasks = harness.block_on(async move { crowd(&rt, &line).await })??;
    drop(harness);
    for task in tasks {
        let error = failed(futures_lite::future::block_on(task))?;
        ensure!(error.is_shutdown(), "{error:?}");
    }
    let next = H::start_with(1)?;
    next.block_on(is_whole(&next.runtime(), &limiter, 2))?
}

pub fn a_shutdown_gives_all_places_back<H: Harness>(harness: H) -> Outcome {
    if H::NEVER_ENDS {
        return Ok(());
    }
    let limiter = places(2)?;
    let (rt, line) = (harness.runtime(), limiter.clone());
    harness.block_on(async move {
        let tasks = crowd(&rt, &line).await?;
        let shutdown = rt.shutdown(Duration::ZERO).await;
        ensure!(left(shutdown)? == (5, 0));
        for task in tasks {
            failed(task.await)?;
        }
        Ok(())
    })??;
    drop(harness);
    let next = H::start_with(1)?;
    next.block_on(is_whole(&next.runtime(), &limiter, 2))?
}
