//! Orchestras whose tasks report what they do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::orchestra::{Node, NodeStatus, Orchestrator, OrchestratorBuilder, OrchestratorError};
use crate::library::{AsyncTask, Runtime, TaskContext};
use futures_lite::future::yield_now;

use super::Latch;
use crate::Failure;

/// Returns the builder of an orchestrator on `rt`.
pub(crate) fn orchestra<R: Runtime>(rt: &R) -> OrchestratorBuilder<R> {
    AsyncTask::orchestrator().on(rt)
}

/// A list of names, in the order in which they were noted. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what.into());
    }

    pub(crate) fn read(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Registers a task that notes its name.
pub(crate) fn noting<R: Runtime>(
    orchestra: &Orchestrator<R>,
    log: &Log,
    name: &str,
) -> Result<Node<()>, OrchestratorError> {
    let (log, own) = (log.clone(), name.to_owned());
    orchestra.register_task(name, AsyncTask::to::<()>(), move || async move { log.note(own) })
}

/// Registers a task that fails with its name.
pub(crate) fn failing<R: Runtime>(
    orchestra: &Orchestrator<R>,
    name: &str,
) -> Result<Node<()>, OrchestratorError> {
    let own = name.to_owned();
    orchestra.register_task(name, AsyncTask::to::<()>(), move || async move { Err::<(), _>(own) })
}

/// Returns the statuses of all tasks, as `name: status`.
pub(crate) fn statuses<R: Runtime>(orchestra: &Orchestrator<R>) -> Vec<String> {
    let all = orchestra.all_task_statuses();
    all.into_iter().map(|(name, status)| format!("{name}: {}", status.as_str())).collect()
}

/// Returns the task at the beginning of a skip; true if that one was cancelled.
pub(crate) fn cause<R: Runtime>(orchestra: &Orchestrator<R>, task: &str) -> Result<(String, bool), Failure> {
    match orchestra.task_status(task)? {
        NodeStatus::Skipped { cause } => Ok((cause.task.to_string(), cause.cancelled)),
        other => anyhow::bail!("`{task}` was not skipped: {other:?}"),
    }
}

/// A random graph: each node depends on up to three before it.
pub(crate) struct RandomGraph {
    pub(crate) dependencies: Vec<Vec<usize>>,
}

impl RandomGraph {
    /// Makes a graph from the random numbers that `chance` returns.
    pub(crate) fn new(nodes: usize, mut chance: impl FnMut() -> u64) -> Self {
        let dependencies = (0..nodes).map(|node| match node {
            0 => Vec::new(),
            _ => {
                let count = chance() % 4;
                let mut dependencies: Vec<usize> = (0..count).map(|_| chance() as usize % node).collect();
                dependencies.sort_unstable();
                dependencies.dedup();
                dependencies
            }
        });
        Self { dependencies: dependencies.collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.dependencies.len()
    }
}

/// A record of the order in which nodes begin and end. Clones share it.
#[derive(Clone)]
pub(crate) struct OrderRecord {
    next: Arc<AtomicUsize>,
    begun: Arc<Vec<AtomicUsize>>,
    ended: Arc<Vec<AtomicUsize>>,
}

impl OrderRecord {
    pub(crate) fn new(count: usize) -> Self {
        let zeros = || Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>());
        Self { next: Arc::new(AtomicUsize::new(1)), begun: zeros(), ended: zeros() }
    }

    fn mark(&self, positions: &[AtomicUsize], node: usize) {
        let position = self.next.fetch_add(1, Ordering::SeqCst);
        positions.get(node).into_iter().for_each(|own| own.store(position, Ordering::SeqCst));
    }

    pub(crate) fn begins(&self, node: usize) {
        self.mark(&self.begun, node);
    }

    pub(crate) fn ends(&self, node: usize) {
        self.mark(&self.ended, node);
    }

    fn of(positions: &[AtomicUsize], node: usize) -> usize {
        positions.get(node).map_or(0, |position| position.load(Ordering::SeqCst))
    }

    /// Returns the position at which a node began; zero if it has not begun.
    pub(crate) fn begun(&self, node: usize) -> usize {
        Self::of(&self.begun, node)
    }

    pub(crate) fn ended(&self, node: usize) -> usize {
        Self::of(&self.ended, node)
    }
}

/// Registers a task that waits until it is cancelled, notes that, and after two yields notes its end. The
/// latch is set once the task has started.
pub(crate) fn ends_when_cancelled<R: Runtime>(
    all: &Orchestrator<R>,
    log: &Log,
    name: &str,
) -> Result<Latch, Failure> {
    let (started, log, own) = (Latch::new(), log.clone(), name.to_owned());
    let start = started.clone();
    all.register_task(name, AsyncTask::to::<()>(), || async move {
        start.set();
        if let Some(cx) = TaskContext::current() {
            cx.cancelled().await;
        }
        log.note(format!("{own} cancelled"));
        yield_now().await;
        yield_now().await;
        log.note(format!("{own} ends"));
    })?;
    Ok(started)
}
