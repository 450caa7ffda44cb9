//! The number of tasks of a session that have not ended, and whether more may come.
//!
//! ```text
//!  Open(n) ── close(), n > 0 ──► Closed(n) ── the last leave() ──► Done
//!    └─ close_if_idle() or close(), n = 0 ───────────────────────► Done
//! ```
//!
//! 1. `enter` counts one only while `Open`. So once it is closed, the count only falls, except by 2.
//! 2. `add` is called by the holder of a count, for tasks that come with it: the count is not 0 then, so it
//!    cannot be `Done` before those tasks have left as well, closed or not.
//! 3. `Done` is reached by exactly one step, and its caller is told.
//!
//! SeqCst throughout: what a task did before it leaves happens before the end of the session, and a thread
//! that waits until the session is idle looks after it has begun to listen.

use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;

/// Set by `close` and `close_if_idle`, and never cleared. Excludes `enter`.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// The count after a task has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// There are others.
    Others,
    /// None is left, and more may come.
    Idle,
    /// None is left, and none will come.
    Done,
}

/// The count and the flag, in one atomic. Padded: all threads change it, and they read other fields beside it.
pub(crate) struct TaskCount(CachePadded<AtomicUsize>);

impl TaskCount {
    /// Open, with a count of 1: that of the thread that starts the session.
    pub(crate) fn held() -> Self {
        Self(CachePadded::new(AtomicUsize::new(1)))
    }

    /// Counts one; false if it is closed (1).
    pub(crate) fn enter(&self) -> bool {
        let enter = |count: usize| (count & CLOSED == 0).then_some(count + 1);
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter).is_ok()
    }

    /// Counts `tasks` more. The caller holds a count (2).
    pub(crate) fn add(&self, tasks: usize) {
        self.0.fetch_add(tasks, Ordering::SeqCst);
    }

    /// Counts one out.
    pub(crate) fn leave(&self) -> Left {
        match self.0.fetch_sub(1, Ordering::SeqCst) {
            1 => Left::Idle,
            before if before == CLOSED | 1 => Left::Done,
            _ => Left::Others,
        }
    }

    /// Closes it. True if it is `Done` by this (3).
    pub(crate) fn close(&self) -> bool {
        self.0.fetch_or(CLOSED, Ordering::SeqCst) == 0
    }

    /// Closes it, unless there are tasks. True if it is `Done` by this (3).
    pub(crate) fn close_if_idle(&self) -> bool {
        self.0.compare_exchange(0, CLOSED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::SeqCst) & !CLOSED == 0
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst) & CLOSED != 0
    }
}
