//! The layer around one attempt: a breaker, a limiter, the attempt timeout, and chaos.
//!
//! Most attempts are admitted at once and end in their first poll. For these the layer keeps nothing: see
//! `direct.rs`. The others get a state machine in a box: see `admitting.rs`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::body::{Body, ENDED, Governed, Layer};
use crate::breaker::CircuitBreaker;
use crate::chaos::Chaos;
use crate::error::AsyncTaskError;
use crate::limit::Limiter;
use crate::panic::caught;
use crate::runtime::RuntimeSource;
use crate::task::layers::admitting::Admitting;
use crate::task::layers::direct::Direct;
use crate::task::layers::gate::{Gate, Passed};
use crate::task::settings::configured::AttemptSettings;
use crate::task::settings::resilience::Guards;
use crate::vocabulary::priority::TaskPriority;

/// The policies of one attempt.
pub(crate) struct AttemptPolicies<'a, S> {
    pub(crate) settings: &'a AttemptSettings,
    pub(crate) guards: &'a Guards,
    pub(crate) source: &'a S,
    /// True for the work of the task whose body this is in.
    pub(crate) is_task: bool,
}

impl<S: RuntimeSource> AttemptPolicies<'_, S> {
    /// True if there is none.
    pub(crate) fn is_empty(&self) -> bool {
        let Guards { breaker, limiter, chaos } = self.guards;
        breaker.is_none() && limiter.is_none() && chaos.is_none() && !self.settings.is_limited()
    }

    /// The state machine of an attempt that is not admitted yet.
    fn admitting(&self) -> Admitting<S> {
        let Self { settings, guards, source, is_task } = *self;
        let limit = settings.limit(source.clone());
        Admitting::new(limit, Gate::new(guards.clone(), source.clone()), is_task)
    }

    /// The state of an attempt that has entered the queue of its limiter: see [`Gate::enter_queue`].
    pub(crate) fn enter_queue(&self, urgency: TaskPriority) -> AttemptState<S> {
        if self.guards.limiter.is_none() {
            return AttemptState::Start;
        }
        let mut admitting = Box::new(self.admitting());
        admitting.enter_queue(urgency);
        AttemptState::Admitting(admitting)
    }
}

/// The state of the policies around one attempt.
pub(crate) enum AttemptState<S: RuntimeSource> {
    Start,
    Admitting(Box<Admitting<S>>),
    /// Under way, without a policy.
    Bare,
    Ended,
}

/// The layer around one attempt, whose state is kept elsewhere.
pub(crate) struct AttemptLayer<'a, S: RuntimeSource> {
    pub(crate) policies: AttemptPolicies<'a, S>,
    pub(crate) state: &'a mut AttemptState<S>,
}

impl<S: RuntimeSource> AttemptLayer<'_, S> {
    #[inline]
    fn begin(&mut self, body: Pin<&mut dyn Body>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let AttemptPolicies { settings, guards, source, is_task } = self.policies;
        if guards.chaos.is_some() || settings.is_limited() {
            return self.begin_admitting(body, cx);
        }
        match Direct::enter(guards, source) {
            Ok(Some(direct)) => {
                let polled = direct.poll(is_task, body, cx, |passed| self.keep(passed));
                if polled.is_ready() {
                    *self.state = AttemptState::Ended;
                }
                polled
            }
            // It waits for a permit.
            Ok(None) => self.begin_admitting(body, cx),
            Err(refusal) => self.refuse(refusal, body),
        }
    }

    #[cold]
    fn begin_admitting(
        &mut self,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let mut admitting = self.policies.admitting();
        let polled = Pin::new(&mut admitting).poll(body, cx);
        *self.state = match polled {
            Poll::Pending => AttemptState::Admitting(Box::new(admitting)),
            Poll::Ready(_) => AttemptState::Ended,
        };
        polled
    }

    /// Keeps what an attempt holds that goes on after its first poll.
    #[cold]
    fn keep(&mut self, passed: Option<Passed<S>>) {
        let AttemptPolicies { settings, source, is_task, .. } = self.policies;
        *self.state = match passed {
            None => AttemptState::Bare,
            Some(passed) => {
                let limit = settings.limit(source.clone());
                AttemptState::Admitting(Box::new(Admitting::admitted(limit, passed, is_task)))
            }
        };
    }

    /// Ends an attempt that is refused: the work must not run without its guards if this is polled again.
    #[cold]
    fn refuse(
        &mut self,
        refusal: AsyncTaskError,
        body: Pin<&mut dyn Body>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        *self.state = AttemptState::Ended;
        let _ = caught(|| body.clear());
        Poll::Ready(Err(refusal))
    }
}

