//! A breaker's state, shared: each change is one compare-and-swap, and nobody waits for anybody.

use std::sync::Arc;

use crate::breaker::state::State;
use crate::sync::ArcSwap;

pub(super) struct Switch(ArcSwap<State>);

/// The state after a change.
pub(super) struct Changed {
    pub(super) state: State,
    /// True for the one change that has turned it to another phase.
    pub(super) has_turned: bool,
}

impl Switch {
    pub(super) fn new() -> Self {
        Self(ArcSwap::from_pointee(State::CLOSED))
    }

    pub(super) fn state(&self) -> State {
        **self.0.load()
    }

    /// From one state to the next; gives that, or why there is none. A state that stays as it is is not written.
    pub(super) fn change<E>(&self, next: impl Fn(State) -> Result<State, E>) -> Result<Changed, E> {
        let mut seen = self.0.load();
        loop {
            let (before, after) = (**seen, next(**seen)?);
            if before == after {
                return Ok(Changed { state: after, has_turned: false });
            }
            let current = self.0.compare_and_swap(&seen, Arc::new(after));
            if Arc::ptr_eq(&current, &seen) {
                return Ok(Changed { state: after, has_turned: before.era != after.era });
            }
            seen = current;
        }
    }
}
