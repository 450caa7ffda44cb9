//! A graph of numbered nodes and edges, which knows nothing of tasks. It is pure. All of its algorithms are
//! loops, so that a chain may be as long as memory allows.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// An edge as one of its ends sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link<E> {
    /// The other end.
    pub(crate) node: usize,
    /// The label of the edge.
    pub(crate) edge: E,
}

#[derive(Clone, Debug)]
struct Ends<E> {
    /// The nodes that this one depends on.
    above: Vec<Link<E>>,
    /// The nodes that depend on it.
    below: Vec<Link<E>>,
}

/// An acyclic graph whose nodes are numbered in the order in which they were added. `E` labels its edges.
#[derive(Clone, Debug)]
pub(crate) struct Graph<E> {
    nodes: Vec<Ends<E>>,
    edges: usize,
}

/// The cycle that an edge would have closed: from the node that was to depend, along dependencies, back to
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle(pub(crate) Vec<usize>);

impl<E> Default for Graph<E> {
    fn default() -> Self {
        Self { nodes: Vec::new(), edges: 0 }
    }
}

impl<E: Copy> Graph<E> {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn edges(&self) -> usize {
        self.edges
    }

    /// Adds a node, and returns its number.
    pub(crate) fn add(&mut self) -> usize {
        self.nodes.push(Ends { above: Vec::new(), below: Vec::new() });
        self.nodes.len() - 1
    }

    /// The nodes that `node` depends on.
    pub(crate) fn above(&self, node: usize) -> &[Link<E>] {
        self.nodes.get(node).map_or(&[], |ends| &ends.above)
    }

    /// The nodes that depend on `node`.
    pub(crate) fn below(&self, node: usize) -> &[Link<E>] {
        self.nodes.get(node).map_or(&[], |ends| &ends.below)
    }

    /// Makes `node` depend on `on`, unless that would close a cycle. A number that is no node changes
    /// nothing.
    ///
    /// Cost: a search from both ends in turn, which ends once the side with fewer nodes is searched. Edges
    /// that are added along the order of the nodes, or against it, cost a constant each.
    pub(crate) fn depend(&mut self, node: usize, on: usize, edge: E) -> Result<(), Cycle> {
        if let Some(cycle) = self.cycle(node, on) {
            return Err(cycle);
        }
        let count = self.nodes.len();
        if node < count && on < count {
            self.edges += 1;
            self.nodes.get_mut(node).into_iter().for_each(|ends| ends.above.push(Link { node: on, edge }));
            self.nodes.get_mut(on).into_iter().for_each(|ends| ends.below.push(Link { node, edge }));
        }
        Ok(())
    }

    /// The cycle that would be closed if `node` depended on `on`.
    pub(crate) fn cycle(&self, node: usize, on: usize) -> Option<Cycle> {
        if node == on {
            return Some(Cycle(vec![node, node]));
        }
        let (mut up, mut down) = (Search::from(on), Search::from(node));
        loop {
            // A search that has seen its whole side without meeting the other end proves that there is no
            // path.
            if up.step(node, |at| self.above(at))? {
                return Some(Cycle(std::iter::once(node).chain(up.path_back(node)).collect()));
            }
            if down.step(on, |at| self.below(at))? {
                let mut path = down.path_back(on);
                path.reverse();
                return Some(Cycle(std::iter::once(node).chain(path).collect()));
            }
        }
    }

