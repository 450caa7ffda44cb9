//! The method of a builder that hedges the attempts at its work.

use crate::hedge::Hedge;
use crate::runtime::RuntimeSource;
use crate::task::builder::repeats::Repeats;
use crate::task::builder::task_builder::TaskBuilder;

impl<T, S: RuntimeSource, P: Repeats<T>, W> TaskBuilder<T, S, P, W> {
    /// Begins a further attempt beside one that is slow, as `hedge` says. The first success is the result.
    /// The other attempts are then killed ([`Unneeded`](crate::CancelCause::Unneeded)). They, and all that
    /// they have spawned, have ended before an await of the task returns.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, DurationExt as _, Hedge, Runtime, TaskBuilder};
    /// # async fn fetch(url: &str) -> Result<usize, std::io::Error> { Ok(url.len()) }
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
    /// let url = String::from("http://example");
    /// let builder = TaskBuilder::<usize, _>::new(runtime.clone()).hedge(Hedge::after(50.millis()));
    /// let length = builder.spawn(move || {
    ///     let url = url.clone();
    ///     async move { fetch(&url).await }
    /// });
    /// assert_eq!(length.await?, 14);
    /// # Ok(()) }
    /// ```
    ///
    /// The work must be callable again, and it must be safe to do it twice at the same time. It must be
    /// asynchronous: blocking work that has started cannot be stopped and is waited for, so that a second
    /// attempt beside it would win nothing. Synchronous work does not compile here; asynchronous work that
    /// awaits blocking work does, and waits for it.
    ///
    /// # Composition
    ///
    /// Each attempt passes the breaker, the limiter, the limit of an attempt and chaos by itself. With
    /// [`retry`](Self::retry), each retry is another round of hedged attempts. The limit on the whole is
    /// around all of it. An attempt is an in-place task, as one of retried work is: it has succeeded once all
    /// that it has spawned has ended. All attempts are polled by the one task that they are part of: they
    /// wait at the same time, and do not run in parallel. One that is in a [shielded
    /// region](crate::TaskContext::shield) when another succeeds ends the region first.
    ///
    /// # Failures
    ///
    /// - An attempt fails with an error that a retry would follow ([`Retry::is_retryable`], with the
    ///   predicate of the retries if there is one): the next begins at once, if another may; else the others
    ///   go on.
    /// - A breaker or a limiter refuses an attempt: the others go on.
    /// - An attempt fails otherwise, by a panic for instance: that is the result, and the others are stopped.
    /// - All have failed: the last failure is the result.
    ///
    /// Once cancellation of the task is requested, no further attempt begins.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::RetriesExhausted`], with the last failure and the number of attempts, if more than
    /// one was made and that failure may be tried again; [`AsyncTaskError::InvalidConfig`] for a `hedge` that
    /// cannot work, before the first attempt.
    ///
    /// Cost: that of a retry; the clock is read once, and a timer is set once an attempt waits. A further
    /// attempt costs two allocations.
    ///
    /// [`AsyncTaskError::InvalidConfig`]: crate::AsyncTaskError::InvalidConfig
    /// [`AsyncTaskError::RetriesExhausted`]: crate::AsyncTaskError::RetriesExhausted
    /// [`Retry::is_retryable`]: crate::Retry::is_retryable
    pub fn hedge(self, hedge: Hedge) -> TaskBuilder<T, S, P::Hedged, W> {
        self.with_policies(|policies| policies.hedged(hedge))
    }
}
