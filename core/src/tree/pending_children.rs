//! The number of children of a task that have not ended, and the action that is due when the last one has.
//!
//! ```text
//!            count > 0: linger()                 last child: Wake
//!  Open ───────────────────────────► Lingering ───────────────────► (the parent looks again)
//!    │
//!    ├─ count > 0: leave() ────────► Left ── last child: End ────► Closed (the last child ends the parent)
//!    └─ count = 0: close(), shut() ─► Closed                        no child is taken any more
//! ```
//!
//! Children, spawned or in place, and blocking jobs are counted.

use crate::sync::{AtomicUsize, Ordering};

/// Set when the parent waits for its children, mostly with its body dropped: the last child wakes it.
const PARENT_WAITS: usize = 1 << (usize::BITS - 1);
/// Set when the parent itself was dropped with children left: the last child ends it.
const PARENT_DROPPED: usize = 1 << (usize::BITS - 2);
/// Set when the parent ends, or takes no more members: the count is 0 and stays so.
const CLOSED: usize = 1 << (usize::BITS - 3);
const COUNT: usize = CLOSED - 1;

/// The action after a child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// Nothing: it was not the last, or the parent's body still runs.
    No,
    /// Wake the parent, which waits for it.
    Wake,
    /// End the parent, which was dropped: the caller does that.
    End,
}

/// The count and the flags above, in one atomic.
pub(crate) struct PendingChildren(AtomicUsize);

impl PendingChildren {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Counts one more child. The caller keeps the parent from ending: it is the parent's body, or another
    /// child.
    pub(crate) fn add(&self) {
        // Relaxed: the child cannot end before this, nor the parent before the caller.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// As [`add`](Self::add), from anywhere: false if the parent has been closed.
    pub(crate) fn try_add(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
                (bits & CLOSED == 0).then_some(bits + 1)
            })
            .is_ok()
    }

    /// Counts out a child that has ended, or is no longer waited for.
    pub(crate) fn ended(&self) -> Last {
        // AcqRel: Release pairs with the Acquire in `is_empty`, `close` and `leave`, and with that of the
        // last child where that ends the parent: what the child did happened before the parent's end.
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        match (before & COUNT == 1, before & PARENT_DROPPED != 0, before & PARENT_WAITS != 0) {
            // A scope that was left may have taken another member meanwhile: that one is then the last.
            (true, true, _) if self.shut() => Last::End,
            (true, false, true) => Last::Wake,
            _ => Last::No,
        }
    }

    /// Closes an empty count, once: false if there are children, or if it was closed before.
    pub(crate) fn shut(&self) -> bool {
        let shut = |bits: usize| (bits & (COUNT | CLOSED) == 0).then_some(bits | CLOSED);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, shut).is_ok()
    }

    /// The number of children.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed) & COUNT
    }

    /// True if there is no child now.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) & COUNT == 0
    }

    /// Notes that the parent waits for its children: true if no child is left; else the last one will wake
    /// it.
    pub(crate) fn linger(&self) -> bool {
        // Most tasks never had a child, and a load shows that.
        self.is_empty() || self.0.fetch_or(PARENT_WAITS, Ordering::AcqRel) & COUNT == 0
    }

    /// As [`linger`](Self::linger), for a parent that takes children from anywhere: once true, it takes no
    /// more.
    pub(crate) fn close(&self) -> bool {
        let closed = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            Some(bits | if bits & COUNT == 0 { CLOSED } else { PARENT_WAITS })
        });
        matches!(closed, Ok(before) if before & COUNT == 0)
    }

    /// Notes that the parent is dropped, after [`shut`](Self::shut) has found children: true if it ends now
    /// all the same, since they have; else the last one will end it.
    pub(crate) fn leave(&self) -> bool {
        self.0.fetch_or(PARENT_DROPPED, Ordering::AcqRel) & COUNT == 0 && self.shut()
    }
}
