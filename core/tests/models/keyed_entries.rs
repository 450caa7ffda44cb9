//! The policy of a key that is looked up while it is evicted.

use std::sync::Arc;
use std::time::Instant;

use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread::spawn;

use crate::entry::Entry;
use crate::keyed::keyable::Keyable;
use crate::{ALL, check, joined};

/// A policy with its number of handles, which stands for that of an `Arc`.
struct Policy(Arc<AtomicUsize>);

impl Policy {
    fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(1)))
    }
}

impl Clone for Policy {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Ordering::Relaxed);
        Self(self.0.clone())
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Keyable for Policy {
    fn each_address(&self, _: &mut dyn FnMut(usize)) {}

    /// As that of `Limiter`, which no other key has.
    fn is_idle_apart_from(&self, _: Instant, _: &dyn Fn(usize) -> bool) -> bool {
        let is_only = self.0.load(Ordering::Relaxed) == 1;
        fence(Ordering::Acquire);
        is_only
    }
}

fn entry() -> Arc<Entry<(), Policy>> {
    Arc::new(Entry::new(0, (), Policy::new()))
}

#[test]
fn an_entry_is_handed_out_or_evicted_and_never_both() {
    check(ALL, || {
        let (now, entry) = (Instant::now(), entry());
        let same = entry.clone();
        let lookup = spawn(move || same.handle());
        let is_evicted = entry.evict(now, &|_| false);
        let handle = joined(lookup).flatten();
        assert!(handle.is_some() != is_evicted);
        // An eviction that was given up leaves no mark.
        assert!(entry.handle().is_some() != is_evicted);
    });
}

#[test]
fn an_entry_can_be_evicted_once_its_handles_are_dropped() {
    check(ALL, || {
        let (now, entry) = (Instant::now(), entry());
        let same = entry.clone();
        let lookup = spawn(move || drop(same.handle()));
        let is_evicted = entry.evict(now, &|_| false);
        assert!(joined(lookup).is_some());
        assert!(is_evicted || entry.evict(now, &|_| false), "it stays in use");
        assert!(entry.handle().is_none(), "an evicted policy is handed out");
    });
}
