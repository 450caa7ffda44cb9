//! What depends on what: numbers and edges, and nothing about tasks. Pure; everything here is done in loops, so that a chain
//! may be as long as memory is.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

/// An edge as one of its ends sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link<E> {
    /// The other end.
    pub(crate) node: usize,
    /// What the edge says.
    pub(crate) edge: E,
}

#[derive(Clone, Debug)]
struct Ends<E> {
    /// Those that this one depends on.
    above: Vec<Link<E>>,
    /// Those that depend on it.
    below: Vec<Link<E>>,
}

/// An acyclic graph whose nodes are numbered in the order of their coming. `E` is what its edges say.
#[derive(Clone, Debug)]
pub(crate) struct Graph<E> {
    nodes: Vec<Ends<E>>,
    edges: usize,
}

/// A way along which an edge would have closed a circle: from the node that was to depend, over those that each depends on,
/// back to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Circle(pub(crate) Vec<usize>);

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

    /// Adds a node, and gives its number.
    pub(crate) fn add(&mut self) -> usize {
        self.nodes.push(Ends { above: Vec::new(), below: Vec::new() });
        self.nodes.len() - 1
    }

    /// Those that `node` depends on.
    pub(crate) fn above(&self, node: usize) -> &[Link<E>] {
        self.nodes.get(node).map_or(&[], |ends| &ends.above)
    }

    /// Those that depend on `node`.
    pub(crate) fn below(&self, node: usize) -> &[Link<E>] {
        self.nodes.get(node).map_or(&[], |ends| &ends.below)
    }

    /// `node` depends on `on`, unless that would close a circle; a number that is no node changes nothing.
    ///
    /// Looks from both ends at the same time, and no longer than the side with fewer nodes is large: edges that are added
    /// along the order of the nodes, or against it, cost a constant each.
    pub(crate) fn depend(&mut self, node: usize, on: usize, edge: E) -> Result<(), Circle> {
        if let Some(circle) = self.circle(node, on) {
            return Err(circle);
        }
        let count = self.nodes.len();
        if node < count && on < count {
            self.edges += 1;
            self.nodes.get_mut(node).into_iter().for_each(|ends| ends.above.push(Link { node: on, edge }));
            self.nodes.get_mut(on).into_iter().for_each(|ends| ends.below.push(Link { node, edge }));
        }
        Ok(())
    }

    /// The circle that would be closed if `node` depended on `on`.
    pub(crate) fn circle(&self, node: usize, on: usize) -> Option<Circle> {
        if node == on {
            return Some(Circle(vec![node, node]));
        }
        let (mut up, mut down) = (Search::from(on), Search::from(node));
        loop {
            // One that has seen all that is on its side without meeting the other knows that there is no way.
            if up.step(node, |at| self.above(at))? {
                return Some(Circle(std::iter::once(node).chain(up.way_back(node)).collect()));
            }
            if down.step(on, |at| self.below(at))? {
                let mut way = down.way_back(on);
                way.reverse();
                return Some(Circle(std::iter::once(node).chain(way).collect()));
            }
        }
    }

    /// The nodes, each after all that it depends on; among those that are free at the same time, in the order of coming.
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

    /// How many edges the longest way to each node has.
    pub(crate) fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.len()];
        for node in self.order() {
            let above = self.above(node).iter().filter_map(|link| depths.get(link.node));
            let depth = above.map(|depth| depth + 1).max().unwrap_or(0);
            depths.get_mut(node).into_iter().for_each(|own| *own = depth);
        }
        depths
    }

    /// The way whose nodes weigh most together, from its first node to its last.
    pub(crate) fn critical_path(&self, weight: impl Fn(usize) -> u64) -> Vec<usize> {
        // What the heaviest way to each node weighs, with the node itself, and where that comes from.
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
        let mut way: Vec<usize> =
            std::iter::successors(last.map(|(_, node)| node), |node| best.get(*node)?.1).collect();
        way.reverse();
        way
    }

    /// `roots` and all that they depend on, however far, each once.
    pub(crate) fn with_above(&self, roots: impl IntoIterator<Item = usize>) -> Vec<usize> {
        self.closure(roots, |node| self.above(node), |_| true)
    }

    /// `roots` and all that depends on them by edges of which `follows` is true, however far, each once.
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

    /// Takes out all nodes of which `keeps` is false, with their edges. Gives the new numbers.
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

/// A search in breadth from one node, one node at a time. What it has seen is in a map and not marked in the nodes: most
/// searches end after a step or two, and the graph is large.
struct Search {
    /// Each node that was seen, and the one from which.
    seen: HashMap<usize, usize>,
    to_see: VecDeque<usize>,
}

impl Search {
    fn from(start: usize) -> Self {
        Self { seen: HashMap::new(), to_see: VecDeque::from([start]) }
    }

    /// Looks at one more node: true if the one that is sought follows it, `None` if there is nothing left to look at.
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

    /// The way that was found, from the start to `sought`.
    fn way_back(&self, sought: usize) -> Vec<usize> {
        let mut way = vec![sought];
        let mut at = sought;
        while let Some(from) = self.seen.get(&at) {
            way.push(*from);
            at = *from;
        }
        way.reverse();
        way
    }
}
