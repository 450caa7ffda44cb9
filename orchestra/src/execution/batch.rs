//! A batch: nodes that were started together, ready to run. Each node has an index, and counts its
//! dependencies that are not met. The registry is not read while the batch runs. The transitions of a node are
//! in [`node_state`](super::node_state), and the numbers here are those of its invariants.
//!
//! The end of a task counts down its dependents, on the thread that it ended on, and starts those that have
//! become free. This is a loop, so that a failure may go down a chain of any length.

use std::ops::Deref;
use std::sync::Arc;

use crossbeam_utils::CachePadded;

use crate::Cause;
use crate::edge_policy::EdgePolicy;
use crate::execution::cancel_request::CancelRequest;
use crate::execution::node_state::{NodeState, TaskEnd};
use crate::execution::session_state::SessionState;
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::TaskRef;
use sweet_async_core::extend::current_task;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskStatus;

/// A function that starts the task of a node. It returns `None` where there is no task.
pub(crate) type Work<R> = Box<dyn FnOnce(NodeRef<R>) -> Option<TaskRef> + Send>;

/// A node of a batch: its work, and the nodes of later batches that wait for it.
pub(crate) type Node<R> = NodeState<Work<R>, LaterDependent<R>>;

/// A node of a later batch that waits for a node of an earlier one.
pub(crate) struct LaterDependent<R: Runtime> {
    batch: Arc<Batch<R>>,
    link: Link,
}

/// A dependent of a node, and the condition of the dependency.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub(crate) to: u32,
    pub(crate) policy: EdgePolicy,
}

/// The nodes that were started together. Padded: its references are counted by all threads, which would else
/// take the fields from each other's caches.
pub(crate) struct Batch<R: Runtime>(CachePadded<Fields<R>>);

/// The fields of a [`Batch`].
pub(crate) struct Fields<R: Runtime> {
    pub(crate) session: Arc<SessionState<R>>,
    nodes: Box<[Node<R>]>,
    links: Box<[Link]>,
    /// True for a task that is in no graph.
    is_ad_hoc: bool,
}

impl<R: Runtime> Deref for Batch<R> {
    type Target = Fields<R>;

    fn deref(&self) -> &Fields<R> {
        &self.0
    }
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
    fn with(fields: Fields<R>) -> Arc<Self> {
        Arc::new(Self(CachePadded::new(fields)))
    }

    /// A batch of a graph. The links of all nodes are in the order of the nodes.
    pub(crate) fn new(session: Arc<SessionState<R>>, nodes: Vec<Node<R>>, links: Vec<Link>) -> Arc<Self> {
        Self::with(Fields { session, nodes: nodes.into(), links: links.into(), is_ad_hoc: false })
    }

    /// The batch of an ad-hoc task, which the session has counted.
    pub(crate) fn ad_hoc(session: Arc<SessionState<R>>, name: Arc<str>, work: Work<R>) -> Arc<Self> {
        let nodes = [NodeState::new(name, work, None, 0, 0)].into();
        Self::with(Fields { session, nodes, links: Box::default(), is_ad_hoc: true })
    }

    pub(crate) fn node(&self, index: u32) -> Option<&Node<R>> {
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
        #[cfg(feature = "durable")]
        self.restore();
        for index in 0..self.nodes.len() as u32 {
            self.dependency_met(index);
        }
    }

    /// Completes the nodes whose outputs a durable run has kept, whatever becomes of their dependencies.
    #[cfg(feature = "durable")]
    fn restore(self: &Arc<Self>) {
        let Some(run) = &self.session.progress.run else { return };
        let is_restored =
            |index: &u32| self.node(*index).is_some_and(|node| run.is_restored(&node.name) && node.restore());
        let restored = (0..self.nodes.len() as u32).filter(is_restored);
        Self::propagate_all(restored.map(|index| NodeRef { batch: self.clone(), index }).collect());
    }

    /// Counts a dependency of `index` as met, or the batch as begun.
    fn dependency_met(self: &Arc<Self>, index: u32) {
        let Some(node) = self.node(index) else { return };
        if node.meet_dependency() && !self.start(index, node) {
            self.ended_early(index);
        }
    }

    /// Begins the only node of a batch that its session does not know of.
    pub(crate) fn begin_single(self: &Arc<Self>) {
        self.dependency_met(0);
    }

    /// Starts a node, unless it is not waiting any more. False if it has ended instead, since the session is
    /// stopping.
    fn start(self: &Arc<Self>, index: u32, node: &Node<R>) -> bool {
        if self.session.is_stopping() {
            return !self.cancel_unstarted(node);
        }
        let Some(work) = node.start() else { return true };
        let Some(task) = work(NodeRef { batch: self.clone(), index }) else { return true };
        if let Some(request) = node.task_made(&task) {
            request.cancel(&task);
        }
        true
    }

    /// Requests the cancellation of a node. One that waits ends at once.
    pub(crate) fn cancel(self: &Arc<Self>, index: u32, request: &CancelRequest) {
        let Some(node) = self.node(index) else { return };
        if node.cancel_waiting(request.error(&node.name)) {
            self.ended_early(index);
        } else if let Some(task) = node.request_cancel(request) {
            request.cancel(&task);
        }
    }

