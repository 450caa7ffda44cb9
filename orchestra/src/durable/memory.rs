//! A store of runs in memory: for tests, and as an example of a store.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::durable::store::{NodeProgress, RunNode, RunStore, RunSummary, StoredNode};

struct Run {
    begun: SystemTime,
    attempt: u64,
    forked_from: Option<Arc<str>>,
    nodes: Vec<StoredNode>,
}

impl Run {
    fn summary(&self, id: &Arc<str>) -> RunSummary {
        let count = |is: fn(&StoredNode) -> bool| {
            self.nodes.iter().filter(|stored| stored.node.is_durable && is(stored)).count()
        };
        RunSummary {
            id: id.clone(),
            begun: self.begun,
            starts: self.attempt,
            forked_from: self.forked_from.clone(),
            nodes: count(|_| true),
            completed: count(|stored| matches!(stored.progress, NodeProgress::Completed(_))),
            running: count(|stored| stored.progress == NodeProgress::Running),
        }
    }
}

/// A [`RunStore`] in memory. A clone is a handle on the same store. Nothing of it survives the process.
///
/// Each call takes one lock, for as long as it copies.
#[derive(Clone, Default)]
pub struct MemoryRunStore(Arc<Mutex<HashMap<Arc<str>, Run>>>);

impl MemoryRunStore {
    /// A store without runs.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the progress of a node that has not completed. False if the attempt is not the newest.
    fn set(&self, run: &str, attempt: u64, node: &str, progress: NodeProgress) -> bool {
        let mut runs = self.lock();
        let Some(run) = runs.get_mut(run).filter(|run| run.attempt == attempt) else { return false };
        let is_open = |stored: &&mut StoredNode| {
            *stored.node.name == *node && !matches!(stored.progress, NodeProgress::Completed(_))
        };
        if let Some(stored) = run.nodes.iter_mut().find(is_open) {
            stored.progress = progress;
        }
        true
    }
}

impl RunStore for MemoryRunStore {
    type Error = Infallible;

    async fn load(&self, run: &str) -> Result<Option<Vec<StoredNode>>, Infallible> {
        Ok(self.lock().get(run).map(|run| run.nodes.clone()))
    }

    async fn begin(&self, run: &str, graph: &[RunNode]) -> Result<u64, Infallible> {
        let mut runs = self.lock();
        let run = runs.entry(run.into()).or_insert_with(|| {
            let waiting = |node: &RunNode| StoredNode { node: node.clone(), progress: NodeProgress::Waiting };
            let nodes = graph.iter().map(waiting).collect();
            Run { begun: SystemTime::now(), attempt: 0, forked_from: None, nodes }
        });
        run.attempt += 1;
        Ok(run.attempt)
    }

    async fn node_started(&self, run: &str, attempt: u64, node: &str) -> Result<bool, Infallible> {
        Ok(self.set(run, attempt, node, NodeProgress::Running))
    }

    async fn node_completed(
        &self,
        run: &str,
        attempt: u64,
        node: &str,
        output: &[u8],
    ) -> Result<bool, Infallible> {
        Ok(self.set(run, attempt, node, NodeProgress::Completed(output.to_owned())))
    }

    async fn node_failed(&self, run: &str, attempt: u64, node: &str) -> Result<bool, Infallible> {
        Ok(self.set(run, attempt, node, NodeProgress::Waiting))
    }

    async fn runs(&self) -> Result<Vec<RunSummary>, Infallible> {
        let mut all: Vec<RunSummary> = self.lock().iter().map(|(id, run)| run.summary(id)).collect();
        all.sort_by(|one, other| (one.begun, &one.id).cmp(&(other.begun, &other.id)));
        Ok(all)
    }

    async fn fork(&self, from: &str, to: &str, again: &[Arc<str>]) -> Result<bool, Infallible> {
        let mut runs = self.lock();
        let is_own_fork = |run: &Run| run.attempt == 0 && run.forked_from.as_deref() == Some(from);
        if runs.get(to).is_some_and(|run| !is_own_fork(run)) {
            return Ok(false);
        }
        let mut nodes = runs.get(from).map(|run| run.nodes.clone()).unwrap_or_default();
        for stored in &mut nodes {
            if !matches!(stored.progress, NodeProgress::Completed(_)) || again.contains(&stored.node.name) {
                stored.progress = NodeProgress::Waiting;
            }
        }
        let fork = Run { begun: SystemTime::now(), attempt: 0, forked_from: Some(from.into()), nodes };
        runs.insert(to.into(), fork);
        Ok(true)
    }
}
