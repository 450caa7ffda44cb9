//! Retries: one attempt after the other, with waits in between.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, ENDED, Layered, Slot, clear_then};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::layers::admission::Admission;
use crate::task::layers::gate::Gate;
use crate::task::layers::pause::{Pause, next_attempt};
use crate::task::layers::recovery::Recovery;
use crate::task::lifecycle::grace::make_grace;
use crate::task::lifecycle::in_place::{
    begin_in_place, begin_in_shared_frame, poll_in_place, register_in_place,
};
use crate::task::lifecycle::supervise::Lifecycle;
use crate::task::settings::configured::AttemptSettings;
use crate::task::settings::resilience::Guards;
use crate::task::view::context::TaskContext;
use crate::task::work::attempts::MakeAttempt;
use crate::tree::current::{share_frame, with_registered, with_task};
use crate::tree::extras::recovery::{Recovery as Recorded, RecoveryWork};
use crate::tree::extras::trace::trace_attempt;
use crate::vocabulary::priority::TaskPriority;

/// Work that can be begun again.
pub(crate) trait Begin<S: RuntimeSource>: Body {
    /// See [`MakeAttempt::NEEDS_CONTEXT`].
    fn needs_context(&self) -> bool;

    /// Makes the work of one attempt, whose task has this context.
    fn begin(self: Pin<&mut Self>, source: &S, context: Option<TaskContext>);
}

/// The work of one attempt after the other, each made by `begin`.
struct Repeated<'a, K, B, T, S> {
    begin: &'a K,
    slot: Pin<&'a mut Slot<B, T>>,
    source: PhantomData<fn() -> S>,
}

impl<K, B, T, S> Begin<S> for Repeated<'_, K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    fn needs_context(&self) -> bool {
        K::NEEDS_CONTEXT
    }

    fn begin(self: Pin<&mut Self>, source: &S, context: Option<TaskContext>) {
        let this = self.get_mut();
        if let Some(work) = this.begin.make(source, context) {
            this.slot.set(Slot::Work { work });
        }
    }
}

impl<K, B, T, S> Body for Repeated<'_, K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
{
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        // In the first poll of an attempt: what the closure itself does is part of the attempt, too.
        // A panic of the closure is the result of the attempt, as in `InPlace`, and passes its policies.
        if matches!(*this.slot, Slot::Cleared)
            && let Some(work) = caught(|| this.begin.make_in_poll())?
        {
            this.slot.set(Slot::Work { work });
        }
        this.slot.as_mut().poll(cx)
    }
}

impl<K, B, T, S> Clear for Repeated<'_, K, B, T, S> {
    fn clear(self: Pin<&mut Self>) {
        self.get_mut().slot.as_mut().clear();
    }
}

pin_project! {
    /// Work that is tried again, and its recovery: a thin shell of the work's type around [`Attempts`].
    pub struct Again<K, B, T, S: RuntimeSource> {
        #[pin]
        slot: Slot<B, T>,
        begin: K,
        #[pin]
        attempts: Attempts<S>,
        recovery: Recovery<T>,
    }

    impl<K, B, T, S: RuntimeSource> PinnedDrop for Again<K, B, T, S> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            this.attempts.abandon(this.slot);
        }
    }
}

impl<K, B, T, S: RuntimeSource> Again<K, B, T, S> {
    pub(crate) fn new(begin: K, attempts: Attempts<S>, recovery: Option<RecoveryWork<T>>) -> Self {
        Self { slot: Slot::Cleared, begin, attempts, recovery: Recovery::new(recovery) }
    }

    /// The attempts, before the first poll.
    pub(crate) fn attempts_mut(&mut self) -> &mut Attempts<S> {
        &mut self.attempts
    }
}