impl<S: RuntimeSource> Layer for AttemptLayer<'_, S> {
    fn poll(
        self: Pin<&mut Self>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        let this = self.get_mut();
        match this.state {
            AttemptState::Start => this.begin(body, cx),
            AttemptState::Admitting(admitting) => Pin::new(&mut **admitting).poll(body, cx),
            AttemptState::Bare => body.poll(cx),
            AttemptState::Ended => Poll::Ready(Err(ENDED)),
        }
    }

    fn release(self: Pin<&mut Self>) {
        *self.get_mut().state = AttemptState::Ended;
    }
}

/// The layer around one attempt, with its policies.
pub struct Admission<S: RuntimeSource> {
    settings: AttemptSettings,
    guards: Guards,
    source: S,
    is_task: bool,
    state: AttemptState<S>,
}

// The policies and the state machine, which is in a box, are never pinned.
impl<S: RuntimeSource> Unpin for Admission<S> {}

/// Work under a breaker and a limiter.
pub type Guarded<B, T, S> = Governed<B, T, Admission<S>>;

impl<B, T, S: RuntimeSource> Guarded<B, T, S> {
    /// Puts a breaker and a limiter around work that is no task of its own.
    #[doc(hidden)]
    pub fn new(work: B, breaker: Option<CircuitBreaker>, limiter: Option<Limiter>, source: S) -> Self {
        let guards = Guards { breaker, limiter, chaos: None };
        Self::within(Admission::of_work(AttemptSettings::default(), guards, source), work)
    }

    /// Puts chaos around work that is no task of its own.
    #[doc(hidden)]
    pub fn under_chaos(work: B, chaos: Chaos, source: S) -> Self {
        let guards = Guards { chaos: Some(Arc::new(chaos)), ..Guards::default() };
        Self::within(Admission::of_work(AttemptSettings::default(), guards, source), work)
    }
}

impl<S: RuntimeSource> Admission<S> {
    /// An admission for the work of the task whose body this is in.
    pub(crate) fn of_task(settings: AttemptSettings, guards: Guards, source: S) -> Self {
        Self { settings, guards, source, is_task: true, state: AttemptState::Start }
    }

    /// An admission for work that is no task of its own.
    pub(crate) fn of_work(settings: AttemptSettings, guards: Guards, source: S) -> Self {
        Self { is_task: false, ..Self::of_task(settings, guards, source) }
    }

    /// See [`Gate::enter_queue`].
    pub(crate) fn enter_queue(&mut self, urgency: TaskPriority) {
        let state = self.layer().policies.enter_queue(urgency);
        self.state = state;
    }

    /// The layer, with its policies and its state.
    pub(crate) fn layer(&mut self) -> AttemptLayer<'_, S> {
        let Self { settings, guards, source, is_task, state } = self;
        AttemptLayer { policies: AttemptPolicies { settings, guards, source, is_task: *is_task }, state }
    }
}

impl<S: RuntimeSource> Layer for Admission<S> {
    fn poll(
        self: Pin<&mut Self>,
        body: Pin<&mut dyn Body>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), AsyncTaskError>> {
        Pin::new(&mut self.get_mut().layer()).poll(body, cx)
    }

    fn release(self: Pin<&mut Self>) {
        self.get_mut().state = AttemptState::Ended;
    }
}
