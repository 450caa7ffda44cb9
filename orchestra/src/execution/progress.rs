//! The progress of an orchestrator: the state that its sessions share with its handles, apart from the
//! registry.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use event_listener::Event;

use crate::execution::autoscale::Concurrency;
use crate::execution::failures::Failures;
use crate::status::{ExecutionStats, NodeStatus};
use sweet_async_core::extend::notify_all;

pub(crate) struct Progress {
    pub(crate) concurrency: Concurrency,
    /// Set once the orchestrator accepts nothing more. No task begins after that.
    is_closed: AtomicBool,
    /// The reason for which it was closed, if one was given. Set before `is_closed`.
    close_reason: OnceLock<Arc<str>>,
    /// The number of tasks that have ended, counted where the load decides on the concurrency.
    pub(crate) ended: AtomicU64,
    /// The moment from which times count: the first reading of `Session::elapsed`. That is made when the
    /// first task begins or ends, or by a report before that.
    pub(crate) epoch: OnceLock<Instant>,
    pub(crate) failures: Failures,
    /// The counts of ad-hoc tasks. A lock, so that they add up at any moment: taken three times for each
    /// task.
    ad_hoc: Mutex<ExecutionStats>,
    changed: Event,
    /// The number of listeners, so that an end without any costs a load.
    listeners: AtomicUsize,
}

impl Progress {
    pub(crate) fn new(concurrency: Concurrency) -> Self {
        Self {
            concurrency,
            is_closed: AtomicBool::new(false),
            close_reason: OnceLock::new(),
            ended: AtomicU64::new(0),
            epoch: OnceLock::new(),
            failures: Failures::default(),
            ad_hoc: Mutex::default(),
            changed: Event::new(),
            listeners: AtomicUsize::new(0),
        }
    }

    /// Lets no task begin from now on. The first call decides on the reason, and calls do not overlap.
    pub(crate) fn close(&self, reason: Option<&Arc<str>>) {
        if let Some(reason) = reason
            && !self.is_closed()
        {
            let _ = self.close_reason.set(reason.clone());
        }
        // SeqCst: stored before any cancellation is requested, so that no task begins with a permit that a
        // cancelled one has released. Pairs with the load in `is_closed`.
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn close_reason(&self) -> Option<&Arc<str>> {
        self.close_reason.get()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    fn lock_ad_hoc(&self) -> MutexGuard<'_, ExecutionStats> {
        self.ad_hoc.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ad_hoc(&self) -> ExecutionStats {
        self.lock_ad_hoc().clone()
    }

    pub(crate) fn ad_hoc_added(&self) {
        self.lock_ad_hoc().pending += 1;
    }

    pub(crate) fn ad_hoc_began(&self) {
        let mut stats = self.lock_ad_hoc();
        stats.pending = stats.pending.saturating_sub(1);
        stats.running += 1;
    }

    pub(crate) fn ad_hoc_ended(&self, began: bool, status: &NodeStatus, took: Option<Duration>) {
        let mut stats = self.lock_ad_hoc();
        let was = if began { &mut stats.running } else { &mut stats.pending };
        *was = was.saturating_sub(1);
        stats.count(status, took);
    }

    /// Notifies the listeners that something has ended.
    pub(crate) fn notify(&self) {
        // SeqCst: pairs with `until`. The thread that ends something stores the end before this load.
        if self.listeners.load(Ordering::SeqCst) > 0 {
            notify_all(&self.changed);
        }
    }

    /// Waits until `done` is true. It is called at first and after each end.
    pub(crate) async fn until(&self, mut done: impl FnMut() -> bool) {
        struct Listens<'a>(&'a AtomicUsize);
        impl Drop for Listens<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        if done() {
            return;
        }
        self.listeners.fetch_add(1, Ordering::SeqCst);
        let _listens = Listens(&self.listeners);
        loop {
            let listener = self.changed.listen();
            if done() {
                return;
            }
            listener.await;
        }
    }
}
