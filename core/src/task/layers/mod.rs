//! The policies around the work of a task, in one order, whatever the order in which a builder was given
//! them.
//!
//! ```text
//!   Recovery                     once everything else has failed; not under the limit on the whole
//!   └─ limit on the whole        waits and backoff included; kept by the task (`supervise.rs`), or by the
//!      │                         recovery if there is one
//!      └─ Attempts               retries, with a pause in between; each attempt is an in-place task. Where
//!         │                      they are hedged: `Rounds` of attempts beside each other (`hedge/mod.rs`)
//!         └─ Admission
//!            ├─ Gate             the circuit breaker refuses at once; the limiter makes the attempt wait, or
//!            │                   refuses it, which the breaker does not count; then the breaker is asked
//!            │                   again, and the attempt is a call of it
//!            └─ TimeLimiter      the limit on one attempt
//!               └─ Injection     chaos: a wait, and then a panic or an error in place of the work
//!                  └─ Slot       the work, and then its value
//! ```
//!
//! The future of work that runs once is [`Once`], that of retried work is [`Again`], that of hedged work is
//! [`Hedged`]: one shell of the work's type each. The state machines in the drawing poll the slot as a `dyn
//! Body`, and are compiled once for all work.
//!
//! Most attempts are admitted at once and end in their first poll. For these, nothing in the drawing is made
//! (`direct.rs`); the state machine of an attempt that waits, or goes on, is in a box (`admitting.rs`).
//!
//! The permit of the limiter is held by the task whose work it admits: an attempt, or the whole. It is
//! returned when that task has ended, with everything below it, blocking work that was given up included.
//! Before a recovery begins, the work that it follows has ended, and its permit is returned. A permit that a
//! task was spawned with (`builder/spawn_in.rs`) is the whole task's, and is not returned before its end.

pub(crate) mod admission;
pub(crate) mod admitting;
pub(crate) mod again;
pub(crate) mod direct;
pub(crate) mod gate;
pub(crate) mod hedge;
pub(crate) mod injection;
pub(crate) mod pause;
pub(crate) mod recovery;
pub(crate) mod retry;
pub(crate) mod standalone;

use std::panic::Location;

use crate::retry::Retry;
use crate::runtime::RuntimeSource;
use crate::task::layers::admission::Admission;
use crate::task::layers::again::Again;
use crate::task::layers::hedge::rounds::Rounds;
use crate::task::layers::hedge::work::Hedged;
use crate::task::layers::recovery::Recovered;
use crate::task::layers::retry::Attempts;
use crate::task::settings::configured::Configured;
use crate::task::settings::hedging::{Hedging, RetrySetting};
use crate::task::settings::resilience::{Guards, Resilience};
use crate::tree::extras::recovery::RecoveryWork;

/// Work that runs once, with the policies that are around it inside the task.
pub(crate) type Once<B, T, S> = Recovered<B, T, S>;

/// Puts `policies` around `work`, which runs once.
pub(crate) fn once<B, T, S: RuntimeSource>(policies: Resilience<T>, work: B, source: S) -> Once<B, T, S> {
    let (settings, guards, recovery) = policies.split();
    once_with(&settings, (guards, recovery), work, source)
}

/// As [`once`], with the policies apart.
pub(crate) fn once_with<B, T, S: RuntimeSource>(
    settings: &Configured,
    (guards, recovery): (Guards, Option<RecoveryWork<T>>),
    work: B,
    source: S,
) -> Once<B, T, S> {
    Recovered::new(work, Admission::of_task(settings.only_attempt(), guards, source), recovery)
}

/// As [`once_with`], for work that is tried again; `begin` makes the work of an attempt.
pub(crate) fn again<K, B, T, S: RuntimeSource>(
    settings: &Configured,
    (guards, retry, recovery): (Guards, Retry, Option<RecoveryWork<T>>),
    begin: K,
    source: S,
    location: &'static Location<'static>,
) -> Again<K, B, T, S> {
    Again::new(begin, Attempts::new(settings.one_attempt(), retry, guards, source, location), recovery)
}

/// As [`once`], for work whose attempts are hedged; `make` makes the work of an attempt.
pub(crate) fn hedged<K, B, T, R: RetrySetting, S: RuntimeSource>(
    policies: Hedging<T, R>,
    make: K,
    source: S,
    location: &'static Location<'static>,
) -> Hedged<K, B, T, S> {
    let Hedging { resilience, retry, hedge } = policies;
    let (settings, guards, recovery) = resilience.split();
    let policies = (retry.retry().cloned(), hedge);
    let rounds = Rounds::new(settings.one_attempt(), policies, guards, source, location);
    Hedged::new(make, rounds, recovery)
}
