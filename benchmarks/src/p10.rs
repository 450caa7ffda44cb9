//! P10: a graph of trivial tasks, as an orchestra, against spawning them by hand in topological order.

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

/// A random graph, the same each time: each task depends on up to three tasks before it.
#[derive(Clone)]
pub struct Graph(Vec<Vec<usize>>);

impl Graph {
    /// A graph of `nodes` tasks.
    pub fn new(nodes: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(nodes as u64);
        let dependencies = (0..nodes).map(|node| match node {
            0 => Vec::new(),
            _ => (0..random.usize(0..4)).map(|_| random.usize(0..node)).collect(),
        });
        Self(dependencies.collect())
    }

    /// The number of tasks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

type Handle = Shared<Pin<Box<dyn Future<Output = Option<u64>> + Send>>>;

/// Spawns tasks that await shared handles of the tasks that they depend on, and then do their work.
///
/// # Errors
///
/// If the executor has ended.
pub async fn by_hand<B: Backend>(backend: B, graph: Graph) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut handles: Vec<Handle> = Vec::with_capacity(graph.len());
    for (node, dependencies) in graph.0.iter().enumerate() {
        let dependencies: Vec<Handle> =
            dependencies.iter().filter_map(|index| handles.get(*index).cloned()).collect();
        let task = backend.raw_spawn(async move {
            for dependency in dependencies {
                dependency.await?;
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

/// Spawns the tasks without their dependencies: the least that spawning them costs.
///
/// # Errors
///
/// If the executor has ended.
async fn spawns<B: Backend>(backend: B, graph: Graph) -> Result<Duration, Failure> {
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..graph.len() as u64).map(|node| backend.raw_spawn(async move { black_box(node) })).collect();
    for task in tasks {
        task.await.ok_or("the executor has ended")?;
    }
    Ok(start.elapsed())
}

/// Runs the graph as an orchestra. The time is that of the execution alone, or with the description if
/// `whole`.
///
/// # Errors
///
/// The error of the orchestra.
pub async fn orchestra<B: Backend>(backend: B, graph: Graph, whole: bool) -> Result<Duration, Failure> {
    let start = Instant::now();
    let all: Orchestrator<B::Runtime> = AsyncTask::orchestrator().on(backend.runtime()).build()?;
    let names: Vec<String> = (0..graph.len()).map(|node| node.to_string()).collect();
    for (node, name) in names.iter().enumerate() {
        let work = move || async move { black_box(node as u64) };
        all.register_task(name.as_str(), AsyncTask::to::<u64>(), work)?;
    }
    for (name, dependencies) in names.iter().zip(&graph.0) {
        for dependency in dependencies.iter().filter_map(|index| names.get(*index)) {
            all.add_dependency(name, dependency)?;
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
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let graph = Graph::new(NODES);
    let (by, run, whole) = ("by hand", "orchestra", "orchestra, its description included");
    let bare = "spawns without dependencies";
    let title = format!("P10 {}: {NODES} trivial tasks that depend on each other", B::NAME);
    // All sides run inside a task of the executor, where its spawn is cheapest.
    let inside_task = |job: Pin<Box<dyn Future<Output = Result<Duration, Failure>> + Send>>| {
        backend.block_on(async { backend.raw_spawn(job).await })?.ok_or("the executor has ended")?
    };
    let each = NODES as f64;
    Row::new(title, size.rounds)
        .side(by, each, || inside_task(Box::pin(by_hand(backend.clone(), graph.clone()))))
        .side(run, each, || inside_task(Box::pin(orchestra(backend.clone(), graph.clone(), false))))
        .side(whole, each, || inside_task(Box::pin(orchestra(backend.clone(), graph.clone(), true))))
        .side(bare, each, || inside_task(Box::pin(spawns(backend.clone(), graph.clone()))))
        .ratio(run, by, Some(1.25))
        .ratio(whole, by, None)
        .ratio(run, bare, None)
        .measure()
}
