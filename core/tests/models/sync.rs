//! The primitives of core's protocols, as loom sees them: this stands for `core/src/sync/mod.rs`.

pub(crate) use loom::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use loom::sync::{Mutex, MutexGuard};

// Core's own: no model moves a deadline.
#[path = "../../src/sync/deadline.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
pub(crate) mod deadline;
#[path = "sync/event.rs"]
mod event;
#[path = "sync/shard.rs"]
pub(crate) mod shard;

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use concurrent_queue::PopError;
pub(crate) use event::{Event, EventListener};

/// Stands for `concurrent_queue::ConcurrentQueue`. Like that, it puts the pushes and pops into one order that
/// all threads agree on, and fences a pop that finds nothing.
pub(crate) struct ConcurrentQueue<T> {
    /// `Err` once it is closed: the items that are left.
    items: Mutex<Result<VecDeque<T>, VecDeque<T>>>,
    capacity: usize,
}

impl<T> ConcurrentQueue<T> {
    pub(crate) fn bounded(capacity: usize) -> Self {
        Self { items: Mutex::new(Ok(VecDeque::new())), capacity }
    }

    pub(crate) fn unbounded() -> Self {
        Self::bounded(usize::MAX)
    }

    fn items(&self) -> MutexGuard<'_, Result<VecDeque<T>, VecDeque<T>>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        match &mut *self.items() {
            Ok(items) if items.len() < self.capacity => {
                items.push_back(item);
                Ok(())
            }
            _ => Err(item),
        }
    }

    pub(crate) fn pop(&self) -> Result<T, PopError> {
        match &mut *self.items() {
            Ok(items) => items.pop_front().ok_or(PopError::Empty),
            Err(items) => items.pop_front().ok_or(PopError::Closed),
        }
    }

    pub(crate) fn close(&self) {
        let mut items = self.items();
        if let Ok(left) = &mut *items {
            *items = Err(std::mem::take(left));
        }
    }

    pub(crate) fn try_iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.pop().ok())
    }

    pub(crate) fn len(&self) -> usize {
        self.items().as_ref().map_or_else(VecDeque::len, VecDeque::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Stands for `std::sync::OnceLock`. A thread that finds the value sees what was done before it was put in,
/// and another may find none for a while.
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    /// Never found before `is_set`, which orders it.
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self { is_set: AtomicBool::new(false), value: std::sync::OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
    }

    /// In core, `make` only makes a value. So loom stops no thread within it, and nobody has to wait for that
    /// one.
    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if !self.is_set.load(Ordering::Acquire) {
            self.is_set.swap(true, Ordering::AcqRel);
        }
        self.value.get_or_init(make)
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        match self.is_set.swap(true, Ordering::AcqRel) {
            true => Err(value),
            false => self.value.set(value),
        }
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Stands for `arc_swap::ArcSwapAny`, whose changes, too, are in one order that all threads agree on.
pub(crate) struct ArcSwapAny<A>(Mutex<A>);

pub(crate) type ArcSwap<T> = ArcSwapAny<Arc<T>>;
pub(crate) type ArcSwapOption<T> = ArcSwapAny<Option<Arc<T>>>;

pub(crate) struct Loaded<A>(A);

impl<A> Deref for Loaded<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

impl<A: Clone> ArcSwapAny<A> {
    fn locked(&self) -> MutexGuard<'_, A> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self) -> Loaded<A> {
        Loaded(self.load_full())
    }

    pub(crate) fn load_full(&self) -> A {
        self.locked().clone()
    }

    pub(crate) fn swap(&self, new: A) -> A {
        std::mem::replace(&mut *self.locked(), new)
    }

    pub(crate) fn store(&self, new: A) {
        drop(self.swap(new));
    }
}

impl<T> ArcSwapAny<Arc<T>> {
    pub(crate) fn from_pointee(value: T) -> Self {
        Self(Mutex::new(Arc::new(value)))
    }

    pub(crate) fn compare_and_swap(&self, seen: &Arc<T>, new: Arc<T>) -> Loaded<Arc<T>> {
        let mut current = self.locked();
        let before = current.clone();
        if Arc::ptr_eq(&before, seen) {
            *current = new;
        }
        Loaded(before)
    }
}

impl<T> Default for ArcSwapAny<Option<Arc<T>>> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> ArcSwapAny<Option<Arc<T>>> {
    pub(crate) fn empty() -> Self {
        Self(Mutex::new(None))
    }

    /// The step in which the real one succeeds. It gives the value before.
    pub(crate) fn rcu(&self, change: impl Fn(&Option<Arc<T>>) -> Option<Arc<T>>) -> Option<Arc<T>> {
        let mut current = self.locked();
        let new = change(&current);
        std::mem::replace(&mut *current, new)
    }
}

/// Stands for `futures_util::task::AtomicWaker`. Like that, it puts registrations and wakes into one order that all
/// threads agree on.
pub(crate) struct AtomicWaker(Mutex<Option<Waker>>);

impl AtomicWaker {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn locked(&self) -> MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn register(&self, waker: &Waker) {
        *self.locked() = Some(waker.clone());
    }

    pub(crate) fn take(&self) -> Option<Waker> {
        self.locked().take()
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = self.take() {
            waker.wake();
        }
    }
}
