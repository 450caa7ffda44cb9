//! How many children of a task have not ended, and who acts when the last one has.
//!
//! ```text
//!            count > 0: linger()                 last child: Wake
//!  Open ───────────────────────────► Lingering ───────────────────► (the parent looks again)
//!    │
//!    ├─ count > 0: leave() ────────► Left ── last child: End ────► Closed (the last child ends the parent)
//!    └─ count = 0: close(), shut() ─► Closed                        no child is taken any more
//! ```
//!
//! Spawned tasks and blocking jobs are counted.

use crate::sync::{AtomicUsize, Ordering};

/// The parent's body is gone, and the last child is to wake it.
const LINGERS: usize = 1 << (usize::BITS - 1);
/// The parent itself is gone, and the last child is to end it.
const LEFT: usize = 1 << (usize::BITS - 2);
/// The parent has ended.
const CLOSED: usize = 1 << (usize::BITS - 3);
const COUNT: usize = CLOSED - 1;

/// What is to be done after a child's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// Nothing: it was not the last, or the parent's body still runs.
    No,
    /// The parent waits for it.
    Wake,
    /// The parent cannot: whoever asked ends it.
    End,
}

pub(crate) struct PendingChildren(AtomicUsize);

impl PendingChildren {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// A child more, on the word of one that keeps the parent from ending: its body, or another child.
    pub(crate) fn born(&self) {
        // Relaxed: the child cannot end before this, and the parent does not before the one who calls.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// As [`born`](Self::born), from anywhere: false if the parent has been closed.
    pub(crate) fn try_born(&self) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bits| {
                (bits & CLOSED == 0).then_some(bits + 1)
            })
            .is_ok()
    }

    /// A child has ended, or is no longer waited for.
    pub(crate) fn ended(&self) -> Last {
        // AcqRel: release pairs with the acquire of `is_empty`, `close` and `leave`, and of the last child where that ends
        // the parent: what the child did happened before the parent's end.
        let before = self.0.fetch_sub(1, Ordering::AcqRel);
        match (before & COUNT == 1, before & LEFT != 0, before & LINGERS != 0) {
            // A scope that was left may have been given another member meanwhile: that one is the last, then.
            (true, true, _) if self.shut() => Last::End,
            (true, false, true) => Last::Wake,
            _ => Last::No,
        }
    }

    /// From none to closed, once: false if there are any, or somebody else has closed it.
    pub(crate) fn shut(&self) -> bool {
        let shut = |bits: usize| (bits & (COUNT | CLOSED) == 0).then_some(bits | CLOSED);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, shut).is_ok()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed) & COUNT
    }

    /// True if there are none now.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Acquire) & COUNT == 0
    }

    /// With the body gone: true if no child is left; else the last one will wake the parent.
    pub(crate) fn linger(&self) -> bool {
        // The common task never had a child, and a load tells.
        self.is_empty() || self.0.fetch_or(LINGERS, Ordering::AcqRel) & COUNT == 0
    }

    /// As [`linger`](Self::linger), for a parent that takes children from anywhere: once true, it takes no more.
    pub(crate) fn close(&self) -> bool {
        let closed = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |bits| {
            Some(bits | if bits & COUNT == 0 { CLOSED } else { LINGERS })
        });
        matches!(closed, Ok(before) if before & COUNT == 0)
    }

    /// The parent is dropped, and [`shut`](Self::shut) has found children: true if it ends now all the same, since they
    /// have; else the last one will end it.
    pub(crate) fn leave(&self) -> bool {
        self.0.fetch_or(LEFT, Ordering::AcqRel) & COUNT == 0 && self.shut()
    }
}
