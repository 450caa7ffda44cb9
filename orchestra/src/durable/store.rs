//! The seam between durable orchestras and the stores of their runs.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

/// A node of a run's graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunNode {
    /// Its name, unique within the run.
    pub name: Arc<str>,
    /// The names of the nodes that it depends on, in alphabetical order, each once.
    pub depends_on: Vec<Arc<str>>,
    /// True if its output is kept; false for an ordinary node, which is only a part of the graph.
    pub is_durable: bool,
}

/// The progress of a node, as the store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeProgress {
    /// Not started, or failed. Ordinary nodes stay here.
    Waiting,
    /// Started, and neither completed nor failed: it runs, or it was interrupted.
    Running,
    /// Completed with this output. A completed node never changes again.
    Completed(Vec<u8>),
}

/// A node of a run, as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNode {
    /// The node.
    pub node: RunNode,
    /// Its progress.
    pub progress: NodeProgress,
}

/// A run in a list: see [`runs`](crate::durable::runs).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id.
    pub id: Arc<str>,
    /// When it was first begun, or forked, by the store's clock.
    pub begun: SystemTime,
    /// The number of its starts; 0 for a fork that was not started yet.
    pub starts: u64,
    /// The run that it was forked from.
    pub forked_from: Option<Arc<str>>,
    /// The number of its durable nodes. This and the counts that follow leave ordinary nodes out.
    pub nodes: usize,
    /// The number of nodes that have completed.
    pub completed: usize,
    /// The number of nodes that were started, and have neither completed nor failed: they run, or were
    /// interrupted.
    pub running: usize,
}

impl RunSummary {
    /// True once all durable nodes have completed.
    pub fn is_finished(&self) -> bool {
        self.completed == self.nodes
    }
}

/// A store of runs. Methods take `&self` and are called concurrently.
///
/// **Attempts.** Each [`begin`](Self::begin) of a run gives it a greater number. A call with a number that is not the
/// newest changes nothing, and returns false. The check and the change are one step: a `begin` that follows, and
/// the [`load`](Self::load) after it, see the change.
///
/// **Repeated calls.** A store may carry out a call twice, for example after a lost connection. Each call is made so
/// that the second time changes nothing more, except that `begin` may skip a number.
///
/// **Cancel safety.** A future that is dropped may have changed the store or not. It never leaves a half of a change.
pub trait RunStore: Send + Sync + 'static {
    /// The error of the store.
    type Error: Error + Send + Sync + 'static;

    /// Returns the nodes of a run, in the order of its graph; `None` if there is no such run.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn load(&self, run: &str) -> impl Future<Output = Result<Option<Vec<StoredNode>>, Self::Error>> + Send;

    /// Takes a run over, and returns the number of this attempt. Where there is no such run, it is made with this graph,
    /// which has at least one node, and all nodes wait; else the graph is not looked at.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn begin(&self, run: &str, graph: &[RunNode]) -> impl Future<Output = Result<u64, Self::Error>> + Send;

    /// Marks a node as running. Changes nothing if it has completed. Returns false if `attempt` is not the newest.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn node_started(
        &self,
        run: &str,
        attempt: u64,
        node: &str,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Marks a node as completed, and keeps its output. Changes nothing if it has completed: the first output stays.
    /// Returns false if `attempt` is not the newest.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn node_completed(
        &self,
        run: &str,
        attempt: u64,
        node: &str,
        output: &[u8],
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Marks a node as waiting again, since it has failed. Changes nothing if it has completed. Returns false if
    /// `attempt` is not the newest.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn node_failed(
        &self,
        run: &str,
        attempt: u64,
        node: &str,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Returns all runs, in the order in which they were begun.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    fn runs(&self) -> impl Future<Output = Result<Vec<RunSummary>, Self::Error>> + Send;

    /// Makes the run `to` with the graph and the completed nodes of `from`, except for the nodes `again`: these and all
    /// others wait. Returns false, and changes nothing, if there is a run `to`, unless it is a fork of `from` that was
    /// not started: it is made anew.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    fn fork(
        &self,
        from: &str,
        to: &str,
        again: &[Arc<str>],
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;
}
