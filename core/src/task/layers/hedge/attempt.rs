//! One attempt of a round: its beginning, its task, and the policies around its work.

use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, ENDED, Layer, Layered, clear_then};
use crate::error::AsyncTaskError;
use crate::hedge::Hedge;
use crate::panic::caught;
use crate::retry::Retry;
use crate::runtime::{Runtime as _, RuntimeSource};
use crate::task::layers::admission::Admission;
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::lifecycle::unregistered::Unregistered;
use crate::task::settings::configured::AttemptSettings;
use crate::task::settings::resilience::Guards;
use crate::task::view::context::TaskContext;
use crate::tree::children::pass_on;
use crate::tree::current::{with_registered, with_task};
use crate::tree::extras::trace::trace_attempt;
use crate::tree::node::TaskRef;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// The work of the attempts of a round, by their index in it.
pub(crate) trait RoundWork {
    /// The work of one attempt, to be dropped.
    fn part(&mut self, index: usize) -> Option<Pin<&mut dyn Clear>>;

    /// Drops all of it, values included.
    fn clear(&mut self);
}

/// As [`RoundWork`], where work can be begun and polled.
pub(crate) trait BeginWork<S: RuntimeSource>: RoundWork {
    /// True if the work is given the context of its attempt, which is registered for that.
    fn needs_context(&self) -> bool;

    /// Makes the work of the next attempt, whose task has this context.
    fn begin(&mut self, index: usize, source: &S, context: Option<TaskContext>);

    /// The work of one attempt.
    fn body(&mut self, index: usize) -> Option<Pin<&mut dyn Body>>;
}

/// The description of the attempts of hedged work, and the number of those that were begun.
pub(crate) struct Plan<S: RuntimeSource> {
    pub(super) hedge: Hedge,
    pub(super) retry: Retry,
    pub(super) source: S,
    pub(super) location: &'static Location<'static>,
    settings: AttemptSettings,
    // Each attempt has a gate of its own, with the same breaker and limiter.
    guards: Guards,
    /// The number of attempts that were begun, in all rounds.
    begun: u32,
}

impl<S: RuntimeSource> Plan<S> {
    pub(super) fn new(
        settings: AttemptSettings,
        (retry, hedge): (Retry, Hedge),
        guards: Guards,
        source: S,
        location: &'static Location<'static>,
    ) -> Self {
        Self { hedge, retry, source, location, settings, guards, begun: 0 }
    }

    /// Fails with `InvalidConfig` for a setting that is out of its range.
    pub(super) fn check(&self) -> Result<(), AsyncTaskError> {
        self.hedge.check()?;
        self.retry.check()
    }

    /// The number of attempts that were begun, in all rounds.
    pub(super) fn begun(&self) -> u32 {
        self.begun
    }

    /// The policies around one attempt.
    pub(super) fn admission(&self) -> Admission<S> {
        Admission::of_task(self.settings.clone(), self.guards.clone(), self.source.clone())
    }

    /// The time at which the next attempt begins if one begins now, and `left` more may follow it.
    pub(super) fn due(&self, left: u32) -> Result<Option<Instant>, AsyncTaskError> {
        let delay = self.hedge.delay();
        if left == 0 || delay == Duration::MAX {
            return Ok(None);
        }
        let runtime = self.source.resolve().map_err(|error| error.not_started(self.settings.name()))?;
        Ok(runtime.now().checked_add(delay))
    }

    /// Begins the next attempt, the one of this index in its round.
    pub(super) fn begin(
        &mut self,
        index: usize,
        admission: Option<Admission<S>>,
        work: &mut dyn BeginWork<S>,
    ) -> Result<Attempt<S>, AsyncTaskError> {
        self.begun = self.begun.saturating_add(1);
        let number = self.begun;
        // One attempt is what a task counts by default.
        if number > 1 {
            with_task(|task| task.control.attempted(number));
            self.settings.number = number;
        }
        let admission = admission.unwrap_or_else(|| self.admission());
        let task = self.begin_task(number, index, work)?;
        Ok(Attempt { task: Some(task), admission, number })
    }

    /// The task of an attempt. It is registered now if the work needs its context, or if it is traced as the
    /// task around is.
    fn begin_task(
        &self,
        number: u32,
        index: usize,
        work: &mut dyn BeginWork<S>,
    ) -> Result<RoundTask<S>, AsyncTaskError> {
        let Self { settings, source, .. } = self;
        let mut unregistered = Unregistered::new(source.clone(), settings.of_task(), self.location);
        if !work.needs_context() && with_registered(|task| task.control.trace().is_some()) != Some(true) {
            work.begin(index, source, None);
            unregistered.begin()?;
            return Ok(RoundTask { unregistered, life: None });
        }
        let registered = unregistered.register_first()?;
        let context = registered.context();
        trace_attempt(context.task_ref(), number);
        work.begin(index, source, Some(context));
        Ok(RoundTask { unregistered, life: Some(registered.into_life()) })
    }
}

/// The task of an attempt.
struct RoundTask<S> {
    unregistered: Unregistered<S>,
    /// `None` until it is registered.
    life: Option<Lifecycle>,
}

pin_project! {
    /// One attempt: an in-place task, below the task that is polled.
    pub(crate) struct Attempt<S: RuntimeSource> {
        // `None` once it has ended.
        task: Option<RoundTask<S>>,
        #[pin]
        admission: Admission<S>,
        number: u32,
    }
}

impl<S: RuntimeSource> Attempt<S> {
    /// Its number among all attempts at the work, from 1.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// False once it has ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.task.is_some()
    }

    /// Its task, if that is registered.
    fn task_ref(&self) -> Option<&TaskRef> {
        self.task.as_ref()?.life.as_ref()?.task_ref()
    }

    /// True if its work is in a shielded region.
    pub(super) fn is_shielded(&self) -> bool {
        self.task_ref().is_some_and(|task| task.control.is_shielded())
    }

    /// Kills it, and what it has spawned. The caller then drops its work.
    pub(super) fn kill(&self, cause: CancelCause) {
        if let Some(task) = self.task_ref() {
            task.control.raise(CancelLevel::Kill, cause);
            pass_on(task, CancelLevel::Kill, cause.passed_on());
        }
    }

    /// Polls it. Ready once nothing of it is left; the value of a success is then in `work`.
    pub(super) fn poll(
        self: Pin<&mut Self>,
        work: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.project();
        let Some(RoundTask { unregistered, life }) = this.task else { return Poll::Ready(Err(ENDED)) };
        let body = pin!(Layered { layer: this.admission, body: work });
        let result = ready!(unregistered.poll(life, body, cx));
        *this.task = None;
        Poll::Ready(result)
    }

    /// Drops its work, if it is under way. What it has spawned is killed, and the task around does not end
    /// before that has.
    pub(super) fn abandon(self: Pin<&mut Self>, work: Pin<&mut dyn Clear>) {
        let this = self.project();
        if let Some(task) = this.task.take() {
            let parts = pin!(AttemptParts { work, admission: this.admission });
            match task.life {
                Some(mut life) => life.abandon(parts),
                // The destructor of the work may panic.
                None => drop(caught(|| parts.clear())),
            }
        }
    }
}

/// An attempt's work and what is around it, which are dropped together.
struct AttemptParts<'a> {
    work: Pin<&'a mut dyn Clear>,
    admission: Pin<&'a mut dyn Layer>,
}

impl Clear for AttemptParts<'_> {
    fn clear(self: Pin<&mut Self>) {
        let Self { work, admission } = self.get_mut();
        clear_then(work.as_mut(), || admission.as_mut().release());
    }
}
