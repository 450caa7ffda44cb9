//! The primitives of core's own protocols, in one place: the models in `tests/` replace them with loom's.

pub(crate) mod deadline;
pub(crate) mod shard;

pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use std::sync::{Mutex, MutexGuard, OnceLock};

pub(crate) use arc_swap::{ArcSwap, ArcSwapOption};
pub(crate) use concurrent_queue::ConcurrentQueue;
pub(crate) use event_listener::{Event, EventListener};
pub(crate) use futures_util::task::AtomicWaker;
