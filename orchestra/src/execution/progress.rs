//! The progress of an orchestrator: the state that its sessions share with its handles, apart from the
//! registry.
//!
//! ```text
//!  open ── close(reason) ──► closed
//! ```
//!
//! 1. `closed` is never left. A task that has not begun by then never begins: each asks before it does, and a
//!    cancellation is requested only after the close. So no task begins with a permit that a cancelled one has
//!    released.
//! 2. The reason is set before the close, or never: a thread that finds it closed finds the reason.
//! 3. Each ad-hoc task is in exactly one of the counts: pending from `ad_hoc_added`, running from
//!    `ad_hoc_began`, and from `ad_hoc_ended` in that of its end. One lock covers each move.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

#[cfg(feature = "durable")]
use crate::durable::run::Run;
use crate::execution::autoscale::Concurrency;
use crate::execution::failures::Failures;
use crate::execution::watch::Watch;
use crate::status::{ExecutionStats, NodeStatus};
use sweet_async_core::extend::TaskRef;

pub(crate) struct Progress {
    pub(crate) concurrency: Concurrency,
    /// Set once the orchestrator accepts nothing more, and never cleared. No task begins after that (1).
    is_closed: AtomicBool,
    /// The reason for which it was closed, if one was given (2).
    close_reason: OnceLock<Arc<str>>,
    /// The number of tasks that have ended, counted where the load decides on the concurrency.
    pub(crate) ended: AtomicU64,
    /// The moment from which times count: the begin of the first task, ad-hoc tasks included.
    pub(crate) epoch: OnceLock<Instant>,
    pub(crate) failures: Failures,
    /// The counts of ad-hoc tasks. A lock, so that they add up at any moment (3): taken three times for each
    /// task.
    ad_hoc: Mutex<ExecutionStats>,
    /// The task of the session of ad-hoc tasks, which is their parent. A lock: it is taken by a session that
    /// begins or ends, and by a cancellation. It is not held while a reference is dropped.
    ad_hoc_parent: Mutex<Option<TaskRef>>,
    /// The ends of tasks.
    pub(crate) tasks: Watch,
    /// The ends of sessions. They are apart from those of tasks: a join waits for a session, and would be woken
    /// for nothing by each task.
    pub(crate) sessions: Watch,
    /// The run, if its outputs are kept.
    #[cfg(feature = "durable")]
    pub(crate) run: Option<Arc<Run>>,
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
            ad_hoc_parent: Mutex::default(),
            tasks: Watch::new(),
            sessions: Watch::new(),
            #[cfg(feature = "durable")]
            run: None,
        }
    }

    /// Lets no task begin from now on. The first call decides on the reason, and calls do not overlap.
    pub(crate) fn close(&self, reason: Option<&Arc<str>>) {
        if let Some(reason) = reason
            && !self.is_closed()
        {
            let _ = self.close_reason.set(reason.clone());
        }
        // SeqCst: stored before any cancellation is requested (1). Pairs with the load in `is_closed`.
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

    fn lock_ad_hoc_parent(&self) -> MutexGuard<'_, Option<TaskRef>> {
        self.ad_hoc_parent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The parent of the ad-hoc tasks; `None` if there are none.
    pub(crate) fn ad_hoc_parent(&self) -> Option<TaskRef> {
        self.lock_ad_hoc_parent().clone()
    }

    /// Ad-hoc tasks are below `parent` from now on. Returns the former parent, to be dropped without the
    /// registry's lock.
    pub(crate) fn ad_hoc_parent_began(&self, parent: Option<&TaskRef>) -> Option<TaskRef> {
        std::mem::replace(&mut *self.lock_ad_hoc_parent(), parent.cloned())
    }

    /// A parent of ad-hoc tasks has ended.
    pub(crate) fn ad_hoc_parent_ended(&self, parent: &TaskRef) {
        let ended = self.lock_ad_hoc_parent().take_if(|own| Arc::ptr_eq(own, parent));
        drop(ended);
    }

    /// Notifies that a session has ended. Its last task has ended with it.
    pub(crate) fn session_ended(&self) {
        self.tasks.notify();
        self.sessions.notify();
    }
}
