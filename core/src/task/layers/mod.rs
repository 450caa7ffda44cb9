//! How the policies of one task are put together, whatever the order in which a builder was given them.
//!
//! ```text
//!   Recovered                   the recovery: once, when all else has failed; not under the limit on the whole
//!   └─ limit on the whole       waits and backoff included; kept by the task itself (`supervise.rs`)
//!      └─ Attempts              retries, with backoff in between; each attempt is a task in place
//!         └─ Guarded            the circuit breaker refuses at once,
//!            │                  the limiter makes wait, or refuses, which the breaker does not hear of;
//!            │                  what it lets in is a call of the breaker's, which is asked again
//!            └─ Timeout         the limit on one attempt
//!               └─ the work
//! ```
//!
//! The place of the limiter is the task's whose work it is, that of an attempt or the whole: it is given back when that has
//! ended, with all that was under it, blocking work that was left behind included. What a recovery stands behind is gone, and
//! its place given back, before the recovery begins.

pub(crate) mod admission;
pub(crate) mod gate;
pub(crate) mod recovery;
pub(crate) mod retry;
pub(crate) mod standalone;

use crate::runtime::RuntimeSource;
use crate::task::layers::admission::Guarded;
use crate::task::layers::gate::Gate;
use crate::task::layers::recovery::Recovered;
use crate::task::layers::retry::Attempts;
use crate::task::settings::resilience::{Resilience, Retrying};
use crate::time::Timeout;

/// The work of a task that is done once, with what is around it inside the task.
pub(crate) type Once<B, T, S> = Recovered<Guarded<Timeout<B, S>, S>, T>;

/// As [`Once`], for work that is tried again; `K` begins an attempt.
pub(crate) type Again<K, B, T, S> = Recovered<Attempts<K, B, T, S>, T>;

pub(crate) fn once<B, T, S: RuntimeSource>(policies: Resilience<T>, work: B, source: S) -> Once<B, T, S> {
    let Resilience { settings, breaker, limiter, recovery } = policies;
    let attempt = settings.attempt(work, source.clone());
    Recovered::new(Guarded::of_task(attempt, Gate::new(breaker, limiter, source)), recovery)
}

pub(crate) fn again<K, B, T, S: RuntimeSource>(
    policies: Retrying<T>,
    begin: K,
    source: S,
    place: &'static std::panic::Location<'static>,
) -> Again<K, B, T, S> {
    let Retrying { resilience: Resilience { settings, breaker, limiter, recovery }, retry } = policies;
    let gate = Gate::new(breaker, limiter, source.clone());
    Recovered::new(Attempts::new(begin, settings.one_attempt(), retry, gate, source, place), recovery)
}
