//! The batch of one start: the tasks that it takes from the registry.

use std::sync::Arc;

use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{Batch, Link};
use crate::execution::node_state::NodeState;
use crate::execution::session_state::SessionState;
use crate::registry::description::Registry;
use crate::registry::registration::Stage;
use crate::status::Cause;
use sweet_async_core::runtime::Runtime;

/// A batch, and the notifications that are due once it is counted.
pub(crate) struct NewBatch<R: Runtime> {
    pub(crate) batch: Arc<Batch<R>>,
    /// Nodes of earlier batches, each with the link to the node of this batch that waits for it.
    pub(crate) waiting_on_earlier: Vec<(Arc<Batch<R>>, u32, Link)>,
    /// Nodes of this batch that can never begin, each with the cause.
    pub(crate) skipped: Vec<(u32, Cause)>,
}

impl<R: Runtime> Registry<R> {
    /// Makes a batch for `session` of those of `roots`, and of their dependencies, that were not started;
    /// `None` if there are none.
    pub(crate) fn take_batch(
        &mut self,
        session: &Arc<SessionState<R>>,
        roots: Vec<usize>,
    ) -> Option<NewBatch<R>> {
        // The dependencies of all are all.
        let is_whole = roots.len() == self.graph.len();
        // The dependencies of a started task were taken with it. To look at them again would make the start of a
        // chain, task by task, take the square of its length.
        let is_open = |number: usize| !matches!(self.entries.get(number), Some(entry) if entry.is_started());
        let mut wanted = if is_whole { roots } else { self.graph.with_above(roots, is_open) };
        wanted.retain(|number| self.is_registered(*number));
        if wanted.is_empty() {
            return None;
        }
        wanted.sort_unstable();
        let has_all = wanted.len() == self.graph.len();
        let index_of = |number: usize| {
            let index = if has_all { Some(number) } else { wanted.binary_search(&number).ok() };
            index.and_then(|index| u32::try_from(index).ok())
        };
        let (mut waiting_on_earlier, mut skipped) = (Vec::new(), Vec::new());
        let (mut nodes, mut links) = (Vec::with_capacity(wanted.len()), Vec::new());
        if is_whole {
            links.reserve_exact(self.graph.edges());
        }
        for (dependent, number) in (0..).zip(&wanted) {
            let mut unmet = 0;
            for link in self.graph.above(*number) {
                if index_of(link.node).is_some() {
                    unmet += 1;
                    continue;
                }
                match (self.entries.get(link.node).map(|entry| &entry.stage), link.edge) {
                    (Some(Stage::Started(batch, index)), policy) => {
                        unmet += 1;
                        waiting_on_earlier.push((batch.clone(), *index, Link { to: dependent, policy }));
                    }
                    // Never counted down, so that the node does not begin before it is skipped.
                    (Some(Stage::Skipped(cause)), EdgePolicy::Success) => {
                        unmet += 1;
                        skipped.push((dependent, cause.clone()));
                    }
                    (Some(Stage::Cancelled(_)), EdgePolicy::Success) => {
                        unmet += 1;
                        skipped.push((dependent, Cause { task: self.name(link.node), cancelled: true }));
                    }
                    _ => {}
                }
            }
            let first_link = links.len() as u32;
            let below = self.graph.below(*number);
            links.extend(below.filter_map(|link| Some(Link { to: index_of(link.node)?, policy: link.edge })));
            let Some(entry) = self.entries.get_mut(*number) else { continue };
            if let Stage::Registered(work) = std::mem::replace(&mut entry.stage, Stage::Cancelled(None)) {
                let (name, values) = (entry.name.clone(), entry.values.clone());
                nodes.push(NodeState::new(name, work, values, unmet, first_link));
            }
        }
        let batch = Batch::new(session.clone(), nodes, links);
        for (index, number) in (0..).zip(&wanted) {
            if let Some(entry) = self.entries.get_mut(*number) {
                entry.stage = Stage::Started(batch.clone(), index);
            }
        }
        Some(NewBatch { batch, waiting_on_earlier, skipped })
    }
}