impl<K, B, T, S> Future for Again<K, B, T, S>
where
    K: MakeAttempt<S, B>,
    B: Future<Output = Result<T, AsyncTaskError>>,
    S: RuntimeSource,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut work = pin!(Repeated { begin: this.begin, slot: this.slot.as_mut(), source: PhantomData });
        if !this.recovery.is_set() {
            let result = ready!(this.attempts.poll(work.as_mut(), cx));
            return Poll::Ready(this.slot.finish(result));
        }
        let attempts_body = pin!(AllAttempts { attempts: this.attempts, work });
        let answer = ready!(this.recovery.poll(attempts_body, cx));
        Poll::Ready(answer.and_then(|answer| answer.map_or_else(|| this.slot.finish(Ok(())), Ok)))
    }
}

/// All attempts as one body, for the recovery.
struct AllAttempts<'a, S: RuntimeSource> {
    attempts: Pin<&'a mut Attempts<S>>,
    work: Pin<&'a mut dyn Begin<S>>,
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

pin_project! {
    #[project = StageProj]
    enum Stage<S: RuntimeSource> {
        Next,
        // An attempt without a policy of its own.
        Bare,
        Attempt { #[pin] admission: Admission<S> },
        Pause { #[pin] pause: Pause<S::Runtime> },
        Done,
    }
}

pin_project! {
    /// The state machine of the attempts and of the waits between them. Each attempt is an in-place task,
    /// below the task that is polled.
    pub struct Attempts<S: RuntimeSource> {
        // In this order: the attempt is dropped before the stage, which holds its permit and its ticket. The
        // task of an attempt, from its first poll.
        life: Option<Lifecycle>,
        #[pin]
        stage: Stage<S>,
        settings: AttemptSettings,
        retry: Retry,
        // Each attempt has a gate of its own, with the same breaker and limiter.
        guards: Guards,
        source: S,
        location: &'static Location<'static>,
        number: u32,
    }
}

impl<S: RuntimeSource> Attempts<S> {
    pub(crate) fn new(
        settings: AttemptSettings,
        retry: Retry,
        guards: Guards,
        source: S,
        location: &'static Location<'static>,
    ) -> Self {
        Self { life: None, stage: Stage::Next, settings, retry, guards, source, location, number: 0 }
    }

    /// See [`Admission::enter_queue`]; for the first attempt.
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        // A mistake in the configuration is reported by the first poll.
        if self.retry.check().is_ok() {
            self.number = 1;
            let mut admission = admission(&self.settings, &self.source, &self.guards);
            admission.enter_queue(urgency);
            self.stage = Stage::Attempt { admission };
        }
    }

    /// Drops the attempt that is under way.
    fn abandon(self: Pin<&mut Self>, work: Pin<&mut dyn Clear>) {
        let mut this = self.project();
        if this.life.is_none() && matches!(*this.stage, Stage::Done) {
            // None is under way.
            return work.clear();
        }
        let parts = pin!(AttemptParts { work, stage: this.stage.as_mut() });
        match this.life.take() {
            Some(mut life) => life.abandon(parts),
            None => parts.clear(),
        }
    }

    fn poll(
        self: Pin<&mut Self>,
        mut work: Pin<&mut dyn Begin<S>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut this = self.project();
        loop {
            let result = match this.stage.as_mut().project() {
                StageProj::Next => {
                    if *this.number == 0 {
                        this.retry.check()?;
                        // A failure that cannot be retried without a runtime is reported before the first one.
                        this.source.check().map_err(|error| error.not_started(this.settings.name()))?;
                    }
                    *this.number = this.number.saturating_add(1);
                    let number = *this.number;
                    // One attempt is what a task counts that was never told.
                    if number > 1 {
                        with_task(|task| task.control.attempted(number));
                        this.settings.number = number;
                    }
                    let mut admission = (!this.guards.is_empty() || this.settings.is_limited())
                        .then(|| admission(this.settings, this.source, this.guards));
                    let attempt = (&*this.settings, &*this.source, *this.location, number);
                    let layer = admission.as_mut().map(Pin::new);
                    match poll_attempt(this.life, attempt, layer, work.as_mut(), cx) {
                        // Most attempts are over after their first poll: only the others are kept.
                        Poll::Pending => {
                            this.stage.set(match admission {
                                Some(admission) => Stage::Attempt { admission },
                                None => Stage::Bare,
                            });
                            return Poll::Pending;
                        }
                        Poll::Ready(result) => result,
                    }
                }
                stage @ (StageProj::Bare | StageProj::Attempt { .. }) => {
                    let layer =
                        if let StageProj::Attempt { admission } = stage { Some(admission) } else { None };
                    let attempt = (&*this.settings, &*this.source, *this.location, *this.number);
                    ready!(poll_attempt(this.life, attempt, layer, work.as_mut(), cx))
                }
                StageProj::Pause { pause } => {
                    if !ready!(pause.poll(cx))? {
                        // Nothing of the work is under way: the task ends as it was requested to.
                        let error = with_task(|task| task.control.stop_as_asked());
                        return Poll::Ready(Err(error.unwrap_or(AsyncTaskError::Shutdown)));
                    }
                    this.stage.set(Stage::Next);
                    continue;
                }
                StageProj::Done => return Poll::Ready(Err(ENDED)),
            };
            *this.life = None;
            this.stage.set(Stage::Done);
            let Err(error) = result else {
                this.retry.succeeded();
                return Poll::Ready(Ok(()));
            };
            let runtime = this.source.resolve()?;
            let delay = next_delay(this.retry, error, *this.number, || runtime.entropy())?;
            this.stage.set(Stage::Pause { pause: Pause::new(&runtime, delay, this.location) });
        }
    }
}

/// The policies around one attempt.
fn admission<S: RuntimeSource>(settings: &AttemptSettings, source: &S, guards: &Guards) -> Admission<S> {
    Admission::of_task(settings.limit(source.clone()), Gate::new(guards.clone(), source.clone()))
}

/// Polls the task of an attempt. Its work is made at the first poll. The task is registered before that if
/// the work needs its context, or if it is traced as the task around is. Else the first attempt shares the frame
/// of the task around, if that is not registered.
fn poll_attempt<S: RuntimeSource>(
    life: &mut Option<Lifecycle>,
    (settings, source, location, number): (&AttemptSettings, &S, &'static Location<'static>, u32),
    admission: Option<Pin<&mut Admission<S>>>,
    mut work: Pin<&mut dyn Begin<S>>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), AsyncTaskError>> {
    let is_first = life.is_none();
    let is_informed = is_first
        && (work.needs_context() || with_registered(|task| task.control.trace().is_some()) == Some(true));
    if is_informed {
        let registered = register_in_place(source, &settings.of_task(), location)?;
        trace_attempt(registered.context().task_ref(), number);
        work.as_mut().begin(source, Some(registered.context()));
        *life = Some(registered.into_life());
    } else if is_first {
        work.as_mut().begin(source, None);
    }
    // After the work is made: nothing but its poll comes between this and the end of the sharing. A later
    // attempt has a number of its own to show.
    let is_sharing = is_first && !is_informed && number == 1 && share_frame(location);
    let mut poll = |body: Pin<&mut dyn Body>| match life {
        Some(life) => poll_in_place(life, body, make_grace::<S::Runtime>, location, cx),
        None if is_sharing => begin_in_shared_frame((source, settings.name(), location), life, body, cx),
        None => begin_in_place((source.clone(), settings.of_task(), location), life, body, cx),
    };
    match admission {
        Some(layer) => poll(pin!(Layered { layer, body: work })),
        None => poll(work),
    }
}

/// An attempt's work and what is around it, which are dropped together.
struct AttemptParts<'a, S: RuntimeSource> {
    work: Pin<&'a mut dyn Clear>,
    stage: Pin<&'a mut Stage<S>>,
}

impl<S: RuntimeSource> Clear for AttemptParts<'_, S> {
    fn clear(self: Pin<&mut Self>) {
        let Self { work, stage } = self.get_mut();
        clear_then(work.as_mut(), || stage.set(Stage::Done));
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
