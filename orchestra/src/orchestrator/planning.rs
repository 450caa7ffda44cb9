//! The planning of a batch: the tasks that one start takes from the registry.

use std::sync::Arc;

use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{Batch, NodeSpec};
use crate::execution::node_state::Link;
use crate::execution::session::Session;
use crate::registry::description::Registry;
use crate::registry::registration::Stage;
use crate::status::Cause;
use sweet_async_core::runtime::Runtime;

/// A batch, and the notifications that are due once it is counted.
pub(crate) struct Planned<R: Runtime> {
    pub(crate) batch: Arc<Batch<R>>,
    /// Nodes of earlier batches, each with the link to the node of this batch that waits for it.
    pub(crate) waiting_on_earlier: Vec<(Arc<Batch<R>>, u32, Link)>,
    /// Nodes of this batch that can never begin, each with the cause.
    pub(crate) skipped: Vec<(u32, Cause)>,
}

impl<R: Runtime> Registry<R> {
    /// Makes a batch for `session` of those of `roots`, and of their dependencies, that were not started;
    /// `None` if there are none.
    pub(crate) fn plan(&mut self, session: &Arc<Session<R>>, roots: Vec<usize>) -> Option<Planned<R>> {
        const NONE: u32 = u32::MAX;
        let mut wanted = self.graph.with_above(roots);
        wanted.retain(|number| self.is_registered(*number));
        if wanted.is_empty() {
            return None;
        }
        wanted.sort_unstable();
        let mut indices = vec![NONE; self.graph.len()];
        for (index, number) in (0..).zip(&wanted) {
            if let Some(own) = indices.get_mut(*number) {
                *own = index;
            }
        }
        let index_of = |number: usize| indices.get(number).copied().filter(|index| *index != NONE);
        let (mut waiting_on_earlier, mut skipped) = (Vec::new(), Vec::new());
        let mut edges = Vec::with_capacity(wanted.len());
        for (dependent, number) in (0..).zip(&wanted) {
            let mut unmet = 0;
            for link in self.graph.above(*number) {
                let stage = self.entries.get(link.node).map(|entry| &entry.stage);
                match (stage, link.edge) {
                    (Some(Stage::Registered(_)), _) => unmet += 1,
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
            let below = self.graph.below(*number).iter();
            let dependents =
                below.filter_map(|link| Some(Link { to: index_of(link.node)?, policy: link.edge }));
            edges.push((unmet, dependents.collect::<Vec<_>>()));
        }
        let mut specs = Vec::with_capacity(wanted.len());
        for (number, (unmet, dependents)) in wanted.iter().zip(edges) {
            let Some(entry) = self.entries.get_mut(*number) else { continue };
            if let Stage::Registered(work) = std::mem::replace(&mut entry.stage, Stage::Cancelled(None)) {
                let (name, values) = (entry.name.clone(), entry.values.clone());
                specs.push(NodeSpec { name, work, values, unmet, dependents });
            }
        }
        let batch = Batch::new(session.clone(), specs, false);
        for (index, number) in (0..).zip(&wanted) {
            if let Some(entry) = self.entries.get_mut(*number) {
                entry.stage = Stage::Started(batch.clone(), index);
            }
        }
        Some(Planned { batch, waiting_on_earlier, skipped })
    }
}
