//! A batch: nodes that were started together, ready to run. Each node has an index, and counts its
//! dependencies that are not met. The registry is not read while the batch runs.
//!
//! ```text
//!  WAITING ── last dependency met ──► STARTED ── has a permit ──► RUNNING ──► COMPLETED | FAILED | CANCELLED
//!     │                                  └── ended before it has one ───────────► FAILED | CANCELLED
//!     ├─── a needed dependency has not succeeded ──► SKIPPED
//!     └─── cancelled, or the session is stopping ──► CANCELLED
//! ```
//!
//! 1. One exchange of the state decides which way a node leaves `WAITING`.
//! 2. From `STARTED` on, only the node's own task moves the state.
//! 3. A final state is never left.
//!
//! The end of a task counts down its dependents, on the thread that it ended on, and starts those that have
//! become free. This is a loop, so that a failure may go down a chain of any length.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::Cause;
use crate::execution::cancel_request::CancelRequest;
use crate::execution::node_state::{
    CANCELLED, COMPLETED, Contents, FAILED, LaterDependent, Link, NodeState, RUNNING, STARTED, Work,
};
use crate::execution::session::Session;
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::current_task;
use sweet_async_core::extend::{TaskRef, Values, caught};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskStatus;

/// The description from which a node is made.
pub(crate) struct NodeSpec<R: Runtime> {
    pub(crate) name: Arc<str>,
    pub(crate) work: Work<R>,
    pub(crate) values: Option<Arc<Values>>,
    pub(crate) unmet: usize,
    pub(crate) dependents: Vec<Link>,
}

/// The nodes that were started together. Aligned to a cache line: its references are counted by all threads,
/// which would else take the fields from each other's caches.
#[repr(align(64))]
pub(crate) struct Batch<R: Runtime> {
    pub(crate) session: Arc<Session<R>>,
    nodes: Box<[NodeState<R>]>,
    links: Box<[Link]>,
    /// True for a task that is in no graph.
    is_ad_hoc: bool,
}

/// One node of a batch, as its task holds it.
pub(crate) struct NodeRef<R: Runtime> {
    pub(crate) batch: Arc<Batch<R>>,
    index: u32,
}

impl<R: Runtime> Clone for NodeRef<R> {
    fn clone(&self) -> Self {
        Self { batch: self.batch.clone(), index: self.index }
    }
}

impl<R: Runtime> Batch<R> {
    pub(crate) fn new(session: Arc<Session<R>>, specs: Vec<NodeSpec<R>>, is_ad_hoc: bool) -> Arc<Self> {
        let mut links = Vec::new();
        let nodes = specs.into_iter().map(|NodeSpec { name, work, values, unmet, dependents }| {
            let first = links.len() as u32;
            links.extend(dependents);
            NodeState::new(name, work, values, unmet, first)
        });
        let nodes = nodes.collect();
        Arc::new(Self { session, nodes, links: links.into(), is_ad_hoc })
    }

