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
//!
//! The daemons of a scope have a count of their own, of the same kind. They are not among the children of the
//! scope until it waits for them. From then on all of them together are one child:
//!
//! ```text
//!            count = 0, daemons: close()
//!  Open ───────────────────────────────► Lingering, with a count of 1 ──┐
//!    │                                                                  ├─ last daemon: that child has ended
//!    └─ daemons: leave() ──────────────► Left, with a count of 1 more ──┘
//! ```
//!
//! 1. `CLOSED` is set in a step that finds the count 0 and no uncounted daemon. From then on the count stays
//!    0: `try_add` and `try_add_daemon` refuse, and `add` has no caller, since that is the parent's body or
//!    another child.
//! 2. A child counts until it has ended. So what it did happened before the parent's end, and the count is 0
//!    only if no child is alive.
//! 3. A parent that finds children sets its flag in the same step, and a child that ends lowers the count in
//!    one step with its look at the flags. So the last child finds the flag, and wakes a parent that waits. A
//!    parent that was dropped is ended once, by whichever of the two sets `CLOSED`.
//! 4. One step both counts the daemons as a child and ends the taking of members. So no scope ends before its
//!    daemons, and a daemon is asked to stop only when no other child can follow.
//! 5. A flag is never cleared.

use crate::sync::{AtomicUsize, Ordering};

/// Set when the parent waits for its children, mostly with its body dropped: the last child wakes it (3).
/// After `PARENT_DROPPED` it says nothing: there is nothing to wake.
const PARENT_WAITS: usize = 1 << (usize::BITS - 1);
/// Set when the parent itself was dropped with children left: the last child ends it (3). Excludes new daemons.
const PARENT_DROPPED: usize = 1 << (usize::BITS - 2);
/// Set when the parent ends, or takes no more members: the count is 0 and stays so (1).
const CLOSED: usize = 1 << (usize::BITS - 3);
/// Set when the parent, a scope, takes its first daemon.
const HAS_DAEMONS: usize = 1 << (usize::BITS - 4);
/// Set when all daemons are counted as one child: the parent waits for them, and takes no more members (4).
/// Excludes `has_uncounted_daemons`, so that they are counted once.
const DAEMONS_COUNTED: usize = 1 << (usize::BITS - 5);
const COUNT: usize = DAEMONS_COUNTED - 1;

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

/// The tasks that a parent has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// None, and the count is closed.
    Nothing,
    /// Children: the last one reports.
    Children,
    /// The daemons, which are counted as one child from now on: the caller does the same in their own count,
    /// by [`leave`](PendingChildren::leave). Given once.
    Daemons,
}

/// True if there may be daemons that are not counted as one child.
fn has_uncounted_daemons(bits: usize) -> bool {
    bits & (HAS_DAEMONS | DAEMONS_COUNTED) == HAS_DAEMONS
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
        // Relaxed: the child cannot end before this, nor the parent before the caller (2).
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// As [`add`](Self::add), from anywhere: false if the parent takes no more.
    pub(crate) fn try_add(&self) -> bool {
        self.add_unless(CLOSED | DAEMONS_COUNTED, 0)
    }

    /// As [`try_add`](Self::try_add), for the spawn of a daemon: it counts as a child until the daemon is in
    /// the count of daemons. False also if the parent is dropped: it has looked for daemons already.
    pub(crate) fn try_add_daemon(&self) -> bool {
        self.add_unless(CLOSED | DAEMONS_COUNTED | PARENT_DROPPED, HAS_DAEMONS)
    }

    /// Counts one more child and sets `flag`, unless one of the flags in `refusing` is set.
    fn add_unless(&self, refusing: usize, flag: usize) -> bool {
        let add = |bits: usize| (bits & refusing == 0).then_some((bits | flag) + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Counts out a child that has ended, or is no longer waited for.
    pub(crate) fn ended(&self) -> Last {
        // AcqRel: Release pairs with the Acquire in `is_empty`, `close` and `leave`, and with that of the
        // last child where that ends the parent (2).
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        match (before & COUNT == 1, before & PARENT_DROPPED != 0, before & PARENT_WAITS != 0) {
            // A scope that was left may have taken another member meanwhile: that one is then the last (3).
            (true, true, _) if self.shut() => Last::End,
            (true, false, true) => Last::Wake,
            _ => Last::No,
        }
    }

    /// Closes an empty count, once (1): false if there are children or daemons, or if it was closed before.
    pub(crate) fn shut(&self) -> bool {
        let is_empty = |bits: usize| bits & (COUNT | CLOSED) == 0 && !has_uncounted_daemons(bits);
        let shut = |bits: usize| is_empty(bits).then_some(bits | CLOSED);
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

    /// As [`linger`](Self::linger), for a parent that takes children from anywhere: once nothing is left, it
    /// takes no more (1). If daemons alone may be left, they are counted as one child from now on (4).
    pub(crate) fn close(&self) -> Left {
        let closed = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            Some(match bits & COUNT {
                0 if has_uncounted_daemons(bits) => (bits | DAEMONS_COUNTED | PARENT_WAITS) + 1,
                0 => bits | CLOSED,
                _ => bits | PARENT_WAITS,
            })
        });
        match closed {
            Ok(before) if before & COUNT > 0 => Left::Children,
            Ok(before) if has_uncounted_daemons(before) => Left::Daemons,
            _ => Left::Nothing,
        }
    }

    /// Notes that the parent is dropped, after [`shut`](Self::shut) has found children: with
    /// [`Left::Nothing`] it ends now all the same, since they have; else the last one will end it. Daemons
    /// are counted as one child in the same step (4).
    pub(crate) fn leave(&self) -> Left {
        let left = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            Some(match has_uncounted_daemons(bits) {
                true => (bits | PARENT_DROPPED | DAEMONS_COUNTED) + 1,
                false => bits | PARENT_DROPPED,
            })
        });
        match left {
            Ok(before) if has_uncounted_daemons(before) => Left::Daemons,
            Ok(before) if before & COUNT == 0 && self.shut() => Left::Nothing,
            _ => Left::Children,
        }
    }
}