    /// Cancels a node that has not begun, since the session is stopping, and notifies its dependents.
    pub(crate) fn cancel_early(self: &Arc<Self>, index: u32) {
        if self.node(index).is_some_and(|node| self.cancel_unstarted(node)) {
            self.ended_early(index);
        }
    }

    /// Cancels a node, if it has not begun, since the session is stopping. True if it has ended by this.
    fn cancel_unstarted(&self, node: &Node<R>) -> bool {
        self.session.record_cancelled_task();
        node.cancel_waiting(self.session.stop_request().error(&node.name))
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
    fn settle(self: &Arc<Self>, index: u32, end: TaskEnd, error: Option<AsyncTaskError>) {
        let Some(node) = self.node(index) else { return };
        let time = self.session.elapsed();
        let error = error.map(Arc::new);
        if end == TaskEnd::Failed
            && let Some(error) = &error
            && !self.is_ad_hoc
        {
            self.session.task_failed(&node.name, error);
        }
        if end == TaskEnd::Cancelled && self.session.is_stopping() {
            self.session.record_cancelled_task();
        }
        let had_begun = node.settle(end, error, time);
        if self.is_ad_hoc {
            self.session.progress.ad_hoc_ended(had_begun, &node.status(), node.took());
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
        self.notify_dependents(index, &mut ended);
        Self::propagate_all(ended);
    }

    /// As [`propagate`](Self::propagate), for nodes of any batches.
    fn propagate_all(mut ended: Vec<NodeRef<R>>) {
        while let Some(NodeRef { batch, index }) = ended.pop() {
            batch.notify_dependents(index, &mut ended);
        }
    }

    /// Notifies the dependents of a node that has ended. Those that end by this are added to `ended`.
    fn notify_dependents(self: &Arc<Self>, index: u32, ended: &mut Vec<NodeRef<R>>) {
        let Some(node) = self.node(index) else { return };
        for link in self.links(index) {
            self.notify(*link, node.blocks(link.policy), ended);
        }
        for LaterDependent { batch, link } in node.take_later_dependents() {
            batch.notify(link, node.blocks(link.policy), ended);
        }
        self.session.node_ended();
    }

    /// Counts a dependency of a node as met, or ends the node that can never begin. If it has ended by this,
    /// it is added to `ended`.
    fn notify(self: &Arc<Self>, link: Link, blocked: Option<Cause>, ended: &mut Vec<NodeRef<R>>) {
        let Some(dependent) = self.node(link.to) else { return };
        let has_ended = match blocked {
            Some(_) if self.session.is_stopping() => self.cancel_unstarted(dependent),
            Some(cause) => dependent.skip(cause),
            None => dependent.meet_dependency() && !self.start(link.to, dependent),
        };
        if has_ended {
            ended.push(NodeRef { batch: self.clone(), index: link.to });
        }
    }

    /// Makes `link` of a later batch wait for `index`. Where `index` has ended, the dependent is notified at
    /// once.
    pub(crate) fn add_later_dependent(&self, index: u32, batch: &Arc<Self>, link: Link) {
        let Some(node) = self.node(index) else { return };
        let mut ended = vec![];
        for LaterDependent { batch, link } in
            node.add_later_dependent(LaterDependent { batch: batch.clone(), link })
        {
            batch.notify(link, node.blocks(link.policy), &mut ended);
        }
        Self::propagate_all(ended);
    }
}

impl<R: Runtime> NodeRef<R> {
    pub(crate) fn node_state(&self) -> Option<&Node<R>> {
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

    /// True once its work has begun, or will not begin.
    pub(crate) fn has_begun(&self) -> bool {
        self.node_state().is_none_or(|node| !node.waits_for_permit())
    }

    /// Records that the work begins: it holds its permit.
    pub(crate) fn record_start(&self) {
        let Some(node) = self.node_state() else { return };
        node.begin(self.batch.session.begin_time());
        if self.batch.is_ad_hoc {
            self.batch.session.progress.ad_hoc_began();
        }
    }

    /// Records the end of an ad-hoc task, of which nothing is left; `None` if it was not even started. Its
    /// result is reported to its caller.
    pub(crate) fn record_ad_hoc_end(&self, task: Option<&TaskRef>) {
        let end = match task.map(|task| task.control.status()) {
            Some(TaskStatus::Completed) => TaskEnd::Completed,
            Some(TaskStatus::Failed) => TaskEnd::Failed,
            _ => TaskEnd::Cancelled,
        };
        self.batch.settle(self.index, end, None);
    }

    /// Records the end of the task, of which nothing is left.
    pub(crate) fn record_end(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let (end, error) = match result {
            Ok(()) => (TaskEnd::Completed, None),
            Err(error) => match task.control.status() {
                TaskStatus::Failed => (TaskEnd::Failed, Some(error)),
                _ => (TaskEnd::Cancelled, Some(error)),
            },
        };
        if end == TaskEnd::Cancelled && matches!(&error, Some(AsyncTaskError::Shutdown)) {
            // Nothing can be started on this runtime any more.
            self.batch.session.stop();
        }
        self.batch.settle(self.index, end, error);
    }
}
