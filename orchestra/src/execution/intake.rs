//! The intake of a session: the batches that it was given, until it takes no more.
//!
//! ```text
//!  Open(batches) ── close() ──► Closed
//!    └─ add(), take_new()         └─ add() gives the batch back to its caller, unbegun
//! ```
//!
//! 1. `Closed` is never left, and no batch is added to it.
//! 2. A batch is either given to `close`, or it was not added. So its nodes are cancelled by the caller of
//!    `close`, or by that of `add`, and none of them waits forever.
//! 3. Batches that have begun are held weakly. A batch with nodes that wait is held by the registry as well,
//!    and those are the only ones that `close` is to find.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The answer of an intake that is closed. The caller cancels its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

enum State<B> {
    Open {
        /// Batches that have not begun.
        new: Vec<Arc<B>>,
        /// Batches that have begun; some may have ended since.
        begun: Vec<Weak<B>>,
    },
    Closed,
}

/// The batches of a session. A lock: it is taken once for each batch that is added, and twice at most each time
/// that the attendant is woken, which tasks do only with the last of them. No batch is dropped while it is held.
pub(crate) struct Intake<B>(Mutex<State<B>>);

impl<B> Intake<B> {
    pub(crate) fn open() -> Self {
        Self(Mutex::new(State::Open { new: Vec::new(), begun: Vec::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a batch that is to begin.
    pub(crate) fn add(&self, batch: &Arc<B>) -> Result<(), Closed> {
        match &mut *self.lock() {
            State::Open { new, .. } => {
                new.push(batch.clone());
                Ok(())
            }
            State::Closed => Err(Closed),
        }
    }

    /// True if there are batches that have not begun.
    pub(crate) fn has_new(&self) -> bool {
        matches!(&*self.lock(), State::Open { new, .. } if !new.is_empty())
    }

    /// Takes the batches that have not begun. The caller begins them.
    pub(crate) fn take_new(&self) -> Vec<Arc<B>> {
        match &mut *self.lock() {
            State::Open { new, begun } => {
                if begun.len() + new.len() > begun.capacity() {
                    begun.retain(|batch| batch.strong_count() > 0);
                }
                begun.extend(new.iter().map(Arc::downgrade));
                std::mem::take(new)
            }
            State::Closed => Vec::new(),
        }
    }

    /// Takes no more batches. Returns those that may have nodes that wait.
    pub(crate) fn close(&self) -> Vec<Arc<B>> {
        // The guard is dropped with this statement, and the batches are taken apart without it.
        let before = std::mem::replace(&mut *self.lock(), State::Closed);
        match before {
            State::Open { new, begun } => begun.iter().filter_map(Weak::upgrade).chain(new).collect(),
            State::Closed => Vec::new(),
        }
    }
}
