//! A blocking pool that refuses every job: the error names the work that was not started, and the work that
//! failed by that.
#![cfg(feature = "smol")]

#[path = "faults/wrapper.rs"]
#[allow(dead_code, reason = "planted faults use the rest")]
mod wrapper;

use anyhow::{bail, ensure};
use conformance::{Harness as _, Outcome};
use sweet_async::pipeline::{ChunkSizeExt as _, Event};
use sweet_async::smol::{SmolJoin, SmolRuntime};
use sweet_async::{AsyncTask, AsyncTaskError, SpawnError};
use wrapper::{Fault, FaultyPool, Job};

const REASON: &str = "there are no threads";

struct NoThreads;

impl Fault for NoThreads {
    fn block(_: &SmolRuntime, job: Job) -> Result<SmolJoin<()>, SpawnError> {
        drop(job);
        Err(SpawnError::Refused(REASON.into()))
    }
}

/// Checks that the error has this text for its task, and the pool's reason as its cause.
fn check_refusal<T>(ended: Result<T, AsyncTaskError>, expected: &str) -> Outcome {
    let Err(error) = ended else { bail!("the pool takes nothing") };
    ensure!(format!("{error:#}") == format!("{expected}: {REASON}"), "{error:#}");
    let AsyncTaskError::Failure(failure) = error else { bail!("{error:?}") };
    ensure!(failure.was_started() != expected.ends_with("was not started"), "{expected}");
    Ok(())
}

#[test]
fn work_that_the_pool_refuses_was_not_started() -> Outcome {
    let pool = FaultyPool::<NoThreads>::start()?;
    let rt = pool.runtime();
    pool.block_on(async {
        check_refusal(AsyncTask::to::<u32>().on(&rt).run(|| 1).await, "the work was not started")?;
        let work = || async { AsyncTask::to::<u32>().on(&rt).run(|| 1).await };
        check_refusal(AsyncTask::to::<u32>().on(&rt).name("around").run(work).await, "task `around` failed")
    })?
}

#[test]
fn a_pipeline_fails_when_the_pool_refuses_its_read() -> Outcome {
    let pool = FaultyPool::<NoThreads>::start()?;
    let rt = pool.runtime();
    let load = || {
        let builder = AsyncTask::emits::<u64>().on(&rt).name("load");
        let sender = builder.sender(|sources| sources.of_bytes("1\n2\n").lines().into_chunks(1.lines()));
        sender.for_each(|_: Event<u64>| {})
    };
    pool.block_on(async {
        check_refusal(load().await, "task `load` failed")?;
        check_refusal(load().spawn().await, "task `load` failed")
    })?
}
