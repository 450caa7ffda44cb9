//! The graph compared with a naive implementation, and at sizes that no recursion would survive.

use std::collections::BTreeSet;

use proptest::prelude::*;

#[path = "../src/graph.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod graph;

use graph::{Cycle, Graph};

type Edges = Vec<(usize, usize)>;

/// A graph of `count` nodes with those of `edges` that close no cycle, and these edges: node, and dependency.
fn grown(count: usize, edges: &[(usize, usize)]) -> (Graph<()>, Edges) {
    let mut graph = Graph::default();
    (0..count).for_each(|_| {
        let _ = graph.add();
    });
    let taken = edges.iter().filter(|(node, on)| graph.depend(*node, *on, ()).is_ok()).copied().collect();
    (graph, taken)
}

/// True if `node` depends on `on`, directly or not, or is it.
fn reaches(edges: &[(usize, usize)], node: usize, on: usize) -> bool {
    let (mut seen, mut to_see) = (BTreeSet::from([node]), vec![node]);
    while let Some(at) = to_see.pop() {
        let next = edges.iter().filter(|(from, _)| *from == at).map(|(_, to)| *to);
        to_see.extend(next.filter(|next| seen.insert(*next)));
    }
    seen.contains(&on)
}

/// The weight of the heaviest path that ends at `node`, by trying all of them.
fn heaviest(edges: &[(usize, usize)], weights: &[u64], node: usize) -> u64 {
    let above = edges.iter().filter(|(from, _)| *from == node).map(|(_, on)| heaviest(edges, weights, *on));
    weights.get(node).copied().unwrap_or(0) + above.max().unwrap_or(0)
}

fn some() -> impl Strategy<Value = (usize, Edges)> {
    (1..12usize).prop_flat_map(|count| (Just(count), prop::collection::vec((0..count, 0..count), 0..40)))
}

proptest! {
    #[test]
    fn an_edge_is_refused_exactly_where_it_closes_a_cycle((count, edges) in some()) {
        let (mut graph, mut taken) = (Graph::default(), Vec::new());
        (0..count).for_each(|_| { let _ = graph.add(); });
        for (node, on) in edges {
            let before = graph.edges();
            match graph.depend(node, on, ()) {
                Ok(()) => {
                    prop_assert!(!reaches(&taken, on, node));
                    taken.push((node, on));
                }
                Err(Cycle(path)) => {
                    prop_assert!(reaches(&taken, on, node));
                    // The path is a real one: it begins and ends with the node, its second node is the
                    // refused dependency, and each later step is an edge.
                    prop_assert_eq!((path.first(), path.get(1)), (Some(&node), Some(&on)));
                    prop_assert_eq!(path.last(), Some(&node));
                    for step in path.windows(2).skip(1) {
                        prop_assert!(matches!(step, [a, b] if taken.contains(&(*a, *b))), "{:?}", path);
                    }
                    prop_assert_eq!(graph.edges(), before);
                }
            }
        }
    }

    #[test]
    fn an_order_has_each_node_once_and_after_its_dependencies((count, edges) in some()) {
        let (graph, taken) = grown(count, &edges);
        let order = graph.order();
        let index = |node: usize| order.iter().position(|other| *other == node);
        prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), count);
        prop_assert_eq!(order.len(), count);
        for (node, on) in &taken {
            prop_assert!(index(*on) < index(*node));
        }
        let depths = graph.depths();
        for node in 0..count {
            let above = taken.iter().filter(|(from, _)| *from == node).filter_map(|(_, on)| depths.get(*on));
            prop_assert_eq!(depths.get(node).copied(), Some(above.max().map_or(0, |depth| depth + 1)));
        }
    }

    #[test]
    fn no_path_is_heavier_than_the_critical_path(
        (count, edges) in some(),
        weights in prop::collection::vec(0..100u64, 12),
    ) {
        let (graph, taken) = grown(count, &edges);
        let path = graph.critical_path(|node| weights.get(node).copied().unwrap_or(0));
        for step in path.windows(2) {
            prop_assert!(matches!(step, [a, b] if taken.contains(&(*b, *a))));
        }
        let weight: u64 = path.iter().filter_map(|node| weights.get(*node)).sum();
        let best = (0..count).map(|node| heaviest(&taken, &weights, node)).max();
        prop_assert_eq!(Some(weight), best);
    }

    #[test]
    fn nodes_above_and_below_are_exactly_the_reachable_ones(
        (count, edges) in some(),
        root in 0..12usize,
        mask in any::<u16>(),
    ) {
        let (graph, taken) = grown(count, &edges);
        let root = root % count;
        let above: BTreeSet<_> = graph.with_above([root], |_| true).into_iter().collect();
        let below: BTreeSet<_> = graph.with_below([root], |()| true).into_iter().collect();
        for node in 0..count {
            prop_assert_eq!(above.contains(&node), reaches(&taken, root, node));
            prop_assert_eq!(below.contains(&node), reaches(&taken, node, root));
        }
        let alone: Vec<_> = graph.with_below([root], |()| false);
        prop_assert_eq!(alone, vec![root]);
        // What is reached through a node that is left out is left out too.
        let open = |node: usize| mask & 1 << node != 0;
        let through: Edges = taken.iter().copied().filter(|(node, on)| open(*node) && open(*on)).collect();
        let above: BTreeSet<_> = graph.with_above([root], open).into_iter().collect();
        for node in 0..count {
            prop_assert_eq!(above.contains(&node), open(root) && reaches(&through, root, node));
        }
    }

    #[test]
    fn removed_nodes_take_their_edges_along((count, edges) in some(), mask in any::<u16>()) {
        let (mut graph, taken) = grown(count, &edges);
        let numbers = graph.retain(|node| mask & 1 << node != 0);
        let number = |node: usize| numbers.get(node).copied().flatten();
        let mut due: Edges =
            taken.iter().filter_map(|(node, on)| Some((number(*node)?, number(*on)?))).collect();
        let mut left: Edges =
            (0..graph.len()).flat_map(|node| graph.above(node).map(move |link| (node, link.node))).collect();
        due.sort_unstable();
        left.sort_unstable();
        prop_assert_eq!(&left, &due);
        prop_assert_eq!(graph.edges(), due.len());
    }
}

