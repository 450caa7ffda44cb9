//! The order of chunks, or of rows with a key: each has a turn, which begins once the turns before it have ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use event_listener::Event;

/// The turn has not ended.
const UNDER_WAY: u8 = 0;
/// All rows of the turn were handled, or are not wanted.
const ENDED: u8 = 1;
/// The turn was dropped before its end.
const LOST: u8 = 2;

/// The place in the order after one turn. Clones are the same place.
#[derive(Clone)]
pub(crate) struct Position(Arc<End>);

/// The end of a turn, which those after it wait for.
struct End {
    state: AtomicU8,
    changed: Event,
}

impl Position {
    /// The position before all turns.
    pub(crate) fn first() -> Self {
        Self::with(ENDED)
    }

    fn with(state: u8) -> Self {
        Self(Arc::new(End { state: AtomicU8::new(state), changed: Event::new() }))
    }
}

/// The right of a chunk, or of a row, to be handled in the order of the source.
///
/// A turn that is dropped before its [`end`](Self::end) is lost, and none of those after it begins: a worker that
/// is killed while it waits would otherwise let the rows after its own overtake those before it.
pub(crate) struct Turn {
    before: Position,
    after: Position,
}

impl Turn {
    /// The turn after `position`, which becomes that after this turn.
    pub(crate) fn after(position: &mut Position) -> Self {
        let after = Position::with(UNDER_WAY);
        Self { before: std::mem::replace(position, after.clone()), after }
    }

    /// Waits until the turns before have ended. Returns false if one of them was lost: this one never begins.
    pub(crate) async fn wait(&self) -> bool {
        let End { state, changed } = &*self.before.0;
        loop {
            // Listen first, then look: a change in between notifies the listener.
            let listener = changed.listen();
            // Acquire: what was done in the turns before is seen in this one.
            match state.load(Ordering::Acquire) {
                UNDER_WAY => listener.await,
                state => return state == ENDED,
            }
        }
    }

    /// Ends the turn: the next one begins.
    pub(crate) fn end(self) {
        self.leave(ENDED);
    }

    /// Leaves the turn with this state, unless it was left before.
    fn leave(&self, state: u8) {
        let End { state: current, changed } = &*self.after.0;
        // Release: pairs with the load in `wait`.
        if current.compare_exchange(UNDER_WAY, state, Ordering::Release, Ordering::Relaxed).is_ok() {
            changed.notify(usize::MAX);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.leave(LOST);
    }
}
