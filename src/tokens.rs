//! Cancellation tokens of tokio-util, both ways: a token that follows a task, and a task that follows a token.

use std::pin::pin;

use futures_util::future::select;
use tokio_util::sync::CancellationToken;

use crate::{
    AsyncTaskError, CancelLevel, CancellableTask as _, Canceller, DynRuntime, Runtime, TaskBuilder,
    TaskContext,
};

/// The name of the tasks that wait.
const NAME: &str = "token";

/// Returns a token for code that knows tokio-util and not this library. It is cancelled with the first request to cancel
/// the task of `context`, of any level, or else at the end of the task.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use sweet_async::prelude::*;
/// use sweet_async::tokens::token_of;
///
/// # sweet_async::block_on(async {
/// let task = AsyncTask::to::<u32>().spawn_with(|cx| async move {
///     let token = token_of(&cx)?;
///     cx.started();
///     token.cancelled().await;
///     Ok::<u32, AsyncTaskError>(7)
/// });
/// task.ready().await?;
/// task.cancel_gracefully().await;
/// assert_eq!(task.await?, 7);
/// # Ok::<_, AsyncTaskError>(())
/// # })??;
/// # }
/// # Ok::<_, sweet_async::AsyncTaskError>(())
/// ```
///
/// Cost: a detached task, which ends with the token.
///
/// # Errors
///
/// As of [`TaskContext::on_cancel`].
pub fn token_of(context: &TaskContext) -> Result<CancellationToken, AsyncTaskError> {
    let token = CancellationToken::new();
    // At the end of the task, the callback and the guard are dropped if it was not called.
    let guard = token.clone().drop_guard();
    context.on_cancel(move || drop(guard))?;
    // A kill calls no callback, and the task ends only once its blocking work has, which may wait for the token.
    let (cancelled, waiting) = (context.cancelled(), token.clone());
    let wait = async move {
        select(pin!(cancelled), pin!(waiting.cancelled())).await;
        waiting.cancel();
    };
    TaskBuilder::<(), DynRuntime>::new(context.runtime()).name(NAME).spawn(move || wait).detach();
    if context.is_cancelled() {
        // A runtime that shuts down takes no such task.
        token.cancel();
    }
    Ok(token)
}

/// Cancels `task` with `level` once `token` is cancelled, if it has not ended by then. Cost: a detached task on `runtime`,
/// which ends with `task`. A runtime that shuts down takes no such task; it cancels all tasks by itself.
///
/// # Errors
///
/// As of [`CancellableTask::on_cancel`](crate::CancellableTask::on_cancel).
pub fn cancel_with<R: Runtime>(
    runtime: &R,
    task: Canceller,
    token: CancellationToken,
    level: CancelLevel,
) -> Result<(), AsyncTaskError> {
    let asked = CancellationToken::new();
    let guard = asked.clone().drop_guard();
    task.on_cancel(move || drop(guard))?;
    let wait = async move {
        let ends = async {
            asked.cancelled().await;
            // It has ended, or was asked to end gracefully: asking once more changes nothing, and is ready at the end.
            task.cancel(CancelLevel::Graceful).await;
        };
        let follows = async {
            token.cancelled().await;
            // Whoever waits for the task sees its end.
            drop(task.cancel(level));
        };
        select(pin!(ends), pin!(follows)).await;
    };
    TaskBuilder::<(), R>::new(runtime.clone()).name(NAME).spawn(move || wait).detach();
    Ok(())
}
