//! The graph of a durable run, which its first start fixes.

use std::sync::Arc;

use crate::OrchestratorError;
#[cfg(feature = "durable")]
use crate::durable::{error::DurableError, run::Planned, store::RunNode};
use crate::registry::description::Registry;
use sweet_async_core::runtime::Runtime;

#[cfg(not(feature = "durable"))]
impl<R: Runtime> Registry<R> {
    pub(crate) fn check_changeable(&self, _: &Arc<str>) -> Result<(), OrchestratorError> {
        Ok(())
    }

    pub(crate) fn check_renewable(&self, _: &str) -> Result<(), OrchestratorError> {
        Ok(())
    }
}

#[cfg(feature = "durable")]
impl<R: Runtime> Registry<R> {
    /// Refuses a new node, or new dependencies of `node`, once the graph is fixed.
    pub(crate) fn check_changeable(&self, node: &Arc<str>) -> Result<(), OrchestratorError> {
        match &self.run {
            Some(run) if run.is_fixed() => Err(DurableError::GraphFixed { node: node.clone() }.into()),
            _ => Ok(()),
        }
    }

    /// Refuses new work for a node of a durable run, which would not keep its output.
    pub(crate) fn check_renewable(&self, node: &str) -> Result<(), OrchestratorError> {
        match &self.run {
            Some(_) => Err(DurableError::GraphFixed { node: node.into() }.into()),
            None => Ok(()),
        }
    }

    /// Fixes the graph, if outputs are kept.
    pub(crate) fn fix_graph(&self) {
        let Some(run) = &self.run else { return };
        run.fix(|| {
            (0..)
                .zip(&self.entries)
                .map(|(number, entry)| {
                    let mut depends_on: Vec<Arc<str>> =
                        self.graph.above(number).map(|link| self.name(link.node)).collect();
                    depends_on.sort_unstable();
                    depends_on.dedup();
                    let (name, restore) = (entry.name.clone(), entry.restore.clone());
                    Planned { node: RunNode { name, depends_on, is_durable: restore.is_some() }, restore }
                })
                .collect()
        });
    }
}
