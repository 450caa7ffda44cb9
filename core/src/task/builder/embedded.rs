//! A builder's policies, as those of a task inside something larger.

use std::panic::Location;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::limit::Limiter;
use crate::retry::Retry;
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::layers::Once;
use crate::task::layers::admission::Guarded;
use crate::task::layers::gate::Gate;
use crate::task::layers::retry::Attempts;
use crate::task::lifecycle::spawn::Registered;
use crate::task::settings::configured::Configured;
use crate::task::settings::resilience::Resilience;
use crate::time::Timeout;
use crate::tree::recovery::RecoveryWork;

/// A builder's policies as those of a task inside something larger: what is around the whole, and what is around the work.
/// The name is given to a task that has any policy. A bare one has none: a name would be all that its cold slot is for, which
/// costs more than the rest of the task.
pub fn embedded<T>(
    resilience: Resilience<T>,
    retry: Option<Retry>,
    name: Option<&Arc<str>>,
) -> (Configured, Option<RecoveryWork<T>>, Inner) {
    let Resilience { mut settings, breaker, limiter, recovery } = resilience;
    let is_bare = settings.is_bare() && breaker.is_none() && limiter.is_none() && recovery.is_none();
    if let Some(name) = name
        && (!is_bare || retry.is_some())
    {
        settings.name = Some(name.clone());
    }
    let attempt = settings.one_attempt();
    settings.attempt = None;
    (settings, recovery, Inner { attempt, breaker, limiter, retry })
}

/// What of a builder's policies is around the work itself, or one attempt at it.
pub struct Inner {
    attempt: Configured,
    breaker: Option<CircuitBreaker>,
    limiter: Option<Limiter>,
    retry: Option<Retry>,
}

impl Inner {
    fn gate<S: RuntimeSource>(&self, source: S) -> Gate<S> {
        Gate::new(self.breaker.clone(), self.limiter.clone(), source)
    }

    /// `body` as work that is done once.
    pub fn once<B, S: RuntimeSource>(self, body: B, source: S) -> Guarded<Timeout<B, S>, S> {
        let work = self.attempt.attempt(body, source.clone());
        Guarded::of_task(work, self.gate(source))
    }

    /// Work that is tried again; `begin` begins an attempt.
    pub fn again<K, B, T, S: RuntimeSource>(
        self,
        begin: K,
        source: S,
        place: &'static Location<'static>,
    ) -> Attempts<K, B, T, S> {
        let gate = self.gate(source.clone());
        Attempts::new(begin, self.attempt, self.retry.unwrap_or_default(), gate, source, place)
    }
}

/// The whole of a task inside something larger: a place of `limiter` first, and the recovery behind all else.
pub fn whole<B, T, R: Runtime>(
    work: B,
    recovery: Option<RecoveryWork<T>>,
    limiter: Option<Limiter>,
    (runtime, born): (&R, &Registered<R>),
) -> Once<B, T, R> {
    let policies = Resilience { settings: Configured::default(), breaker: None, limiter, recovery };
    let mut whole = crate::task::layers::once(policies, work, runtime.clone());
    if let Some(guarded) = whole.work_mut() {
        guarded.come(born.inside.urgency());
    }
    whole
}
