//! The primitives of core's protocols, as loom sees them: this stands for `core/src/sync/mod.rs`.

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering, fence};

#[path = "sync/shard.rs"]
pub(crate) mod shard;

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

pub(crate) use loom::sync::{Mutex, MutexGuard};

/// Stands for `concurrent_queue::ConcurrentQueue`. Like that, it puts the pushes and pops into one order that
/// all threads agree on, and fences a pop that finds nothing.
pub(crate) struct ConcurrentQueue<T> {
    items: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> ConcurrentQueue<T> {
    pub(crate) fn bounded(capacity: usize) -> Self {
        Self { items: Mutex::new(VecDeque::new()), capacity }
    }

    pub(crate) fn unbounded() -> Self {
        Self::bounded(usize::MAX)
    }

    fn items(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut items = self.items();
        if items.len() >= self.capacity {
            return Err(item);
        }
        items.push_back(item);
        Ok(())
    }

    pub(crate) fn pop(&self) -> Result<T, Empty> {
        self.items().pop_front().ok_or(Empty)
    }

    pub(crate) fn len(&self) -> usize {
        self.items().len()
    }
}

pub(crate) struct Empty;

/// Stands for `arc_swap::ArcSwap`, whose changes, too, are in one order that all threads agree on.
pub(crate) struct ArcSwap<T>(Mutex<Arc<T>>);

pub(crate) struct Loaded<T>(Arc<T>);

impl<T> Deref for Loaded<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}

impl<T> ArcSwap<T> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(Mutex::new(Arc::new(value)))
    }

    fn locked(&self) -> MutexGuard<'_, Arc<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self) -> Loaded<T> {
        Loaded(self.locked().clone())
    }

    pub(crate) fn compare_and_swap(&self, seen: &Arc<T>, new: Arc<T>) -> Loaded<T> {
        let mut current = self.locked();
        let before = current.clone();
        if Arc::ptr_eq(&before, seen) {
            *current = new;
        }
        Loaded(before)
    }
}

/// Stands for `atomic_waker::AtomicWaker`, in models that look at the waker itself.
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(crate) fn register(&self, waker: &Waker) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    pub(crate) fn wake(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Stands for `AtomicWaker` and for `Event`, and promises less than they do: it orders nothing. A thread that
/// rings sees the listener only if something else orders the listening first, which so has to be the task's
/// state or a queue.
pub(crate) struct Bell {
    listened: AtomicBool,
    rung: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> Self {
        Self { listened: AtomicBool::new(false), rung: AtomicBool::new(false) }
    }

    pub(crate) fn listen(&self) {
        self.listened.store(true, Ordering::Relaxed);
    }

    pub(crate) fn ring(&self) {
        if self.listened.load(Ordering::Relaxed) {
            self.rung.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }
}
