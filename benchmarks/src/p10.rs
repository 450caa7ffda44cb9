//! P10: a graph of trivial tasks: an orchestra, against spawning them by hand in topological order.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::Shared;
use sweet_async::AsyncTask;
use sweet_async::orchestra::Orchestrator;

use crate::backend::Backend;
use crate::measure::{Row, check};
use crate::{Failure, Size};

const NODES: usize = 10_000;

/// A graph of chance, the same each time: each task depends on up to three before it.
#[derive(Clone)]
pub struct Graph(Vec<Vec<usize>>);

impl Graph {
    /// With so many tasks.
    pub fn new(nodes: usize) -> Self {
        let mut chance = fastrand::Rng::with_seed(nodes as u64);
        let above = (0..nodes).map(|node| match node {
            0 => Vec::new(),
            _ => (0..chance.usize(0..4)).map(|_| chance.usize(0..node)).collect(),
        });
        Self(above.collect())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

type Handle = Shared<Pin<Box<dyn Future<Output = Option<u64>> + Send>>>;

/// Each task waits for those that it depends on, by handles that can be shared, and then does its work.
///
/// # Errors
///
/// The executor has ended.
pub async fn by_hand<B: Backend>(backend: B, graph: Graph) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut handles: Vec<Handle> = Vec::with_capacity(graph.len());
    for (node, above) in graph.0.iter().enumerate() {
        let above: Vec<Handle> = above.iter().filter_map(|on| handles.get(*on).cloned()).collect();
        let task = backend.raw(async move {
            for on in above {
                on.await?;
            }
            Some(black_box(node as u64))
        });
        let task: Pin<Box<dyn Future<Output = Option<u64>> + Send>> = Box::pin(task.map(Option::flatten));
        handles.push(task.shared());
    }
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.ok_or("the executor has ended")?;
    }
    let took = start.elapsed();
    check(&sum, &(0..graph.len() as u64).sum())?;
    Ok(took)
}

/// The tasks without what they depend on: the least that spawning them costs.
///
/// # Errors
///
/// The executor has ended.
async fn spawns<B: Backend>(backend: B, graph: Graph) -> Result<Duration, Failure> {
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..graph.len() as u64).map(|node| backend.raw(async move { black_box(node) })).collect();
    for task in tasks {
        task.await.ok_or("the executor has ended")?;
    }
    Ok(start.elapsed())
}

/// An orchestra: with its description, or its execution alone.
///
/// # Errors
///
/// The orchestra's.
pub async fn orchestra<B: Backend>(backend: B, graph: Graph, whole: bool) -> Result<Duration, Failure> {
    let start = Instant::now();
    let all: Orchestrator<B::Runtime> = AsyncTask::orchestrator().on(backend.runtime()).build()?;
    let names: Vec<String> = (0..graph.len()).map(|node| node.to_string()).collect();
    for (node, name) in names.iter().enumerate() {
        let work = move || async move { black_box(node as u64) };
        all.register_task(name.as_str(), AsyncTask::to::<u64>(), work)?;
    }
    for (name, above) in names.iter().zip(&graph.0) {
        for on in above.iter().filter_map(|on| names.get(*on)) {
            all.add_dependency(name, on)?;
        }
    }
    let described = Instant::now();
    all.start_all()?;
    all.join_all().await?;
    let took = if whole { start.elapsed() } else { described.elapsed() };
    check(&all.execution_stats().completed, &graph.len())?;
    Ok(took)
}

/// Measures the row.
///
/// # Errors
///
/// A side's.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let graph = Graph::new(NODES);
    let (by, run, whole) = ("by hand", "orchestra", "orchestra, its description included");
    let bare = "spawns without dependencies";
    let title = format!("P10 {}: {NODES} trivial tasks that depend on each other", B::NAME);
    // All of them inside a task of the executor, where its spawn is cheapest.
    let on = |job: Pin<Box<dyn Future<Output = Result<Duration, Failure>> + Send>>| {
        backend.block_on(async { backend.raw(job).await })?.ok_or("the executor has ended")?
    };
    let each = NODES as f64;
    Row::new(title, size.rounds)
        .side(by, each, || on(Box::pin(by_hand(backend.clone(), graph.clone()))))
        .side(run, each, || on(Box::pin(orchestra(backend.clone(), graph.clone(), false))))
        .side(whole, each, || on(Box::pin(orchestra(backend.clone(), graph.clone(), true))))
        .side(bare, each, || on(Box::pin(spawns(backend.clone(), graph.clone()))))
        .ratio(run, by, Some(1.5))
        .ratio(whole, by, None)
        .ratio(run, bare, None)
        .measure()
}
