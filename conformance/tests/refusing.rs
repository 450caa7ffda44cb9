//! A blocking pool that takes nothing: the errors say whose work was not started, and whose has failed by that.
#![cfg(feature = "smol")]

#[path = "faults/wrapper.rs"]
#[allow(dead_code, reason = "planted faults use the rest")]
mod wrapper;

use anyhow::{bail, ensure};
use conformance::{Harness as _, Outcome};
use sweet_async::pipeline::{ChunkSizeExt as _, Event};
use sweet_async::smol::{SmolJoin, SmolRuntime};
use sweet_async::{AsyncTask, AsyncTaskError, SpawnError};
use wrapper::{Fault, Job, Ward};

const REASON: &str = "there are no threads";

struct NoThreads;

impl Fault for NoThreads {
    fn block(_: &SmolRuntime, job: Job) -> Result<SmolJoin<()>, SpawnError> {
        drop(job);
        Err(SpawnError::Refused(REASON.into()))
    }
}

/// The error says this of its task, and gives the pool's reason as its cause.
fn says<T>(ended: Result<T, AsyncTaskError>, what: &str) -> Outcome {
    let Err(error) = ended else { bail!("the pool takes nothing") };
    ensure!(format!("{error:#}") == format!("{what}: {REASON}"), "{error:#}");
    let AsyncTaskError::Failure(failure) = error else { bail!("{error:?}") };
    ensure!(failure.was_started() != what.ends_with("was not started"), "{what}");
    Ok(())
}

#[test]
fn work_that_the_pool_refuses_was_not_started() -> Outcome {
    let ward = Ward::<NoThreads>::start()?;
    let rt = ward.runtime();
    ward.block_on(async {
        says(AsyncTask::to::<u32>().on(&rt).run(|| 1).await, "the work was not started")?;
        let work = || async { AsyncTask::to::<u32>().on(&rt).run(|| 1).await };
        says(AsyncTask::to::<u32>().on(&rt).name("around").run(work).await, "task `around` failed")
    })?
}

#[test]
fn a_pipeline_whose_read_the_pool_refuses_has_failed() -> Outcome {
    let ward = Ward::<NoThreads>::start()?;
    let rt = ward.runtime();
    let load = || {
        let builder = AsyncTask::emits::<u64>().on(&rt).name("load");
        let sender = builder.sender(|sources| sources.of_bytes("1\n2\n").lines().into_chunks(1.lines()));
        sender.for_each(|_: Event<u64>| {})
    };
    ward.block_on(async {
        says(load().await, "task `load` failed")?;
        says(load().spawn().await, "task `load` failed")
    })?
}
