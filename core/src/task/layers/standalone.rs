//! One policy on one piece of work, without a task around it.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::breaker::CircuitBreaker;
use crate::chaos::Chaos;
use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::panic::caught;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::layers::admission::Guarded;
use crate::task::layers::pause::{Pause, next_attempt};
use crate::task::work::in_place::InPlace;
use crate::task::work::kinds::{AttemptOf, Attempted, IntoResult, ValueOf};

/// The future of work that a breaker, a limiter or chaos is applied to.
pub type Applied<F, O, S> = Guarded<InPlace<F, O, ValueOf<O>, AttemptOf<O>>, ValueOf<O>, S>;

impl CircuitBreaker {
    /// Runs `work`, when awaited, unless the breaker is open, and records the result, by the clock of
    /// `source`. A panic is caught. Inside a task of the library,
    /// [`TaskBuilder::circuit_breaker`](crate::TaskBuilder::circuit_breaker) does the same.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::CircuitOpen`] while it is open; the error of the work.
    ///
    /// # Cancel safety
    ///
    /// A dropped call counts as a failure if a time limit of the library has dropped it, and otherwise not at all.
    pub fn apply_on<F, O, S>(&self, source: &S, work: F) -> Applied<F, O, S>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>,
        S: RuntimeSource,
    {
        Guarded::new(InPlace::new(work), Some(self.clone()), None, source.clone())
    }
}

impl Limiter {
    /// Runs `work`, when awaited, once it has a permit, by the clock of `source`. A panic is caught. It is no
    /// task: the permit is returned when the future of `work` has ended or is dropped, whatever the work has
    /// started elsewhere. [`TaskBuilder::limiter`](crate::TaskBuilder::limiter) waits for that, too.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::Rejected`] if the limiter has as many waiters as it may have; the error of the work.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped, it leaves the queue, or its permit goes to the next waiter.
    pub fn apply_on<F, O, S>(&self, source: &S, work: F) -> Applied<F, O, S>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>,
        S: RuntimeSource,
    {
        Guarded::new(InPlace::new(work), None, Some(self.clone()), source.clone())
    }
}

impl Chaos {
    /// Runs `work`, when awaited, after its faults are injected, or runs it not at all: with the random
    /// numbers and the timers of `source`. A panic, injected or not, is caught.
    ///
    /// # Errors
    ///
    /// An injected error or panic; the error of the work; [`AsyncTaskError::InvalidConfig`] for a rate that
    /// is not from 0.0 to 1.0.
    ///
    /// # Cancel safety
    ///
    /// Dropping it during an injected latency drops the work, which was not called.
    pub fn apply_on<F, O, S>(&self, source: &S, work: F) -> Applied<F, O, S>
    where
        F: FnOnce() -> O,
        O: Future<Output: Attempted>,
        S: RuntimeSource,
    {
        Guarded::under_chaos(InPlace::new(work), self.clone(), source.clone())
    }
}

impl Retry {
    /// Runs `work`, when awaited, and again when it fails, with the timers of `source`. A panic is caught,
    /// and not retried. If the task around it is cancelled, there is no further attempt.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::RetriesExhausted`], with the last failure, if more than one attempt was made and that
    /// failure may be tried again; also after the first, if the wait before another would end after the deadline
    /// of the task around it.
    ///
    /// # Cancel safety
    ///
    /// A dropped future drops the attempt or the wait that it is in; there is no further attempt.
    #[track_caller]
    pub fn apply_on<F, O, S>(&self, source: &S, work: F) -> Retried<F, O, ValueOf<O>, AttemptOf<O>, S>
    where
        F: FnMut() -> O,
        O: Future<Output: Attempted>,
        S: RuntimeSource,
    {
        Retried::new(self.clone(), source.clone(), work)
    }
}

/// Work that is called for each attempt.
pub trait CallAgain {
    /// The type that it returns.
    type Output;

    #[doc(hidden)]
    fn call_again(&mut self) -> Self::Output;
}

impl<F: FnMut() -> O, O> CallAgain for F {
    type Output = O;

    fn call_again(&mut self) -> O {
        self()
    }
}

pin_project! {
    #[project = StageProj]
    enum Stage<O, R: Runtime> {
        Next,
        Attempt { #[pin] future: O },
        Pause { #[pin] pause: Pause<R>, last: Option<AsyncTaskError> },
        Done,
    }
}

pin_project! {
    /// See [`Retry::apply_on`].
    #[must_use = "nothing runs until it is awaited"]
    pub struct Retried<F, O, T, K, S: RuntimeSource> {
        #[pin]
        stage: Stage<O, S::Runtime>,
        work: F,
        retry: Retry,
        source: S,
        location: &'static Location<'static>,
        number: u32,
        output: PhantomData<fn() -> (T, K)>,
    }
}

impl<F, O, T, K, S: RuntimeSource> Retried<F, O, T, K, S> {
    /// As [`Retry::apply_on`], for work that is no closure.
    #[doc(hidden)]
    #[track_caller]
    pub fn new(retry: Retry, source: S, work: F) -> Self {
        let (stage, location) = (Stage::Next, Location::caller());
        Self { stage, work, retry, source, location, number: 0, output: PhantomData }
    }
}

impl<F, O, T, K, S> Future for Retried<F, O, T, K, S>
where
    F: CallAgain<Output = O>,
    O: Future<Output: IntoResult<T, K>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let result = match this.stage.as_mut().project() {
                StageProj::Next => {
                    this.retry.check()?;
                    *this.number = this.number.saturating_add(1);
                    match caught(|| this.work.call_again()) {
                        Ok(future) => {
                            this.stage.set(Stage::Attempt { future });
                            continue;
                        }
                        Err(panic) => Err(panic),
                    }
                }
                StageProj::Attempt { future } => match caught(|| future.poll(cx)) {
                    Ok(polled) => ready!(polled).into_result(),
                    Err(panic) => Err(panic),
                },
                StageProj::Pause { pause, last } => {
                    if !ready!(pause.poll(cx))?
                        && let Some(last) = last.take()
                    {
                        this.stage.set(Stage::Done);
                        return Poll::Ready(Err(last));
                    }
                    this.stage.set(Stage::Next);
                    continue;
                }
                StageProj::Done => {
                    Err(AsyncTaskError::InvalidState("this future was polled after it had ended"))
                }
            };
            // A destructor may panic, too.
            let result = caught(|| this.stage.set(Stage::Done)).and(result);
            let error = match result {
                Ok(value) => {
                    this.retry.succeeded();
                    return Poll::Ready(Ok(value));
                }
                Err(error) => error,
            };
            let runtime = this.source.resolve()?;
            let number = *this.number;
            let (delay, error) = next_attempt(this.retry, error, number, number - 1, || runtime.entropy())?;
            let pause = Pause::new(&runtime, delay, this.location);
            this.stage.set(Stage::Pause { pause, last: Some(error) });
        }
    }
}
