//! Retries: one attempt after the other, with waits in between.

use std::future::Future as _;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::body::{Body, Clear, ENDED, Layered, clear_then};
use crate::error::AsyncTaskError;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::layers::admission::{AttemptLayer, AttemptPolicies, AttemptState};
use crate::task::layers::pause::{Pause, next_attempt};
use crate::task::lifecycle::attempt_task::AttemptTask;
use crate::task::settings::configured::AttemptSettings;
use crate::task::settings::resilience::Guards;
use crate::task::view::context::TaskContext;
use crate::tree::current::{with_registered, with_task};
use crate::tree::extras::recovery::Recovery as Recorded;
use crate::tree::extras::trace::trace_attempt;
use crate::vocabulary::priority::TaskPriority;

/// Work that can be begun again.
pub(crate) trait Begin<S: RuntimeSource>: Body {
    /// See [`MakeAttempt::NEEDS_CONTEXT`].
    fn needs_context(&self) -> bool;

    /// Makes the work of one attempt, whose task has this context.
    fn begin(self: Pin<&mut Self>, source: &S, context: Option<TaskContext>);
}

/// All attempts as one body, for the recovery.
pub(crate) struct AllAttempts<'a, S: RuntimeSource> {
    pub(crate) attempts: Pin<&'a mut Attempts<S>>,
    pub(crate) work: Pin<&'a mut dyn Begin<S>>,
}

impl<S: RuntimeSource> Body for AllAttempts<'_, S> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        this.attempts.as_mut().poll(this.work.as_mut(), cx)
    }
}

impl<S: RuntimeSource> Clear for AllAttempts<'_, S> {
    fn clear(self: Pin<&mut Self>) {
        let this = self.get_mut();
        this.attempts.as_mut().abandon(this.work.as_mut());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Next,
    Attempt,
    Pause,
    Done,
}

/// The state machine of the attempts and of the waits between them. Each attempt is an in-place task, below
/// the task that is polled.
pub(crate) struct Attempts<S: RuntimeSource> {
    // In this order: the attempt is dropped before its state, which holds its permit and its ticket.
    task: AttemptTask<S>,
    state: AttemptState<S>,
    stage: Stage,
    pause: Option<Pin<Box<Pause<S::Runtime>>>>,
    settings: AttemptSettings,
    retry: Retry,
    // Each attempt passes them.
    guards: Guards,
    source: S,
    location: &'static Location<'static>,
    number: u32,
}

// What is pinned is in boxes.
impl<S: RuntimeSource> Unpin for Attempts<S> {}

impl<S: RuntimeSource> Attempts<S> {
    pub(crate) fn new(
        settings: AttemptSettings,
        retry: Retry,
        guards: Guards,
        source: S,
        location: &'static Location<'static>,
    ) -> Self {
        let (task, state, stage) = (AttemptTask::none(), AttemptState::Start, Stage::Next);
        Self { task, state, stage, pause: None, settings, retry, guards, source, location, number: 0 }
    }

