//! The policies of a builder for a task inside something larger, such as a node of an orchestra.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::body::Governed;
use crate::hedge::Hedge;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::layers::Once;
use crate::task::layers::admission::{Admission, Guarded};
use crate::task::layers::again::Again;
use crate::task::layers::hedge::rounds::Rounds;
use crate::task::layers::hedge::work::Hedged;
use crate::task::layers::retry::Attempts;
use crate::task::lifecycle::spawn::Registered;
use crate::task::settings::configured::{AttemptSettings, Configured};
use crate::task::settings::resilience::{Guards, Resilience};
use crate::task::work::attempts::Informed;
use crate::tree::extras::recovery::RecoveryWork;

/// Splits a builder's policies for a task inside something larger. The settings and the recovery are around
/// the whole, [`Inner`] is around the work. The name is given only to a task that has a policy: for a bare
/// task, the name alone would allocate the extras, which cost more than the rest of the task.
pub fn embedded<T>(
    resilience: Resilience<T>,
    (retry, hedge): (Option<Retry>, Option<Hedge>),
    name: Option<&Arc<str>>,
) -> (Configured, Option<RecoveryWork<T>>, Inner) {
    let Resilience { mut settings, breaker, limiter, chaos, recovery } = resilience;
    let is_bare =
        settings.is_bare() && breaker.is_none() && limiter.is_none() && chaos.is_none() && recovery.is_none();
    if let Some(name) = name
        && (!is_bare || retry.is_some() || hedge.is_some())
    {
        settings.name = Some(name.clone());
    }
    let attempt = settings.one_attempt();
    settings.attempt = None;
    (settings, recovery, Inner { attempt, guards: Guards { breaker, limiter, chaos }, retry, hedge })
}

/// The part of a builder's policies that is around the work itself, or around each attempt at it.
pub struct Inner {
    attempt: AttemptSettings,
    guards: Guards,
    retry: Option<Retry>,
    hedge: Option<Hedge>,
}

impl Inner {
    /// Puts the policies around `body`, which runs once.
    pub fn once<B, T, S: RuntimeSource>(self, body: B, source: S) -> Guarded<B, T, S> {
        Governed::within(Admission::of_task(self.attempt, self.guards, source), body)
    }

    /// Puts the policies around work that is tried again; `begin` makes the work of an attempt.
    pub fn again<K, B, T, S: RuntimeSource>(
        self,
        begin: K,
        source: S,
        location: &'static Location<'static>,
    ) -> Again<Informed<K>, B, T, S> {
        let retry = self.retry.unwrap_or_default();
        let attempts = Attempts::new(self.attempt, retry, self.guards, source, location);
        Again::new(Informed(begin), attempts, None)
    }

    /// As [`again`](Self::again), for work whose attempts are hedged.
    pub fn hedged<K, B, T, S: RuntimeSource>(
        self,
        begin: K,
        source: S,
        location: &'static Location<'static>,
    ) -> Hedged<Informed<K>, B, T, S> {
        let never = || Hedge::after(Duration::MAX);
        let policies = (self.retry, self.hedge.unwrap_or_else(never));
        let rounds = Rounds::new(self.attempt, policies, self.guards, source, location);
        Hedged::new(Informed(begin), rounds, None)
    }
}

/// Puts the policies of the whole task around `work`: a permit of `limiter` first, and the recovery outside
/// of all else.
pub fn whole<B, T, R: Runtime>(
    work: B,
    recovery: Option<RecoveryWork<T>>,
    limiter: Option<Limiter>,
    registered: &Registered<R>,
) -> Once<B, T, R> {
    let policies = Resilience { limiter, recovery, ..Resilience::from(Configured::default()) };
    let mut whole = crate::task::layers::once(policies, work, registered.task.runtime.clone());
    whole.layer_mut().enter_queue(registered.inside.urgency());
    whole
}
