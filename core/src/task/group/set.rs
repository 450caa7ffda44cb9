//! Several pieces of work at the same time: spawned tasks, or work in place that borrows.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::handle::run::Run;
use crate::task::handle::scoped_task::ScopedTask;
use crate::task::handle::task::Task;
use crate::vocabulary::cancel::CancelCause;

/// Work that can be joined with others: a [`Task`], a [`ScopedTask`], or work in place ([`Run`]), which may
/// borrow.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be joined with others",
    label = "not a task, and not work in place",
    note = "join what `spawn` or `run` gives; make a future of your own one of them: `AsyncTask::to::<T>().run(|| future)`"
)]
pub trait Joinable: Future<Output = Result<Self::Value, AsyncTaskError>> {
    /// The type of its value.
    type Value;

    /// Cancels it: true if its end is then to be awaited, false if it is to be dropped.
    #[doc(hidden)]
    fn stop(self: Pin<&mut Self>, cause: CancelCause) -> bool;
}

impl<T: Send + 'static, R: Runtime> Joinable for Task<T, R> {
    type Value = T;

    fn stop(self: Pin<&mut Self>, cause: CancelCause) -> bool {
        Task::stop(&self, cause);
        true
    }
}

impl<T: Send + 'static, R: Runtime> Joinable for ScopedTask<T, R> {
    type Value = T;

    fn stop(self: Pin<&mut Self>, cause: CancelCause) -> bool {
        ScopedTask::stop(&self, cause);
        true
    }
}

impl<T, G: Future<Output = Result<T, AsyncTaskError>>> Joinable for Run<G> {
    type Value = T;

    fn stop(self: Pin<&mut Self>, _: CancelCause) -> bool {
        false
    }
}

pin_project! {
    struct Slot<J> {
        index: usize,
        #[pin]
        member: Option<J>,
        // Woken when the slot is emptied: the set polls only members that were woken.
        waker: Option<Waker>,
    }
}

impl<J: Joinable> Slot<J> {
    fn stop(self: Pin<&mut Self>, cause: CancelCause) {
        let mut this = self.project();
        if this.member.as_mut().as_pin_mut().is_some_and(|member| !member.stop(cause)) {
            this.member.set(None);
            if let Some(waker) = this.waker.take() {
                waker.wake();
            }
        }
    }
}

impl<J: Joinable> Future for Slot<J> {
    type Output = (usize, Option<Result<J::Value, AsyncTaskError>>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = match this.member.as_mut().as_pin_mut() {
            Some(member) => match member.poll(cx) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => {
                    if !this.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                        *this.waker = Some(cx.waker().clone());
                    }
                    return Poll::Pending;
                }
            },
            None => None,
        };
        this.member.set(None);
        Poll::Ready((*this.index, result))
    }
}

/// Work that runs at the same time, and whose results are taken in the order in which they come. Members can
/// be added at any time.
///
/// ```
/// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder, TaskSet};
/// # async fn example<R: Runtime>(runtime: &R) -> Result<(), AsyncTaskError> {
/// let mut squares = TaskSet::new();
/// for n in 0..10u64 {
///     squares.push(TaskBuilder::<u64, _>::new(runtime.clone()).spawn(move || async move { n * n }));
/// }
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square?;
/// }
/// assert_eq!(sum, 285);
/// # Ok(()) }
/// ```
///
/// # Drop
///
/// Its members are dropped: a task is killed, the member of a scope is left to its scope, work in place is
/// dropped.
pub struct TaskSet<J: Joinable> {
    members: FuturesUnordered<Slot<J>>,
    pushed: usize,
}

impl<J: Joinable> Default for TaskSet<J> {
    fn default() -> Self {
        Self { members: FuturesUnordered::new(), pushed: 0 }
    }
}

impl<J: Joinable> TaskSet<J> {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member. Work in place is polled only while a method of the set is awaited. Costs one
    /// allocation.
    pub fn push(&mut self, member: J) {
        self.members.push(Slot { index: self.pushed, member: Some(member), waker: None });
        self.pushed += 1;
    }

    /// The number of members that have not given their result.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// True if no result is to come.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The next result, in the order in which members end; `None` once there is no member.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it is ready, no result was taken.
    pub async fn next(&mut self) -> Option<Result<J::Value, AsyncTaskError>> {
        self.next_indexed().await.map(|(_, result)| result)
    }

    async fn next_indexed(&mut self) -> Option<(usize, Result<J::Value, AsyncTaskError>)> {
        loop {
            let (index, result) =
                std::future::poll_fn(|cx| Pin::new(&mut self.members).poll_next(cx)).await?;
            if let Some(result) = result {
                return Some((index, result));
            }
        }
    }

    /// Cancels all members, and waits for their end. Work in place is dropped; what it had spawned is waited
    /// for by the task around. Returns the errors of the members that failed by themselves.
    ///
    /// # Cancel safety
    ///
    /// All members are cancelled by the first poll. A dropped future does not wait for their end, and leaves them in the
    /// set.
    pub async fn stop(&mut self) -> Vec<AsyncTaskError> {
        self.stop_for(CancelCause::Unneeded).await
    }