    /// The nodes, each after all that it depends on. Nodes that become free at the same time are in the order
    /// in which they were added.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut unmet: Vec<usize> = self.nodes.iter().map(|ends| ends.above.len()).collect();
        let free = unmet.iter().enumerate().filter(|(_, unmet)| **unmet == 0).map(|(node, _)| node);
        let mut ready: VecDeque<usize> = free.collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(node) = ready.pop_front() {
            order.push(node);
            for link in self.below(node) {
                let Some(unmet) = unmet.get_mut(link.node) else { continue };
                *unmet -= 1;
                if *unmet == 0 {
                    ready.push_back(link.node);
                }
            }
        }
        order
    }

    /// The number of edges of the longest path to each node.
    pub(crate) fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.len()];
        for node in self.order() {
            let above = self.above(node).iter().filter_map(|link| depths.get(link.node));
            let depth = above.map(|depth| depth + 1).max().unwrap_or(0);
            depths.get_mut(node).into_iter().for_each(|own| *own = depth);
        }
        depths
    }

    /// The path whose nodes have the greatest total weight, from its first node to its last.
    pub(crate) fn critical_path(&self, weight: impl Fn(usize) -> u64) -> Vec<usize> {
        // For each node: the weight of the heaviest path to it, the node included, and the node before it on
        // that path.
        let mut best: Vec<(u64, Option<usize>)> = vec![(0, None); self.len()];
        let mut last = None;
        for node in self.order() {
            let from = self.above(node).iter().map(|link| link.node);
            let from = from.max_by_key(|from| best.get(*from).map_or(0, |(weight, _)| *weight));
            let before = from.and_then(|from| best.get(from)).map_or(0, |(weight, _)| *weight);
            let whole = before.saturating_add(weight(node));
            best.get_mut(node).into_iter().for_each(|own| *own = (whole, from));
            if last.is_none_or(|(most, _)| whole > most) {
                last = Some((whole, node));
            }
        }
        let mut path: Vec<usize> =
            std::iter::successors(last.map(|(_, node)| node), |node| best.get(*node)?.1).collect();
        path.reverse();
        path
    }

    /// `roots` and all nodes that they depend on, directly or not, each once.
    pub(crate) fn with_above(&self, roots: impl IntoIterator<Item = usize>) -> Vec<usize> {
        self.closure(roots, |node| self.above(node), |_| true)
    }

    /// `roots` and all nodes that depend on them, directly or not, by edges for which `follows` is true, each
    /// once.
    pub(crate) fn with_below(
        &self,
        roots: impl IntoIterator<Item = usize>,
        follows: impl Fn(E) -> bool,
    ) -> Vec<usize> {
        self.closure(roots, |node| self.below(node), follows)
    }

    fn closure<'a>(
        &'a self,
        roots: impl IntoIterator<Item = usize>,
        next: impl Fn(usize) -> &'a [Link<E>],
        follows: impl Fn(E) -> bool,
    ) -> Vec<usize>
    where
        E: 'a,
    {
        let mut is_in = vec![false; self.len()];
        let mut enter = |node: usize, all: &mut Vec<usize>| {
            if let Some(seen @ false) = is_in.get_mut(node) {
                *seen = true;
                all.push(node);
            }
        };
        let mut all = Vec::new();
        roots.into_iter().for_each(|root| enter(root, &mut all));
        let mut at = 0;
        while let Some(node) = all.get(at).copied() {
            at += 1;
            next(node).iter().filter(|link| follows(link.edge)).for_each(|link| enter(link.node, &mut all));
        }
        all
    }

    /// Removes all nodes for which `keeps` is false, with their edges. Returns the new numbers.
    pub(crate) fn retain(&mut self, keeps: impl Fn(usize) -> bool) -> Vec<Option<usize>> {
        let mut next = 0;
        let numbers: Vec<Option<usize>> = (0..self.len())
            .map(|node| {
                keeps(node).then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        let moved = |links: Vec<Link<E>>| {
            let renumber = |link: Link<E>| Some(Link { node: (*numbers.get(link.node)?)?, ..link });
            links.into_iter().filter_map(renumber).collect::<Vec<_>>()
        };
        let nodes = std::mem::take(&mut self.nodes).into_iter().zip(&numbers);
        self.nodes = nodes
            .filter(|(_, number)| number.is_some())
            .map(|(ends, _)| Ends { above: moved(ends.above), below: moved(ends.below) })
            .collect();
        self.edges = self.nodes.iter().map(|ends| ends.above.len()).sum();
        numbers
    }
}

/// A breadth-first search from one node, one node a step. The nodes that it has seen are in a map and are not
/// marked in the graph: most searches end after a step or two, and the graph is large.
struct Search {
    /// Each node that was seen, and the node from which it was reached.
    seen: HashMap<usize, usize>,
    to_see: VecDeque<usize>,
}

impl Search {
    fn from(start: usize) -> Self {
        Self { seen: HashMap::new(), to_see: VecDeque::from([start]) }
    }

    /// Visits one more node. The result is true if `sought` follows it, and `None` if no node is left to
    /// visit.
    fn step<'a, E: 'a>(&mut self, sought: usize, next: impl Fn(usize) -> &'a [Link<E>]) -> Option<bool> {
        let at = self.to_see.pop_front()?;
        for link in next(at) {
            if let Entry::Vacant(vacant) = self.seen.entry(link.node) {
                vacant.insert(at);
                if link.node == sought {
                    return Some(true);
                }
                self.to_see.push_back(link.node);
            }
        }
        Some(false)
    }

    /// The path that was found, from the start to `sought`.
    fn path_back(&self, sought: usize) -> Vec<usize> {
        let mut path = vec![sought];
        let mut at = sought;
        while let Some(from) = self.seen.get(&at) {
            path.push(*from);
            at = *from;
        }
        path.reverse();
        path
    }
}
