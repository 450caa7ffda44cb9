//! A run, as an orchestrator has it.
//!
//! ```text
//!  new ── fix ──► fixed ── open ──► opened ──┐
//!                   └── an error ────────────┴── an error ──► failed
//! ```
//!
//! 1. `fix` comes before the first session of the graph, which calls `open` before it begins anything.
//! 2. `failed` is never left. From then on every call fails with the same error, without a call of the store.
//! 3. Calls for nodes come from the tasks of nodes, and so after `opened`.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use crate::durable::erased::DynRunStore;
use crate::durable::error::DurableError;
use crate::durable::plan::{check_unchanged, restored};
use crate::durable::store::{NodeProgress, RunNode, RunStore, StoredNode};
use sweet_async_core::error::BoxError;

/// A function that reads a kept output into the node that it is of.
pub(crate) type Restore = Arc<dyn Fn(&[u8]) -> Result<(), serde_json::Error> + Send + Sync>;

/// The store and the id of a run.
#[derive(Clone)]
pub(crate) struct RunKey {
    store: Arc<dyn DynRunStore>,
    id: Arc<str>,
}

impl RunKey {
    pub(crate) fn new<Q: RunStore>(store: Q, id: Arc<str>) -> Self {
        Self { store: Arc::new(store), id }
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A node of the graph, as it is registered.
pub(crate) struct Planned {
    pub(crate) node: RunNode,
    /// Set for a durable node.
    pub(crate) restore: Option<Restore>,
}

/// The result of `open`.
struct Opened {
    attempt: u64,
    restored: HashSet<Arc<str>>,
    interrupted: Vec<Arc<str>>,
}

pub(crate) struct Run {
    key: RunKey,
    graph: OnceLock<Vec<Planned>>,
    opened: OnceLock<Opened>,
    error: OnceLock<DurableError>,
}

impl Run {
    pub(crate) fn new(key: RunKey) -> Self {
        Self { key, graph: OnceLock::new(), opened: OnceLock::new(), error: OnceLock::new() }
    }

    /// Fixes the graph. Later calls change nothing.
    pub(crate) fn fix(&self, graph: impl FnOnce() -> Vec<Planned>) {
        self.graph.get_or_init(graph);
    }

    pub(crate) fn is_fixed(&self) -> bool {
        self.graph.get().is_some()
    }

    /// The error with which the run has ended here.
    pub(crate) fn error(&self) -> Option<&DurableError> {
        self.error.get()
    }

    /// True for a node that is not run, since nothing of it is missing. False before `opened`.
    pub(crate) fn is_restored(&self, node: &str) -> bool {
        self.opened.get().is_some_and(|opened| opened.restored.contains(node))
    }

    /// The nodes that were running when an earlier start ended.
    pub(crate) fn interrupted(&self) -> Vec<Arc<str>> {
        self.opened.get().map(|opened| opened.interrupted.clone()).unwrap_or_default()
    }

    /// Takes the run over, and reads the outputs that it has kept. Does nothing once that has been done.
    pub(crate) async fn open(&self) -> Result<(), DurableError> {
        self.check()?;
        if self.opened.get().is_some() {
            return Ok(());
        }
        match self.begin().await {
            Ok(opened) => {
                let _ = self.opened.set(opened);
                Ok(())
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    async fn begin(&self) -> Result<Opened, DurableError> {
        let RunKey { store, id } = &self.key;
        let failed = |call| move |error| DurableError::of_store(id, call, None, error);
        // Before the run is taken over: a program with another graph takes nothing from the one that has it.
        if let Some(stored) = store.load(id).await.map_err(failed("load the run"))? {
            self.read(&stored)?;
        }
        let nodes: Vec<RunNode> = self.planned().iter().map(|planned| planned.node.clone()).collect();
        let attempt = store.begin(id, &nodes).await.map_err(failed("begin the run"))?;
        // From here on nothing else completes a node.
        let stored = store.load(id).await.map_err(failed("load the run"))?;
        let stored = stored.ok_or_else(|| DurableError::UnknownRun { run: id.clone() })?;
        self.read(&stored)?;
        let running = stored.iter().filter(|stored| stored.progress == NodeProgress::Running);
        let interrupted: Vec<Arc<str>> = running.map(|stored| stored.node.name.clone()).collect();
        let restored = restored(&stored);
        tracing::info!(
            name: "orchestra.run_begun",
            run = &**id,
            attempt,
            nodes = stored.len(),
            restored = restored.len(),
            ?interrupted,
            "a durable run begins, or goes on"
        );
        Ok(Opened { attempt, restored, interrupted })
    }

    fn planned(&self) -> &[Planned] {
        self.graph.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Compares the graphs, and reads the kept outputs.
    fn read(&self, stored: &[StoredNode]) -> Result<(), DurableError> {
        let planned = self.planned();
        check_unchanged(&self.key.id, stored, planned.iter().map(|planned| &planned.node))?;
        let by_name: std::collections::HashMap<&str, &Planned> =
            planned.iter().map(|planned| (&*planned.node.name, planned)).collect();
        for StoredNode { node, progress } in stored {
            let restore = by_name.get(&*node.name).and_then(|planned| planned.restore.as_ref());
            if let (NodeProgress::Completed(output), Some(restore)) = (progress, restore) {
                restore(output).map_err(|source| DurableError::UnreadableOutput {
                    run: self.key.id.clone(),
                    node: node.name.clone(),
                    source: Arc::new(source),
                })?;
            }
        }
        Ok(())
    }

    /// Marks a node as running.
    pub(crate) async fn node_started(&self, node: &Arc<str>) -> Result<(), DurableError> {
        let call = |attempt| self.key.store.node_started(&self.key.id, attempt, node);
        self.call("mark the start of a node", node, call).await
    }

    /// Keeps the output of a node.
    pub(crate) async fn node_completed(&self, node: &Arc<str>, output: &[u8]) -> Result<(), DurableError> {
        let call = |attempt| self.key.store.node_completed(&self.key.id, attempt, node, output);
        self.call("keep an output", node, call).await
    }

    /// Marks a node as waiting again.
    pub(crate) async fn node_failed(&self, node: &Arc<str>) -> Result<(), DurableError> {
        let call = |attempt| self.key.store.node_failed(&self.key.id, attempt, node);
        self.call("mark the failure of a node", node, call).await
    }

    async fn call<C>(
        &self,
        doing: &'static str,
        node: &Arc<str>,
        call: impl FnOnce(u64) -> C,
    ) -> Result<(), DurableError>
    where
        C: Future<Output = Result<bool, BoxError>>,
    {
        self.check()?;
        // 0 is the number of no attempt (3).
        let attempt = self.opened.get().map_or(0, |opened| opened.attempt);
        match call(attempt).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.fail(DurableError::TakenOver { run: self.key.id.clone() })),
            Err(error) => Err(self.fail(DurableError::of_store(&self.key.id, doing, Some(node), error))),
        }
    }

    fn check(&self) -> Result<(), DurableError> {
        self.error.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Ends the run with an error. Returns the one with which it has ended: the first.
    fn fail(&self, error: DurableError) -> DurableError {
        self.error.get_or_init(|| error).clone()
    }
}
