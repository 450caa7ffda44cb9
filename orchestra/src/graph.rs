//! A graph of numbered nodes and edges, which knows nothing of tasks. It is pure. All of its algorithms are
//! loops, so that a chain may be as long as memory allows.
//!
//! All edges are in one list. The edges of a node are two chains through that list, one for each side, so that
//! neither a node nor an edge allocates anything of its own.

use std::collections::{HashSet, VecDeque};

/// An edge as one of its ends sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link<E> {
    /// The other end.
    pub(crate) node: usize,
    /// The label of the edge.
    pub(crate) edge: E,
}

/// The index of no edge and of no node.
const NONE: u32 = u32::MAX;

/// A chain of edges: the indices of the first and the last; `NONE` if it is empty.
#[derive(Clone, Copy, Debug)]
struct Chain {
    first: u32,
    last: u32,
}

const EMPTY: Chain = Chain { first: NONE, last: NONE };

#[derive(Clone, Copy, Debug)]
struct Ends {
    /// The edges to the nodes that this one depends on.
    above: Chain,
    /// The edges to the nodes that depend on it.
    below: Chain,
}

#[derive(Clone, Copy, Debug)]
struct Edge<E> {
    node: u32,
    /// The node that `node` depends on.
    on: u32,
    /// The next edge of the chain `above` of `node`.
    next_above: u32,
    /// The next edge of the chain `below` of `on`.
    next_below: u32,
    label: E,
}

/// An acyclic graph whose nodes are numbered in the order in which they were added. `E` labels its edges.
#[derive(Clone, Debug)]
pub(crate) struct Graph<E> {
    nodes: Vec<Ends>,
    edges: Vec<Edge<E>>,
    /// The searches for a cycle, up from one end of an edge and down from the other.
    up: Search,
    down: Search,
}

/// The cycle that an edge would have closed: from the node that was to depend, along dependencies, back to
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cycle(pub(crate) Vec<usize>);

impl<E> Default for Graph<E> {
    fn default() -> Self {
        Self { nodes: Vec::new(), edges: Vec::new(), up: Search::default(), down: Search::default() }
    }
}

impl<E: Copy> Graph<E> {
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn edges(&self) -> usize {
        self.edges.len()
    }

    /// Adds a node, and returns its number.
    pub(crate) fn add(&mut self) -> usize {
        self.nodes.push(Ends { above: EMPTY, below: EMPTY });
        self.nodes.len() - 1
    }

    /// The nodes that `node` depends on, in the order in which the edges were added.
    pub(crate) fn above(&self, node: usize) -> impl Iterator<Item = Link<E>> {
        self.links(self.ends(node).above, |edge| (edge.on, edge.next_above))
    }

    /// The nodes that depend on `node`, in the order in which the edges were added.
    pub(crate) fn below(&self, node: usize) -> impl Iterator<Item = Link<E>> {
        self.links(self.ends(node).below, |edge| (edge.node, edge.next_below))
    }

    fn ends(&self, node: usize) -> Ends {
        self.nodes.get(node).copied().unwrap_or(Ends { above: EMPTY, below: EMPTY })
    }

    /// The edges of a chain. `step` gives the other end of an edge, and the index of the next one.
    fn links(&self, chain: Chain, step: impl Fn(&Edge<E>) -> (u32, u32)) -> impl Iterator<Item = Link<E>> {
        let mut at = chain.first;
        std::iter::from_fn(move || {
            let edge = self.edges.get(at as usize)?;
            let (node, next) = step(edge);
            at = next;
            Some(Link { node: node as usize, edge: edge.label })
        })
    }

    /// Makes `node` depend on `on`, unless that would close a cycle. A number that is no node changes
    /// nothing.
    ///
    /// Cost: a constant, if `node` has no dependents or `on` has no dependencies. Else a search from both ends
    /// in turn, which ends once the side with fewer nodes is searched. Edges that are added along the order of
    /// the nodes, or against it, cost a constant each.
    pub(crate) fn depend(&mut self, node: usize, on: usize, edge: E) -> Result<(), Cycle> {
        if let Some(cycle) = self.cycle(node, on) {
            return Err(cycle);
        }
        if node < self.len()
            && on < self.len()
            && let (Ok(node), Ok(on)) = (u32::try_from(node), u32::try_from(on))
        {
            self.push(node, on, edge);
        }
        Ok(())
    }

    /// Adds an edge to the end of the chains of its nodes.
    fn push(&mut self, node: u32, on: u32, label: E) {
        let Some(index) = u32::try_from(self.edges.len()).ok().filter(|index| *index != NONE) else { return };
        self.edges.push(Edge { node, on, next_above: NONE, next_below: NONE, label });
        if let Some(ends) = self.nodes.get_mut(node as usize) {
            let before = ends.above.append(index);
            self.edges.get_mut(before as usize).into_iter().for_each(|edge| edge.next_above = index);
        }
        if let Some(ends) = self.nodes.get_mut(on as usize) {
            let before = ends.below.append(index);
            self.edges.get_mut(before as usize).into_iter().for_each(|edge| edge.next_below = index);
        }
    }

