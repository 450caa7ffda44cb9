//! The comparison of a run's graph with the registered one, and the nodes that do not run again. It is pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::durable::error::DurableError;
use crate::durable::store::{NodeProgress, RunNode, StoredNode};
use crate::graph::Graph;

/// Compares the graph of the run with the registered one, and names the first node that differs.
pub(crate) fn check_unchanged<'a>(
    run: &Arc<str>,
    stored: &[StoredNode],
    now: impl Iterator<Item = &'a RunNode> + Clone,
) -> Result<(), DurableError> {
    let registered: HashMap<&str, &RunNode> = now.clone().map(|node| (&*node.name, node)).collect();
    for StoredNode { node: before, .. } in stored {
        let (run, node) = (run.clone(), before.name.clone());
        let Some(now) = registered.get(&*before.name) else {
            return Err(DurableError::MissingNode { run, node });
        };
        if now.depends_on != before.depends_on {
            let (before, now) = (before.depends_on.clone(), now.depends_on.clone());
            return Err(DurableError::ChangedDependencies { run, node, before, now });
        }
        if now.is_durable != before.is_durable {
            return Err(DurableError::ChangedKind { run, node, was_durable: before.is_durable });
        }
    }
    let known: HashSet<&str> = stored.iter().map(|stored| &*stored.node.name).collect();
    match now.into_iter().find(|node| !known.contains(&*node.name)) {
        Some(new) => Err(DurableError::NewNode { run: run.clone(), node: new.name.clone() }),
        None => Ok(()),
    }
}

/// The nodes that do not run: the durable ones that have completed, and the ordinary ones of which all dependents are
/// such nodes, if there are dependents.
pub(crate) fn restored(stored: &[StoredNode]) -> HashSet<Arc<str>> {
    let graph = graph(stored);
    let mut is_restored = vec![false; stored.len()];
    // Dependents first.
    for number in graph.order().into_iter().rev() {
        let Some(StoredNode { node, progress }) = stored.get(number) else { continue };
        let own = if node.is_durable {
            matches!(progress, NodeProgress::Completed(_))
        } else {
            let mut below =
                graph.below(number).map(|link| is_restored.get(link.node) == Some(&true)).peekable();
            below.peek().is_some() && below.all(|is_restored| is_restored)
        };
        is_restored.get_mut(number).into_iter().for_each(|entry| *entry = own);
    }
    let names = stored.iter().zip(is_restored).filter(|(_, is_restored)| *is_restored);
    names.map(|(stored, _)| stored.node.name.clone()).collect()
}

/// The name of a node and those of all nodes that depend on it; `None` if there is no such node.
pub(crate) fn with_dependents(stored: &[StoredNode], node: &str) -> Option<Vec<Arc<str>>> {
    let number = stored.iter().position(|stored| &*stored.node.name == node)?;
    let below = graph(stored).with_below([number], |()| true);
    Some(below.into_iter().filter_map(|number| Some(stored.get(number)?.node.name.clone())).collect())
}

/// The graph, with the nodes in their order.
fn graph(stored: &[StoredNode]) -> Graph<()> {
    let mut graph = Graph::default();
    let numbers: HashMap<&str, usize> =
        stored.iter().map(|stored| (&*stored.node.name, graph.add())).collect();
    for (number, stored) in stored.iter().enumerate() {
        for on in stored.node.depends_on.iter().filter_map(|on| numbers.get(&**on)) {
            // It was acyclic when it was registered.
            let _ = graph.depend(number, *on, ());
        }
    }
    graph
}
