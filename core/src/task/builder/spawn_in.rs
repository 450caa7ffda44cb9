//! The spawn of a task that waits for a permit of a limiter before the task exists.

use std::future::Future;
use std::sync::Arc;

use crate::error::AsyncTaskError;
use crate::limit::{Acquire, Limiter};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::builder::policies::Policies;
use crate::task::builder::starts::Starts;
use crate::task::builder::task_builder::TaskBuilder;
use crate::task::handle::task::Task;
use crate::task::lifecycle::spawn::SpawnSite;
use crate::task::settings::configured::Configured;
use crate::task::work::kinds::IntoAsyncResult;

/// The wait for a permit of `limiter`, for a task with `policies` that does not exist yet.
///
/// # Errors
///
/// [`AsyncTaskError::InvalidConfig`] for a policy that cannot work, or if the work is under the same limiter.
/// Both are found before the wait.
pub fn acquire_for<T, P: Policies<T>, R: Runtime>(
    policies: &P,
    limiter: &Limiter,
    runtime: R,
) -> Result<Acquire<R>, AsyncTaskError> {
    policies.check()?;
    if policies.limiter().is_some_and(|own| own.is(limiter)) {
        let name = limiter.name().map(|name| format!(" `{name}`")).unwrap_or_default();
        return Err(AsyncTaskError::config(format!(
            "a task cannot hold a permit of a limiter{name} and then wait for another one of it: leave out \
             `.limiter(..)`, or spawn it in another limiter"
        )));
    }
    Ok(limiter.acquire(runtime))
}

/// Starts `work` once there is a permit, which the task then holds.
pub(crate) async fn start_in<T, S, P, W, F, O, M>(
    builder: TaskBuilder<T, S, P, W>,
    limiter: Limiter,
    work: F,
    at: SpawnSite,
) -> Result<Task<T, S::Runtime>, AsyncTaskError>
where
    T: Send + 'static,
    P: Policies<T>,
    S: Starts<P, F, (), O, T, W, M>,
{
    let (source, policies) = builder.into_parts();
    let runtime = source.resolve().map_err(|error| {
        let name = policies.settings().and_then(Configured::name);
        error.not_started(name)
    })?;
    let acquire = acquire_for::<T, P, _>(&policies, &limiter, runtime)?;
    let permit = acquire.await?;
    let at = SpawnSite { permit: Some(Arc::new(permit)), ..at };
    source.start(policies, work, at).admitted()
}

impl<T: Send + 'static, S: RuntimeSource, P: Policies<T>, W> TaskBuilder<T, S, P, W> {
    /// Waits for a permit of `limiter`, and only then makes and starts the task. So a loop over a million
    /// inputs has no more tasks at a time than the limiter has permits:
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Limiter, Runtime, TaskBuilder, TaskSet};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let limiter = Limiter::builder().max_concurrent(8).build()?;
    /// let (mut squares, mut sum) = (TaskSet::new(), 0);
    /// for n in 0..100u64 {
    ///     let task = TaskBuilder::<u64, _>::new(runtime.clone());
    ///     squares.push(task.spawn_in(&limiter, move || async move { n * n }).await?);
    /// }
    /// while let Some(square) = squares.next().await {
    ///     sum += square?;
    /// }
    /// assert_eq!(sum, 328_350);
    /// # Ok(()) }
    /// ```
    ///
    /// It waits as the task that awaits it, with the urgency of that; the [`priority`](Self::priority) of the
    /// builder is that of the new task. The task holds the permit until nothing of it is left: its retries,
    /// its recovery, and everything that it has spawned and not detached. With a [`limiter`](Self::limiter)
    /// of its own, which must be another one, its work then waits for a permit of that, too.
    ///
    /// A task that holds a permit and spawns others in the same limiter may wait forever.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Rejected`] if the limiter has as many waiters as it may have; the error of a
    /// runtime that was not found or takes no more work; [`AsyncTaskError::InvalidConfig`], without a wait,
    /// if the builder has the same limiter, or a policy that cannot work. Errors of the work are its handle's.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, nothing was spawned, and it leaves the queue; if it was admitted
    /// meanwhile, the permit goes to the next waiter. `work` is dropped with it.
    #[track_caller]
    pub fn spawn_in<F, O, M>(
        self,
        limiter: &Limiter,
        work: F,
    ) -> impl Future<Output = Result<Task<T, S::Runtime>, AsyncTaskError>> + use<T, S, P, W, F, O, M>
    where
        S: Starts<P, F, (), O, T, W, M>,
        F: FnOnce() -> O,
        O: IntoAsyncResult<T, M>,
    {
        start_in(self, limiter.clone(), work, SpawnSite::here())
    }
}
