//! Helpers of the cases about the end of a runtime.

#[cfg(feature = "cases")]
use std::time::Instant;

#[cfg(feature = "cases")]
use crate::library::{DynRuntime, RuntimeError};

use super::prelude::*;

/// Drives `case` on a flavour whose executor ends with its harness. On any other flavour it passes.
#[cfg(feature = "cases")]
pub(crate) fn ended<F: Future<Output = Outcome>>(
    harness: &Started,
    case: impl FnOnce(DynRuntime) -> F,
) -> Outcome {
    if harness.flavour().never_ends {
        return Ok(());
    }
    harness.block_on(case(harness.runtime()))?
}

/// Returns the numbers of tasks and blocking jobs that a shutdown reports as left.
#[cfg(feature = "cases")]
pub(crate) fn left(result: Result<(), RuntimeError>) -> Result<(usize, usize), Failure> {
    match failed(result)? {
        RuntimeError::TasksLeft { tasks, blocking, .. } => Ok((tasks, blocking)),
        other => bail!("not what was left: {other:?}"),
    }
}

/// Checks that a shutdown which began at `begun` with this limit has waited for the tasks that it has killed,
/// and waits for those that it has not: it does so for a tenth of a second, and their thread may be late.
#[cfg(feature = "cases")]
pub(crate) async fn killed_are_gone<R: Runtime>(rt: &R, begun: Instant, limit: Duration) -> Outcome {
    let took = rt.now().saturating_duration_since(begun);
    ensure!(rt.active_task_count() == 0 || took >= limit + 100.millis(), "it has not waited: {took:?}");
    while rt.active_task_count() > 0 {
        yield_now().await;
    }
    Ok(())
}

/// A task that waits forever and has started for certain, and a latch that is set when it is dropped.
pub(crate) async fn idle<R: Runtime>(rt: &R) -> (Task<(), R>, Latch) {
    let (started, dropped) = (Latch::new(), Latch::new());
    let (start, guard) = (started.clone(), dropped.on_drop());
    let task = AsyncTask::to::<()>().on(rt).name("idle").spawn(|| async move {
        let _guard = guard;
        start.set();
        pending::<()>().await
    });
    started.wait().await;
    (task, dropped)
}
