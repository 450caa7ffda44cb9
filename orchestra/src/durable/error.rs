//! The errors of durable runs. They name the run, and the node concerned.

use std::error::Error;
use std::sync::Arc;

use sweet_async_core::error::BoxError;

/// The names, for a message.
fn listed(names: &[Arc<str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// The node of a call, for a message.
fn of_node(node: &Option<Arc<str>>) -> String {
    node.as_ref().map(|node| format!(" (node `{node}`)")).unwrap_or_default()
}

/// The run of a call, for a message.
fn of_run(run: &Arc<str>) -> String {
    if run.is_empty() { String::new() } else { format!(" of the run `{run}`") }
}

fn kind(is_durable: bool) -> &'static str {
    if is_durable { "durable" } else { "ordinary" }
}

/// The refusal of a durable run, or its failure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DurableError {
    /// A call of the store has failed.
    #[error("the store{} has failed: {call}{}: {source}", of_run(run), of_node(node))]
    Store {
        /// The id of the run; empty where all runs were to be listed.
        run: Arc<str>,
        /// The call, in words: "load the run", "begin the run", "mark the start of a node", "keep an output", "mark the
        /// failure of a node", "list the runs" or "fork the run".
        call: &'static str,
        /// The node, where the call is about one.
        node: Option<Arc<str>>,
        /// The error of the store.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The run was begun again, in another process or by another orchestrator, which has it now.
    #[error("the run `{run}` was begun again elsewhere, and this start of it keeps nothing any more")]
    TakenOver {
        /// The id of the run.
        run: Arc<str>,
    },
    /// A node of the run is not registered.
    #[error("the graph of the run `{run}` has changed: the node `{node}` is missing")]
    MissingNode {
        /// The id of the run.
        run: Arc<str>,
        /// The name of the node.
        node: Arc<str>,
    },
    /// A registered node is not one of the run.
    #[error("the graph of the run `{run}` has changed: the node `{node}` is new")]
    NewNode {
        /// The id of the run.
        run: Arc<str>,
        /// The name of the node.
        node: Arc<str>,
    },
    /// A node depends on other nodes than before.
    #[error(
        "the graph of the run `{run}` has changed: the node `{node}` depended on {}, and depends on {} now",
        listed(before),
        listed(now)
    )]
    ChangedDependencies {
        /// The id of the run.
        run: Arc<str>,
        /// The name of the node.
        node: Arc<str>,
        /// The names of its dependencies in the run.
        before: Vec<Arc<str>>,
        /// The names of its dependencies as they are registered.
        now: Vec<Arc<str>>,
    },
    /// A durable node has become an ordinary one, or the other way round.
    #[error(
        "the graph of the run `{run}` has changed: the node `{node}` was {}, and is {} now",
        kind(*was_durable),
        kind(!*was_durable)
    )]
    ChangedKind {
        /// The id of the run.
        run: Arc<str>,
        /// The name of the node.
        node: Arc<str>,
        /// True if it is a durable node of the run.
        was_durable: bool,
    },
    /// A kept output cannot be read: its type has changed.
    #[error("the output of the node `{node}` that the run `{run}` has kept cannot be read: {source}")]
    UnreadableOutput {
        /// The id of the run.
        run: Arc<str>,
        /// The name of the node.
        node: Arc<str>,
        /// The reason.
        source: Arc<serde_json::Error>,
    },
    /// An output cannot be written. The node has failed by this.
    #[error("the output of the node `{node}` cannot be written: {source}")]
    UnwritableOutput {
        /// The name of the node.
        node: Arc<str>,
        /// The reason.
        source: Arc<serde_json::Error>,
    },
    /// The output of an ordinary node was asked for, and the node was not run: nothing that had to run needed it.
    #[error("the output of the ordinary node `{node}` was not kept, and the node was not run again")]
    NotKept {
        /// The name of the node.
        node: Arc<str>,
    },
    /// The graph is fixed: the run was started. In a durable orchestrator a task is never given new work.
    #[error("the graph of a durable run is fixed: the node `{node}` cannot be added or changed any more")]
    GraphFixed {
        /// The name of the node.
        node: Arc<str>,
    },
    /// There is no run of this id.
    #[error("there is no run `{run}`")]
    UnknownRun {
        /// The id.
        run: Arc<str>,
    },
    /// The run has no node of this name.
    #[error("the run `{run}` has no node `{node}`")]
    UnknownNode {
        /// The id of the run.
        run: Arc<str>,
        /// The name.
        node: Arc<str>,
    },
    /// The id is that of another run.
    #[error("there is a run `{run}` already")]
    RunExists {
        /// The id.
        run: Arc<str>,
    },
}

impl DurableError {
    pub(crate) fn of_store(
        run: &Arc<str>,
        call: &'static str,
        node: Option<&Arc<str>>,
        error: BoxError,
    ) -> Self {
        Self::Store { run: run.clone(), call, node: node.cloned(), source: Arc::from(error) }
    }
}