    pub(crate) fn node(&self, index: u32) -> Option<&NodeState<R>> {
        self.nodes.get(index as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    fn links(&self, index: u32) -> &[Link] {
        let first = self.node(index).map_or(0, |node| node.first_link as usize);
        let end = self.node(index + 1).map_or(self.links.len(), |next| next.first_link as usize);
        self.links.get(first..end).unwrap_or_default()
    }

    /// Begins the batch: starts the nodes that wait for nothing.
    pub(crate) fn begin(self: &Arc<Self>) {
        for index in 0..self.nodes.len() as u32 {
            self.dependency_met(index);
        }
    }

    /// Counts `unmet` of `index` down: a dependency is met, or the batch begins.
    fn dependency_met(self: &Arc<Self>, index: u32) {
        let Some(node) = self.node(index) else { return };
        // AcqRel: pairs with the other decrements of `unmet`, so that the effects of all dependencies happen
        // before this start.
        if node.unmet.fetch_sub(1, Ordering::AcqRel) == 1 && !self.start(index, node) {
            self.ended_early(index);
        }
    }

    /// Begins the only node of a batch that its session does not know of.
    pub(crate) fn begin_single(self: &Arc<Self>) {
        self.dependency_met(0);
    }

    /// Starts a node, unless it has left `WAITING` before. False if it has ended instead, since the session
    /// is stopping.
    fn start(self: &Arc<Self>, index: u32, node: &NodeState<R>) -> bool {
        if self.session.is_stopping() {
            return !self.cancel_unstarted(node);
        }
        let work = {
            // Both under the lock: a thread that finds the node started also finds that its task is being
            // made.
            let mut contents = node.lock();
            let is_claimed = node.leave_waiting(STARTED);
            match &*contents {
                Contents::Work(_) if is_claimed => {
                    std::mem::replace(&mut *contents, Contents::Starting(None))
                }
                _ => return true,
            }
        };
        let Contents::Work(work) = work else { return true };
        let Some(task) = work(NodeRef { batch: self.clone(), index }) else { return true };
        let mut contents = node.lock();
        if let Contents::Starting(requested) = &mut *contents {
            let requested = requested.take();
            *contents = Contents::Task(task.clone());
            drop(contents);
            if let Some(request) = requested {
                request.cancel(&task);
            }
        }
        true
    }

    /// Requests the cancellation of a node. One that waits ends at once.
    pub(crate) fn cancel(self: &Arc<Self>, index: u32, request: &CancelRequest) {
        let Some(node) = self.node(index) else { return };
        if node.end_early(CANCELLED, request.error(&node.name)) {
            self.ended_early(index);
            return;
        }
        let mut contents = node.lock();
        match &mut *contents {
            Contents::Starting(requested) => {
                // The level only rises, and the first cause stays with its reason.
                let first = requested.get_or_insert_with(|| Box::new(request.clone()));
                first.level = first.level.max(request.level);
            }
            Contents::Task(task) => {
                let task = task.clone();
                drop(contents);
                request.cancel(&task);
            }
            Contents::Work(_) | Contents::Ended(_) => {}
        }
    }

    /// Cancels a node that has not begun, since the session is stopping, and notifies its dependents.
    pub(crate) fn cancel_early(self: &Arc<Self>, index: u32) {
        if self.node(index).is_some_and(|node| self.cancel_unstarted(node)) {
            self.ended_early(index);
        }
    }

    /// Cancels a node, if it has not begun, since the session is stopping. True if it has ended by this.
    fn cancel_unstarted(&self, node: &NodeState<R>) -> bool {
        self.session.record_cancelled_task();
        node.end_early(CANCELLED, self.session.stop_request().error(&node.name))
    }

    /// Skips a node that has not begun.
    pub(crate) fn skip(self: &Arc<Self>, index: u32, cause: Cause) {
        if self.node(index).is_some_and(|node| node.skip(cause)) {
            self.propagate(index);
        }
    }

    /// Cancels all nodes that wait, since the session has ended without them.
    pub(crate) fn cancel_waiting(self: &Arc<Self>) {
        for index in 0..self.nodes.len() as u32 {
            self.cancel_early(index);
        }
    }

    /// Records the end of a node's task.
    fn settle(self: &Arc<Self>, index: u32, state: u8, error: Option<AsyncTaskError>) {
        let Some(node) = self.node(index) else { return };
        node.ended.store(self.session.elapsed(), Ordering::Relaxed);
        let error = error.map(Arc::new);
        if state == FAILED
            && let Some(error) = &error
            && !self.is_ad_hoc
        {
            self.session.task_failed(&node.name, error);
        }
        let task = std::mem::replace(&mut *node.lock(), Contents::Ended(error));
        // The last reference to a task drops its values, whose destructors are the user's.
        let _ = caught(|| drop(task));
        if state == CANCELLED && self.session.is_stopping() {
            self.session.record_cancelled_task();
        }
        let began = node.state.swap(state, Ordering::SeqCst) == RUNNING;
        if self.is_ad_hoc {
            self.session.progress.ad_hoc_ended(began, &node.status(), node.took());
        }
        self.propagate(index);
    }

    /// Handles the end of a node that has not begun.
    fn ended_early(self: &Arc<Self>, index: u32) {
        if self.is_ad_hoc
            && let Some(node) = self.node(index)
        {
            self.session.progress.ad_hoc_ended(false, &node.status(), None);
        }
        self.propagate(index);
    }

    /// Handles the end of a node: counts down its dependents, starts those that are free, and skips those
    /// that can never begin.
    fn propagate(self: &Arc<Self>, index: u32) {
        let mut ended = vec![];
        let mut next = Some(index);
        while let Some(index) = next {
            for link in self.links(index) {
                self.notify(index, *link, &mut ended);
            }
            if let Some(later) = self.node(index).and_then(|node| node.later_dependents.get()) {
                let later = std::mem::take(&mut *later.lock().unwrap_or_else(PoisonError::into_inner));
                later.into_iter().for_each(|dependent| self.notify_later_dependent(index, &dependent));
            }
            self.session.node_ended();
            next = ended.pop();
        }
    }

    /// Notifies a dependent of `index`, which has ended. A dependent that ends by this is added to `ended`.
    fn notify(self: &Arc<Self>, index: u32, link: Link, ended: &mut Vec<u32>) {
        let (Some(node), Some(dependent)) = (self.node(index), self.node(link.to)) else { return };
        if let Some(cause) = node.blocks(link.policy) {
            let has_ended = match self.session.is_stopping() {
                true => self.cancel_unstarted(dependent),
                false => dependent.skip(cause),
            };
            if has_ended {
                ended.push(link.to);
            }
        } else if dependent.unmet.fetch_sub(1, Ordering::AcqRel) == 1 && !self.start(link.to, dependent) {
            ended.push(link.to);
        }
    }

    fn notify_later_dependent(&self, index: u32, dependent: &LaterDependent<R>) {
        match self.node(index).and_then(|node| node.blocks(dependent.link.policy)) {
            Some(cause) => dependent.batch.skip(dependent.link.to, cause),
            None => dependent.batch.dependency_met(dependent.link.to),
        }
    }

    /// Makes `link` of a later batch wait for `index`. Where `index` has ended, the dependent is notified at
    /// once.
    pub(crate) fn add_later_dependent(&self, index: u32, batch: &Arc<Self>, link: Link) {
        let Some(node) = self.node(index) else { return };
        let later = node.later_dependents.get_or_init(Box::default);
        let lock = || later.lock().unwrap_or_else(PoisonError::into_inner);
        lock().push(LaterDependent { batch: batch.clone(), link });
        // Pushed before the state is read: the end stores the state, and then takes the list. SeqCst, so that
        // one of the two sees the other; the one that takes an entry out of the list notifies it.
        if node.has_ended() {
            let later = std::mem::take(&mut *lock());
            later.into_iter().for_each(|dependent| self.notify_later_dependent(index, &dependent));
        }
    }
}

impl<R: Runtime> NodeRef<R> {
    pub(crate) fn node_state(&self) -> Option<&NodeState<R>> {
        self.batch.node(self.index)
    }

    /// The error with which the task that is polled here, which has not begun, ends if it is not to begin any
    /// more: its cancellation was requested, or the session is stopping.
    pub(crate) fn refusal(&self) -> Option<AsyncTaskError> {
        let task = current_task()?;
        if task.control.asked().is_none() {
            if !self.batch.session.is_stopping() {
                return None;
            }
            let reason = self.batch.session.stop_request().reason;
            task.control.raise_because(CancelLevel::Graceful, CancelCause::Requested, reason.as_ref());
        }
        Some(task.control.stop_as_asked())
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.node_state().is_none_or(|node| node.state.load(Ordering::Relaxed) != STARTED)
    }

    /// Records that the work begins: it holds its permit.
    pub(crate) fn record_start(&self) {
        let Some(node) = self.node_state() else { return };
        node.began.store(self.batch.session.elapsed(), Ordering::Relaxed);
        node.state.store(RUNNING, Ordering::SeqCst);
        if self.batch.is_ad_hoc {
            self.batch.session.progress.ad_hoc_began();
        }
    }

    /// Records the end of an ad-hoc task, of which nothing is left; `None` if it was not even started. Its
    /// result is reported to its caller.
    pub(crate) fn record_ad_hoc_end(&self, task: Option<&TaskRef>) {
        let state = match task.map(|task| task.control.status()) {
            Some(TaskStatus::Completed) => COMPLETED,
            Some(TaskStatus::Failed) => FAILED,
            _ => CANCELLED,
        };
        self.batch.settle(self.index, state, None);
    }

    /// Records the end of the task, of which nothing is left.
    pub(crate) fn record_end(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let (state, error) = match result {
            Ok(()) => (COMPLETED, None),
            Err(error) => match task.control.status() {
                TaskStatus::Failed => (FAILED, Some(error)),
                _ => (CANCELLED, Some(error)),
            },
        };
        if state == CANCELLED && matches!(&error, Some(AsyncTaskError::Shutdown)) {
            // Nothing can be started on this runtime any more.
            self.batch.session.stop();
        }
        self.batch.settle(self.index, state, error);
    }
}
