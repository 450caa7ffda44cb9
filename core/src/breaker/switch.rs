//! The shared state of a breaker. Each change is one compare-and-swap, without a lock.
//!
//! # Invariants
//!
//! - **I1** All changes are in one order, and each is a step of `state` from the state before it. So no call
//!   is lost or counted twice.
//! - **I2** Each change of phase is made by one caller, which finds the era changed and reports the phase. A
//!   concurrent step is taken anew, from the state after that change.

use std::sync::Arc;

use crate::breaker::state::State;
use crate::sync::ArcSwap;

pub(super) struct Switch(ArcSwap<State>);

/// The state after a change.
pub(super) struct Changed {
    pub(super) state: State,
    /// True for the one change that turned it to another phase (I2).
    pub(super) has_changed_phase: bool,
}

impl Switch {
    pub(super) fn new() -> Self {
        Self(ArcSwap::from_pointee(State::CLOSED))
    }

    pub(super) fn state(&self) -> State {
        **self.0.load()
    }

    /// Calls `f` with the state, which is not copied for it.
    pub(super) fn with<O>(&self, f: impl FnOnce(&State) -> O) -> O {
        f(&self.0.load())
    }

    /// Applies `next` until it takes effect; returns the new state, or the error of `next`. A state that
    /// stays the same is not written.
    pub(super) fn change<E>(&self, next: impl Fn(State) -> Result<State, E>) -> Result<Changed, E> {
        let mut seen = self.0.load();
        loop {
            let (before, after) = (**seen, next(**seen)?);
            if before == after {
                return Ok(Changed { state: after, has_changed_phase: false });
            }
            let current = self.0.compare_and_swap(&seen, Arc::new(after));
            if Arc::ptr_eq(&current, &seen) {
                return Ok(Changed { state: after, has_changed_phase: before.era != after.era });
            }
            seen = current;
        }
    }
}