#[test]
fn a_node_that_depends_on_itself_is_a_cycle_of_one() {
    let mut graph = Graph::default();
    let node = graph.add();
    assert_eq!(graph.depend(node, node, ()), Err(Cycle(vec![0, 0])));
}

#[test]
fn a_number_that_is_no_node_changes_nothing() {
    let mut graph = Graph::default();
    let node = graph.add();
    assert_eq!((graph.depend(node, 7, ()), graph.depend(7, node, ())), (Ok(()), Ok(())));
    assert_eq!((graph.edges(), graph.order()), (0, vec![0]));
}

/// Chains that are built forwards, backwards, and joined in the middle: each is built in a moment, whatever
/// its length.
#[test]
fn a_long_chain_overflows_no_stack_and_costs_linear_time() {
    const LONG: usize = 100_000;
    let forwards: Edges = (1..LONG).map(|node| (node, node - 1)).collect();
    let backwards: Edges = (1..LONG).rev().map(|node| (node - 1, node)).collect();
    let halves: Edges = (1..LONG).step_by(2).chain((2..LONG).step_by(2)).map(|n| (n, n - 1)).collect();
    for (edges, last, first) in [(forwards, LONG - 1, 0), (backwards, 0, LONG - 1), (halves, LONG - 1, 0)] {
        let (mut graph, taken) = grown(LONG, &edges);
        assert_eq!(taken.len(), LONG - 1);
        assert_eq!((graph.order().first(), graph.order().last()), (Some(&first), Some(&last)));
        assert_eq!(graph.depths().into_iter().max(), Some(LONG - 1));
        assert_eq!(graph.critical_path(|_| 1).len(), LONG);
        assert_eq!(graph.with_above([last], |_| true).len(), LONG);
        let cycle = graph.depend(first, last, ());
        assert_eq!(cycle.map_err(|Cycle(path)| path.len()), Err(LONG + 1));
    }
}
