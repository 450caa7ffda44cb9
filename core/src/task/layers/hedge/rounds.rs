//! The rounds of hedged work: one, or with retries one after the other, with waits in between.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, ENDED};
use crate::error::AsyncTaskError;
use crate::hedge::Hedge;
use crate::retry::Retry;
use crate::runtime::{Runtime as _, RuntimeSource};
use crate::task::layers::admission::Admission;
use crate::task::layers::hedge::attempt::{BeginWork, Plan, RoundWork};
use crate::task::layers::hedge::round::Round;
use crate::task::layers::pause::{Pause, next_attempt};
use crate::task::settings::configured::AttemptSettings;
use crate::task::settings::resilience::Guards;
use crate::tree::current::with_task;
use crate::tree::extras::recovery::Recovery as Recorded;
use crate::vocabulary::priority::TaskPriority;

pin_project! {
    #[project = StageProj]
    enum Stage<S: RuntimeSource> {
        // The policies around the next attempt, if it is in the limiter's queue by now.
        Next { admission: Option<Admission<S>> },
        Round { #[pin] round: Round<S> },
        // A round has failed. The next one waits for all that it has spawned.
        Failed { error: Option<AsyncTaskError>, waits: bool },
        Pause { #[pin] pause: Pause<S::Runtime> },
        Done,
    }
}

pin_project! {
    /// The state machine of all attempts at hedged work. Each attempt is an in-place task, below the task
    /// that is polled.
    pub(crate) struct Rounds<S: RuntimeSource> {
        #[pin]
        stage: Stage<S>,
        plan: Plan<S>,
        // The number of rounds that were begun.
        number: u32,
    }
}

impl<S: RuntimeSource> Rounds<S> {
    pub(crate) fn new(
        settings: AttemptSettings,
        (retry, hedge): (Option<Retry>, Hedge),
        guards: Guards,
        source: S,
        location: &'static Location<'static>,
    ) -> Self {
        // Without retries there is one round.
        let policies = (retry.unwrap_or_default(), hedge);
        let plan = Plan::new(settings, policies, guards, source, location);
        Self { stage: Stage::Next { admission: None }, plan, number: 0 }
    }

    /// See [`Admission::enter_queue`]; for the first attempt.
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        // A mistake in the configuration is reported by the first poll.
        if self.plan.check().is_ok() {
            let mut admission = self.plan.admission();
            admission.enter_queue(urgency);
            self.stage = Stage::Next { admission: Some(admission) };
        }
    }

    /// Drops the attempts that are under way.
    pub(super) fn abandon(self: Pin<&mut Self>, work: &mut dyn RoundWork) {
        let mut this = self.project();
        if let StageProj::Round { round } = this.stage.as_mut().project() {
            round.abandon(work);
        }
        work.clear();
        this.stage.set(Stage::Done);
    }

    fn poll(
        self: Pin<&mut Self>,
        work: &mut dyn BeginWork<S>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        loop {
            match this.stage.as_mut().project() {
                StageProj::Next { admission } => {
                    if *this.number == 0 {
                        this.plan.check()?;
                    }
                    *this.number = this.number.saturating_add(1);
                    let round = Round::begin(this.plan, admission.take(), work)?;
                    this.stage.set(Stage::Round { round });
                }
                StageProj::Round { mut round } => {
                    let result = ready!(round.as_mut().poll(this.plan, work, cx));
                    let waits = round.has_abandoned();
                    let Err(error) = result else {
                        this.stage.set(Stage::Done);
                        this.plan.retry.succeeded();
                        return Poll::Ready(Ok(()));
                    };
                    work.clear();
                    this.stage.set(Stage::Failed { error: Some(error), waits });
                }
                StageProj::Failed { error, waits } => {
                    let is_childless = || with_task(|task| task.control.poll_childless(cx.waker()));
                    if *waits && is_childless() == Some(false) {
                        return Poll::Pending;
                    }
                    let error = error.take().unwrap_or(ENDED);
                    let pause = next_round(this.plan, *this.number, error)?;
                    this.stage.set(Stage::Pause { pause });
                }
                StageProj::Pause { pause } => {
                    if !ready!(pause.poll(cx))? {
                        // Nothing of the work is under way: the task ends as it was requested to.
                        let error = with_task(|task| task.control.stop_as_asked());
                        return Poll::Ready(Err(error.unwrap_or(AsyncTaskError::Shutdown)));
                    }
                    this.stage.set(Stage::Next { admission: None });
                }
                StageProj::Done => return Poll::Ready(Err(ENDED)),
            }
        }
    }
}

/// The wait after round `number`, which has failed with `error`, or the error of the whole.
fn next_round<S: RuntimeSource>(
    plan: &Plan<S>,
    number: u32,
    error: AsyncTaskError,
) -> Result<Pause<S::Runtime>, AsyncTaskError> {
    let runtime = plan.source.resolve()?;
    // Retries that a handle has reset do not count.
    let counted = with_task(|task| task.control.recovery().map(Recorded::retries)).flatten();
    let (retries, attempts) = (counted.unwrap_or(number - 1), plan.begun());
    let (delay, error) = next_attempt(&plan.retry, error, attempts, retries, || runtime.entropy())?;
    with_task(|task| task.control.note_failed_attempt(attempts, error, Some(&plan.retry)));
    Ok(Pause::new(&runtime, delay, plan.location))
}

/// All rounds as one body, for the recovery.
pub(super) struct AllRounds<'a, S: RuntimeSource> {
    pub(super) rounds: Pin<&'a mut Rounds<S>>,
    pub(super) work: &'a mut dyn BeginWork<S>,
}

impl<S: RuntimeSource> Body for AllRounds<'_, S> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        this.rounds.as_mut().poll(this.work, cx)
    }
}

impl<S: RuntimeSource> Clear for AllRounds<'_, S> {
    fn clear(self: Pin<&mut Self>) {
        let this = self.get_mut();
        this.rounds.as_mut().abandon(this.work);
    }
}
