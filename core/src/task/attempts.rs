//! Work that is tried again.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::guarded::Guarded;
use super::node::{InNode, Make};
use super::policies::Configured;
use super::recovery::Recovery;
use super::restart::trace;
use super::{Cancelled, TaskContext};
use crate::breaker::CircuitBreaker;
use crate::error::{AsyncTaskError, RetriesError};
use crate::limit::{Limiter, TaskPriority};
use crate::retry::{Next, Retry};
use crate::runtime::{Runtime, RuntimeSource, with_frame};
use crate::time::{Sleep, Timeout};

/// Begins one attempt: a task in place, below the one that is tried again.
pub(super) struct Attempt<K> {
    begin: K,
    number: u32,
    settings: Configured,
}

impl<K, B, S> Make<Timeout<B, S>, S> for Attempt<K>
where
    K: Fn(&S, TaskContext) -> B,
    S: RuntimeSource,
{
    fn make(self, source: &S, _: &S::Runtime, context: TaskContext) -> Timeout<B, S> {
        trace(&context, self.number);
        self.settings.attempt((self.begin)(source, context), source.clone())
    }
}

type Guards = (Option<CircuitBreaker>, Option<Limiter>);

/// An attempt, with what is around it.
type Tried<K, B, T, S> = Guarded<InNode<Attempt<K>, S, Timeout<B, S>, T>, S>;

fn attempt<K: Clone, B, T, S: RuntimeSource>(
    (begin, settings, source): (&K, &Configured, &S),
    (breaker, limiter): &Guards,
    place: &'static Location<'static>,
    number: u32,
) -> Tried<K, B, T, S> {
    let make = Attempt { begin: begin.clone(), number, settings: settings.clone() };
    let work = InNode::new(make, source.clone(), settings.clone(), place);
    Guarded::new(work, breaker.clone(), limiter.clone(), source.clone())
}

pin_project! {
    #[project = StageProj]
    enum Stage<K, B, T, S: RuntimeSource> {
        Next,
        Attempt { #[pin] attempt: Tried<K, B, T, S> },
        Pause { #[pin] pause: Pause<S::Runtime> },
        Done,
    }
}

pin_project! {
    /// All attempts, with the waits between them.
    pub struct Attempts<K, B, T, S: RuntimeSource> {
        #[pin]
        stage: Stage<K, B, T, S>,
        begin: K,
        settings: Configured,
        retry: Retry,
        guards: Guards,
        source: S,
        place: &'static Location<'static>,
        number: u32,
        output: PhantomData<fn() -> T>,
    }
}

impl<K, B, T, S: RuntimeSource> Attempts<K, B, T, S> {
    pub(super) fn new(
        begin: K,
        settings: Configured,
        retry: Retry,
        guards: Guards,
        source: S,
        place: &'static Location<'static>,
    ) -> Self {
        let stage = Stage::Next;
        Self { stage, begin, settings, retry, guards, source, place, number: 0, output: PhantomData }
    }
}

impl<K: Clone, B, T, S: RuntimeSource> Attempts<K, B, T, S> {
    /// As [`Guarded::come`], for the first attempt.
    pub(super) fn come(&mut self, urgency: TaskPriority) {
        // A mistake in the configuration is told by the first poll.
        if self.retry.check().is_ok() {
            self.number = 1;
            let work = (&self.begin, &self.settings, &self.source);
            let mut attempt = attempt(work, &self.guards, self.place, 1);
            attempt.come(urgency);
            self.stage = Stage::Attempt { attempt };
        }
    }
}

impl<K, B, T, S> Future for Attempts<K, B, T, S>
where
    K: Fn(&S, TaskContext) -> B + Clone,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProj::Next => {
                    if *this.number == 0 {
                        this.retry.check()?;
                    }
                    *this.number = this.number.saturating_add(1);
                    let number = *this.number;
                    with_frame(|frame| frame.task.control.attempted(number));
                    let work = (&*this.begin, &*this.settings, &*this.source);
                    let attempt = attempt(work, this.guards, this.place, number);
                    this.stage.set(Stage::Attempt { attempt });
                }
                StageProj::Attempt { attempt } => {
                    let result = ready!(attempt.poll(cx));
                    this.stage.set(Stage::Done);
                    let error = match result {
                        Ok(value) => {
                            this.retry.succeeded();
                            return Poll::Ready(Ok(value));
                        }
                        Err(error) => error,
                    };
                    let runtime = this.source.resolve()?;
                    match follows(this.retry, error, *this.number, || runtime.entropy()) {
                        Ok(delay) => {
                            this.stage.set(Stage::Pause { pause: Pause::new(&runtime, delay, this.place) })
                        }
                        Err(error) => return Poll::Ready(Err(error)),
                    }
                }
                StageProj::Pause { pause } => {
                    if !ready!(pause.poll(cx))? {
                        // Nothing of it is under way: the task has ended as it was asked to.
                        let error = with_frame(|frame| frame.task.control.stop_as_asked());
                        return Poll::Ready(Err(error.unwrap_or(AsyncTaskError::Shutdown)));
                    }
                    this.stage.set(Stage::Next);
                }
                StageProj::Done => {
                    return Poll::Ready(Err(AsyncTaskError::InvalidState(
                        "this future was polled after it had ended",
                    )));
                }
            }
        }
    }
}

/// After attempt `number` has failed: the wait before the next one, or the error of the whole.
fn follows(
    retry: &Retry,
    error: AsyncTaskError,
    number: u32,
    chance: impl FnOnce() -> u64,
) -> Result<Duration, AsyncTaskError> {
    // Those that a handle has taken back do not count.
    let counted = with_frame(|frame| frame.task.control.recovery().map(Recovery::retries)).flatten();
    match retry.next(&error, counted.unwrap_or(number - 1), chance) {
        Next::Exhausted if number > 1 => Err(RetriesError::exhausted(number, error)),
        Next::Never | Next::Exhausted => Err(error),
        // Asked to stop meanwhile, it has ended with what it has.
        Next::After(_) if TaskContext::current().is_some_and(|cx| cx.is_cancelled()) => Err(error),
        Next::After(delay) => {
            tracing::debug!(task.attempt = number, ?delay, %error, "attempt failed; another follows");
            with_frame(|frame| frame.task.control.has_failed(error));
            Ok(delay)
        }
    }
}

pin_project! {
    /// The wait between two attempts. A cancellation of the task around it ends it: then it gives false.
    pub(crate) struct Pause<R: Runtime> {
        #[pin]
        cancelled: Option<Cancelled>,
        #[pin]
        timer: Option<Sleep<R>>,
        yielded: bool,
    }
}

impl<R: Runtime> Pause<R> {
    pub(crate) fn new(runtime: &R, delay: Duration, place: &'static Location<'static>) -> Self {
        let timer = (!delay.is_zero()).then(|| Sleep::silent(runtime, runtime.now().checked_add(delay)));
        Self { cancelled: TaskContext::current().map(|cx| cx.cancelled_at(place)), timer, yielded: false }
    }
}

impl<R: Runtime> Future for Pause<R> {
    type Output = Result<bool, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.cancelled.as_pin_mut().is_some_and(|cancelled| cancelled.poll(cx).is_ready()) {
            return Poll::Ready(Ok(false));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(cx).map_ok(|()| true),
            None if *this.yielded => Poll::Ready(Ok(true)),
            None => {
                // Others are to have their turn, also those who would ask this one to stop.
                *this.yielded = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