    /// See [`AttemptPolicies::enter_queue`]; for the first attempt.
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        // A mistake in the configuration is reported by the first poll.
        if self.guards.limiter.is_some() && self.retry.check().is_ok() {
            self.number = 1;
            self.stage = Stage::Attempt;
            let Self { settings, guards, source, .. } = self;
            let policies = AttemptPolicies { settings, guards, source, is_task: true };
            self.state = policies.enter_queue(urgency);
        }
    }

    /// Drops the attempt that is under way.
    pub(crate) fn abandon(self: Pin<&mut Self>, work: Pin<&mut dyn Clear>) {
        let Self { task, state, stage, pause, .. } = self.get_mut();
        (*stage, *pause) = (Stage::Done, None);
        if task.is_none() && matches!(state, AttemptState::Start | AttemptState::Ended) {
            // None is under way.
            return work.clear();
        }
        task.abandon(pin!(AttemptParts { work, state }));
    }

    pub(crate) fn poll(
        self: Pin<&mut Self>,
        mut work: Pin<&mut dyn Begin<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        loop {
            match this.stage {
                Stage::Next => this.begin_next()?,
                Stage::Attempt => {}
                Stage::Pause => {
                    ready!(this.poll_pause(cx))?;
                    continue;
                }
                Stage::Done => return Poll::Ready(Err(ENDED)),
            }
            let result = ready!(this.poll_attempt(work.as_mut(), cx));
            this.stage = Stage::Done;
            if !this.task.is_none() {
                this.task = AttemptTask::none();
            }
            match result {
                Ok(()) => {
                    this.retry.succeeded();
                    return Poll::Ready(Ok(()));
                }
                Err(error) => this.begin_pause(error)?,
            }
        }
    }

    fn begin_next(&mut self) -> Result<(), AsyncTaskError> {
        if self.number == 0 {
            self.retry.check()?;
            // A failure that cannot be retried without a runtime is reported before the first one.
            self.source.check().map_err(|error| error.not_started(self.settings.name()))?;
        }
        self.number = self.number.saturating_add(1);
        // One attempt is what a task counts by default.
        if self.number > 1 {
            with_task(|task| task.control.attempted(self.number));
            self.settings.number = self.number;
            self.state = AttemptState::Start;
        }
        self.stage = Stage::Attempt;
        Ok(())
    }

    /// Begins the wait before the next attempt, unless `error` is that of the whole.
    #[cold]
    fn begin_pause(&mut self, error: AsyncTaskError) -> Result<(), AsyncTaskError> {
        let runtime = self.source.resolve()?;
        let delay = next_delay(&self.retry, error, self.number, || runtime.entropy())?;
        self.pause = Some(Box::pin(Pause::new(&runtime, delay, self.location)));
        self.stage = Stage::Pause;
        Ok(())
    }

    #[cold]
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        if let Some(pause) = &mut self.pause
            && !ready!(pause.as_mut().poll(cx))?
        {
            // Nothing of the work is under way: the task ends as it was requested to.
            let error = with_task(|task| task.control.stop_as_asked());
            return Poll::Ready(Err(error.unwrap_or(AsyncTaskError::Shutdown)));
        }
        (self.pause, self.stage) = (None, Stage::Next);
        Poll::Ready(Ok(()))
    }

    /// Polls the task of an attempt. Its work is made at the first poll. The task is registered before that if
    /// the work needs its context, or if it is traced as the task around is.
    fn poll_attempt(
        &mut self,
        mut work: Pin<&mut dyn Begin<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let Self { task, state, settings, guards, source, location, number, .. } = self;
        let (described, is_first) = ((&*source, &*settings, *location), task.is_none());
        let is_informed = is_first
            && (work.needs_context() || with_registered(|task| task.control.trace().is_some()) == Some(true));
        if is_informed {
            let context = task.register(described)?;
            trace_attempt(context.task_ref(), *number);
            work.as_mut().begin(source, Some(context));
        } else if is_first {
            work.as_mut().begin(source, None);
        }
        let mut poll = |body: Pin<&mut dyn Body>| match is_first && !is_informed {
            true => task.begin(described, body, cx),
            false => task.poll(location, body, cx),
        };
        let policies = AttemptPolicies { settings, guards, source, is_task: true };
        if policies.is_empty() {
            return poll(work);
        }
        let layer = pin!(AttemptLayer { policies, state });
        poll(pin!(Layered { layer, body: work }))
    }
}

/// An attempt's work and what is around it, which are dropped together.
struct AttemptParts<'a, S: RuntimeSource> {
    work: Pin<&'a mut dyn Clear>,
    state: &'a mut AttemptState<S>,
}

impl<S: RuntimeSource> Clear for AttemptParts<'_, S> {
    fn clear(self: Pin<&mut Self>) {
        let Self { work, state } = self.get_mut();
        clear_then(work.as_mut(), || **state = AttemptState::Ended);
    }
}

/// The wait before the attempt that follows the failed attempt `number`, or the error of the whole.
fn next_delay(
    retry: &Retry,
    error: AsyncTaskError,
    number: u32,
    entropy: impl FnOnce() -> u64,
) -> Result<Duration, AsyncTaskError> {
    // Retries that a handle has reset do not count.
    let counted = with_task(|task| task.control.recovery().map(Recorded::retries)).flatten();
    let (delay, error) = next_attempt(retry, error, number, counted.unwrap_or(number - 1), entropy)?;
    with_task(|task| task.control.note_failed_attempt(number, error, Some(retry)));
    Ok(delay)
}
