//! Work that is tried again.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::error::{AsyncTaskError, RetriesError};
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::layers::admission::Guarded;
use crate::task::layers::gate::Gate;
use crate::task::lifecycle::in_place::{InPlaceTask, Make};
use crate::task::settings::configured::Configured;
use crate::task::view::context::{Cancelled, TaskContext};
use crate::time::{Sleep, Timeout};
use crate::tree::current::with_frame;
use crate::tree::recovery::Recovery;
use crate::tree::trace::trace_attempt;
use crate::vocabulary::priority::TaskPriority;

/// Begins one attempt: a task in place, below the one that is tried again.
pub(crate) struct Attempt<K, S: RuntimeSource> {
    begin: K,
    number: u32,
    settings: Configured,
    gate: Gate<S>,
}

impl<K, B, S> Make<Guarded<Timeout<B, S>, S>, S> for Attempt<K, S>
where
    K: Fn(&S, TaskContext) -> B,
    S: RuntimeSource,
{
    fn make(self, source: &S, _: &S::Runtime, context: TaskContext) -> Guarded<Timeout<B, S>, S> {
        trace_attempt(context.task_ref(), self.number);
        let work = self.settings.attempt((self.begin)(source, context), source.clone());
        Guarded::of_task(work, self.gate)
    }
}

/// An attempt, with what is around it.
type Tried<K, B, T, S> = InPlaceTask<Attempt<K, S>, S, Guarded<Timeout<B, S>, S>, T>;

fn attempt<K: Clone, B, T, S: RuntimeSource>(
    (begin, settings, source): (&K, &Configured, &S),
    gate: Gate<S>,
    place: &'static Location<'static>,
    number: u32,
) -> Tried<K, B, T, S> {
    let make = Attempt { begin: begin.clone(), number, settings: settings.clone(), gate };
    InPlaceTask::new(make, source.clone(), settings.clone(), place)
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
        // That of each attempt is one like it.
        gate: Gate<S>,
        source: S,
        place: &'static Location<'static>,
        number: u32,
        output: PhantomData<fn() -> T>,
    }
}

impl<K, B, T, S: RuntimeSource> Attempts<K, B, T, S> {
    pub(crate) fn new(
        begin: K,
        settings: Configured,
        retry: Retry,
        gate: Gate<S>,
        source: S,
        place: &'static Location<'static>,
    ) -> Self {
        let stage = Stage::Next;
        Self { stage, begin, settings, retry, gate, source, place, number: 0, output: PhantomData }
    }
}

impl<K: Clone, B, T, S: RuntimeSource> Attempts<K, B, T, S> {
    /// See [`Gate::come`]; for the first attempt.
    pub(crate) fn come(&mut self, urgency: TaskPriority) {
        // A mistake in the configuration is told by the first poll.
        if self.retry.check().is_ok() {
            self.number = 1;
            let (work, mut gate) = ((&self.begin, &self.settings, &self.source), self.gate.another());
            gate.come(urgency);
            let attempt = attempt(work, gate, self.place, 1);
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
                    let attempt = attempt(work, this.gate.another(), this.place, number);
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
                    let delay = follows(this.retry, error, *this.number, || runtime.entropy())?;
                    this.stage.set(Stage::Pause { pause: Pause::new(&runtime, delay, this.place) });
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
    let (delay, error) = retry.follow(error, number, counted.unwrap_or(number - 1), chance)?;
    // Asked to stop meanwhile, it has ended with what it has.
    if TaskContext::current().is_some_and(|cx| cx.is_cancelled()) {
        return Err(error);
    }
    if is_futile(delay) {
        return Err(RetriesError::out_of_time(number, error));
    }
    tracing::debug!(
        task.attempt = number,
        ?delay,
        error = format_args!("{error:#}"),
        "attempt failed; another follows"
    );
    with_frame(|frame| frame.task.control.has_failed(number, error, Some(retry)));
    Ok(delay)
}

/// True if a deadline would end the wait for another attempt: of the task that is polled here, or of one above it.
pub(crate) fn is_futile(delay: Duration) -> bool {
    with_frame(|frame| frame.task.ends_within(delay)) == Some(true)
}

pin_project! {
    /// The wait between two attempts. A cancellation of the task around it ends it: then it gives false.
    pub struct Pause<R: Runtime> {
        #[pin]
        cancelled: Option<Cancelled>,
        #[pin]
        timer: Option<Sleep<R>>,
        yielded: bool,
    }
}

impl<R: Runtime> Pause<R> {
    /// A pause of `delay` before the next attempt.
    pub fn new(runtime: &R, delay: Duration, place: &'static Location<'static>) -> Self {
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
