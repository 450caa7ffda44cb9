//! Structured concurrency on the ambient runtime.

use std::future::Future;

use crate::task::{Run, Scope};
use crate::{AmbientRuntime, AsyncTask, AsyncTaskError, BoxError};

/// Runs `body` in place with a [`Scope`], with which it may spawn members: none of them outlives the scope.
/// It runs on the ambient runtime; [`TaskBuilder::scope`](crate::TaskBuilder::scope) takes a runtime, a name,
/// a timeout and other policies.
///
/// ```
/// use sweet_async::prelude::*;
///
/// # fn main() -> Result<(), AsyncTaskError> {
/// # sweet_async::block_on(async {
/// let total = scope(|s| async move {
///     let words = s.spawn(|| async { Ok("three short words".split(' ').count()) });
///     let lines = s.spawn(|| async { Ok("one\ntwo".lines().count()) });
///     Ok(words.await? + lines.await?)
/// })
/// .await?;
/// assert_eq!(total, 5);
/// # Ok(())
/// # })?
/// # }
/// ```
///
/// # Errors
///
/// As for [`TaskBuilder::scope`](crate::TaskBuilder::scope).
#[track_caller]
pub fn scope<T, F, O>(body: F) -> Run<impl Future<Output = Result<T, AsyncTaskError>>>
where
    F: FnOnce(Scope<AmbientRuntime>) -> O,
    O: Future<Output = Result<T, BoxError>>,
{
    AsyncTask::to::<T>().scope(body)
}
