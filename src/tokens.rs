//! Cancellation tokens of tokio-util, both ways: a token that follows a task, and a task that follows a token.

use futures_lite::future::or;
use tokio_util::sync::CancellationToken;

use crate::{
    AsyncTaskError, CancelLevel, CancellableTask as _, Canceller, Runtime, TaskBuilder, TaskContext,
};

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
/// # Errors
///
/// As of [`TaskContext::on_cancel`].
pub fn token_of(context: &TaskContext) -> Result<CancellationToken, AsyncTaskError> {
    let token = CancellationToken::new();
    // A callback that was not called is dropped at the end of the task, and the guard with it.
    let guard = token.clone().drop_guard();
    context.on_cancel(move || drop(guard))?;
    Ok(token)
}

/// Cancels `task` with `level` once `token` is cancelled, if it has not ended by then. The wait is a detached task on
/// `runtime`, which ends with `task`. Cost: that task.
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
    let ended = CancellationToken::new();
    let guard = ended.clone().drop_guard();
    task.on_cancel(move || drop(guard))?;
    let wait = async move {
        let follows = async {
            token.cancelled().await;
            // Whoever waits for the task sees its end.
            drop(task.cancel(level));
        };
        or(ended.cancelled(), follows).await;
    };
    TaskBuilder::<(), R>::new(runtime.clone()).name("token").spawn(move || wait).detach();
    Ok(())
}