    async fn stop_for(&mut self, cause: CancelCause) -> Vec<AsyncTaskError> {
        for slot in Pin::new(&mut self.members).iter_pin_mut() {
            slot.stop(cause);
        }
        let mut failures = Vec::new();
        while let Some(result) = self.next().await {
            failures.extend(result.err().filter(|error| !is_cancelled_for(error, cause)));
        }
        failures
    }

    /// All values, in the order of pushing. Once a member fails, the others are cancelled and waited for.
    ///
    /// # Errors
    ///
    /// The first failure, with those that came after it attached ([`AsyncTaskError::Several`]).
    ///
    /// # Cancel safety
    ///
    /// Values that it has taken are dropped with it; members that have not ended stay in the set.
    pub async fn all(&mut self) -> Result<Vec<J::Value>, AsyncTaskError> {
        let mut values = Vec::with_capacity(self.len());
        while let Some((index, result)) = self.next_indexed().await {
            match result {
                Ok(value) => values.push((index, value)),
                Err(first) => {
                    let mut failures = vec![first];
                    failures.extend(self.stop_for(CancelCause::SiblingFailed).await);
                    return Err(AsyncTaskError::several(failures));
                }
            }
        }
        values.sort_unstable_by_key(|(index, _)| *index);
        Ok(values.into_iter().map(|(_, value)| value).collect())
    }

    /// The value of the first member to succeed; the others are cancelled and waited for.
    ///
    /// # Errors
    ///
    /// If none succeeds, the first failure, with the others attached; [`AsyncTaskError::InvalidConfig`] for
    /// an empty set.
    ///
    /// # Cancel safety
    ///
    /// As [`all`](Self::all).
    pub async fn any(&mut self) -> Result<J::Value, AsyncTaskError> {
        let mut first = self.n_of(1).await?;
        first.pop().ok_or(AsyncTaskError::InvalidState("one success was asked for, and none was found"))
    }

    /// The values of the first `n` members to succeed, in the order in which they did; the others are
    /// cancelled and waited for.
    ///
    /// # Errors
    ///
    /// Once so many have failed that `n` cannot succeed any more, the first failure, with the others
    /// attached; [`AsyncTaskError::InvalidConfig`] if the set has less than `n` members.
    ///
    /// # Cancel safety
    ///
    /// As [`all`](Self::all).
    pub async fn n_of(&mut self, n: usize) -> Result<Vec<J::Value>, AsyncTaskError> {
        if n > self.len() {
            let has = self.len();
            return Err(AsyncTaskError::config(format!("{n} successes were asked of {has} members")));
        }
        let (mut values, mut failures) = (Vec::with_capacity(n), Vec::new());
        while values.len() < n && values.len() + self.len() >= n {
            match self.next().await {
                Some(Ok(value)) => values.push(value),
                Some(Err(error)) => failures.push(error),
                None => break,
            }
        }
        if values.len() == n {
            self.stop().await;
            return Ok(values);
        }
        failures.extend(self.stop_for(CancelCause::SiblingFailed).await);
        Err(AsyncTaskError::several(failures))
    }
}

fn is_cancelled_for(error: &AsyncTaskError, expected: CancelCause) -> bool {
    matches!(error, AsyncTaskError::Cancelled { cause, .. } if *cause == expected)
}

impl<J: Joinable> Extend<J> for TaskSet<J> {
    fn extend<I: IntoIterator<Item = J>>(&mut self, members: I) {
        members.into_iter().for_each(|member| self.push(member));
    }
}

impl<J: Joinable> FromIterator<J> for TaskSet<J> {
    fn from_iter<I: IntoIterator<Item = J>>(members: I) -> Self {
        let mut set = Self::new();
        set.extend(members);
        set
    }
}

impl<J: Joinable> fmt::Debug for TaskSet<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet").field("len", &self.len()).finish()
    }
}

/// As [`TaskSet::all`].
///
/// # Errors
///
/// As there.
///
/// # Cancel safety
///
/// A dropped future drops all members: tasks are cancelled, work in place is dropped, and members of a scope are left
/// to it.
pub async fn all<J: Joinable>(members: impl IntoIterator<Item = J>) -> Result<Vec<J::Value>, AsyncTaskError> {
    TaskSet::from_iter(members).all().await
}

/// As [`TaskSet::any`].
///
/// # Errors
///
/// As there.
///
/// # Cancel safety
///
/// As of [`all`].
pub async fn any<J: Joinable>(members: impl IntoIterator<Item = J>) -> Result<J::Value, AsyncTaskError> {
    TaskSet::from_iter(members).any().await
}

/// As [`TaskSet::n_of`].
///
/// # Errors
///
/// As there.
///
/// # Cancel safety
///
/// As of [`all`].
pub async fn n_of<J: Joinable>(
    n: usize,
    members: impl IntoIterator<Item = J>,
) -> Result<Vec<J::Value>, AsyncTaskError> {
    TaskSet::from_iter(members).n_of(n).await
}
