//! How the policies of one task are put together, whatever the order in which a builder was given them.
//!
//! ```text
//!   Recovered                   the recovery: once, when all else has failed; not under the limit on the whole
//!   └─ limit on the whole       waits and backoff included; kept by the task itself (`supervise.rs`)
//!      └─ Attempts              retries, with backoff in between
//!         └─ Guarded            the circuit breaker refuses at once,
//!            │                  the limiter makes wait, or refuses, which the breaker does not hear of
//!            └─ Timeout         the limit on one attempt
//!               └─ the work
//! ```

use super::attempts::Attempts;
use super::guarded::Guarded;
use super::recovered::Recovered;
use super::resilience::{Resilience, Retrying};
use crate::runtime::RuntimeSource;
use crate::time::Timeout;

/// The work of a task that is done once, with what is around it inside the task.
pub(super) type Once<B, T, S> = Recovered<Guarded<Timeout<B, S>, S>, T>;

/// As [`Once`], for work that is tried again; `K` begins an attempt.
pub(super) type Again<K, B, T, S> = Recovered<Attempts<K, B, T, S>, T>;

pub(super) fn once<B, T, S: RuntimeSource>(policies: Resilience<T>, work: B, source: S) -> Once<B, T, S> {
    let Resilience { settings, breaker, limiter, recovery } = policies;
    let attempt = settings.attempt(work, source.clone());
    Recovered::new(Guarded::new(attempt, breaker, limiter, source), recovery)
}

pub(super) fn again<K, B, T, S: RuntimeSource>(
    policies: Retrying<T>,
    begin: K,
    source: S,
    place: &'static std::panic::Location<'static>,
) -> Again<K, B, T, S> {
    let Retrying { resilience: Resilience { settings, breaker, limiter, recovery }, retry } = policies;
    Recovered::new(
        Attempts::new(begin, settings.one_attempt(), retry, (breaker, limiter), source, place),
        recovery,
    )
}