    /// The cycle that would be closed if `node` depended on `on`.
    pub(crate) fn cycle(&mut self, node: usize, on: usize) -> Option<Cycle> {
        if node == on {
            return Some(Cycle(vec![node, node]));
        }
        // A cycle enters the edge's one end and leaves the other.
        if self.ends(node).below.first == NONE || self.ends(on).above.first == NONE {
            return None;
        }
        let (mut up, mut down) = (std::mem::take(&mut self.up), std::mem::take(&mut self.down));
        up.begin(on, self.len());
        down.begin(node, self.len());
        let path = self.path(node, on, &mut up, &mut down);
        (self.up, self.down) = (up, down);
        path.map(|path| Cycle(std::iter::once(node).chain(path).collect()))
    }

    /// The path from `on` along dependencies to `node`, if there is one.
    fn path(&self, node: usize, on: usize, up: &mut Search, down: &mut Search) -> Option<Vec<usize>> {
        loop {
            // A search that has seen its whole side without meeting the other end proves that there is no
            // path.
            if up.step(node, |at| self.above(at))? {
                return Some(up.path_back(node));
            }
            if down.step(on, |at| self.below(at))? {
                let mut path = down.path_back(on);
                path.reverse();
                return Some(path);
            }
        }
    }

    /// The nodes, each after all that it depends on. Nodes that become free at the same time are in the order
    /// in which they were added.
    pub(crate) fn order(&self) -> Vec<usize> {
        let mut unmet = vec![0_u32; self.len()];
        for edge in &self.edges {
            unmet.get_mut(edge.node as usize).into_iter().for_each(|unmet| *unmet += 1);
        }
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
            let above = self.above(node).filter_map(|link| depths.get(link.node));
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
            let from = self.above(node).map(|link| link.node);
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

    /// `roots` and all nodes that they depend on, directly or not, each once. A node for which `takes` is
    /// false is left out, with those that are reached through it alone.
    ///
    /// Cost: that of the nodes that are found and their edges, whatever the size of the graph.
    pub(crate) fn with_above(
        &self,
        roots: impl IntoIterator<Item = usize>,
        takes: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        let roots = roots.into_iter().filter(|root| takes(*root));
        self.closure(roots, |node| self.above(node).filter(|link| takes(link.node)), |_| true)
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

    fn closure<L: Iterator<Item = Link<E>>>(
        &self,
        roots: impl IntoIterator<Item = usize>,
        next: impl Fn(usize) -> L,
        follows: impl Fn(E) -> bool,
    ) -> Vec<usize> {
        let mut seen = HashSet::<usize, foldhash::fast::RandomState>::default();
        let mut enter = |node: usize, all: &mut Vec<usize>| {
            if seen.insert(node) {
                all.push(node);
            }
        };
        let mut all = Vec::new();
        roots.into_iter().for_each(|root| enter(root, &mut all));
        let mut at = 0;
        while let Some(node) = all.get(at).copied() {
            at += 1;
            next(node).filter(|link| follows(link.edge)).for_each(|link| enter(link.node, &mut all));
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
        self.nodes = vec![Ends { above: EMPTY, below: EMPTY }; next];
        let number = |node: u32| u32::try_from((*numbers.get(node as usize)?)?).ok();
        for edge in std::mem::take(&mut self.edges) {
            if let (Some(node), Some(on)) = (number(edge.node), number(edge.on)) {
                self.push(node, on, edge.label);
            }
        }
        numbers
    }
}

impl Chain {
    /// Puts an edge at the end. Returns the index of the last edge before it; `NONE` if there was none.
    fn append(&mut self, index: u32) -> u32 {
        let before = std::mem::replace(&mut self.last, index);
        if before == NONE {
            self.first = index;
        }
        before
    }
}

/// A breadth-first search from one node, one node a step. It is kept for the next one: a search that begins
/// marks nothing as unseen, but gives its own number to what it sees.
#[derive(Clone, Debug, Default)]
struct Search {
    number: u32,
    /// For each node: the number of the last search that has seen it, and the node from which that reached it.
    seen: Vec<(u32, u32)>,
    to_see: VecDeque<usize>,
}

impl Search {
    /// Begins a search from `start` in a graph of `count` nodes.
    fn begin(&mut self, start: usize, count: usize) {
        self.number = self.number.checked_add(1).unwrap_or_else(|| {
            self.seen.clear();
            1
        });
        // No search has the number 0.
        self.seen.resize(count, (0, NONE));
        self.to_see.clear();
        self.to_see.push_back(start);
    }

    /// Visits one more node. The result is true if `sought` follows it, and `None` if no node is left to
    /// visit.
    fn step<E, L: Iterator<Item = Link<E>>>(
        &mut self,
        sought: usize,
        next: impl Fn(usize) -> L,
    ) -> Option<bool> {
        let at = self.to_see.pop_front()?;
        for link in next(at) {
            if let Some(seen) = self.seen.get_mut(link.node).filter(|seen| seen.0 != self.number) {
                *seen = (self.number, u32::try_from(at).unwrap_or(NONE));
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
        let from = |at: &usize| {
            let seen = self.seen.get(*at).filter(|seen| seen.0 == self.number)?;
            Some(seen.1 as usize)
        };
        let mut path: Vec<usize> = std::iter::successors(Some(sought), from).collect();
        path.reverse();
        path
    }
}
