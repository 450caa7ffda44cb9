//! Orchestras that say what they do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_lite::future::yield_now;
use sweet_async::orchestra::{Node, NodeStatus, Orchestrator, OrchestratorBuilder, OrchestratorError};
use sweet_async::{AsyncTask, Runtime, TaskContext};

use super::Latch;
use crate::Failure;

/// An orchestrator on `rt`, yet to be described.
pub(crate) fn orchestra<R: Runtime>(rt: &R) -> OrchestratorBuilder<R> {
    AsyncTask::orchestrator().on(rt)
}

/// Names, in the order in which they were noted.
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

/// The words for the statuses of all tasks, as `name: word`.
pub(crate) fn statuses<R: Runtime>(orchestra: &Orchestrator<R>) -> Vec<String> {
    let all = orchestra.all_task_statuses();
    all.into_iter().map(|(name, status)| format!("{name}: {}", status.as_str())).collect()
}

/// The task at the beginning of a skip, and whether that was cancelled.
pub(crate) fn cause<R: Runtime>(orchestra: &Orchestrator<R>, task: &str) -> Result<(String, bool), Failure> {
    match orchestra.task_status(task)? {
        NodeStatus::Skipped { cause } => Ok((cause.task.to_string(), cause.cancelled)),
        other => anyhow::bail!("`{task}` was not skipped: {other:?}"),
    }
}

/// A graph of chance: each node depends on up to three before it.
pub(crate) struct RandomGraph {
    pub(crate) above: Vec<Vec<usize>>,
}

impl RandomGraph {
    /// `chance` gives random numbers.
    pub(crate) fn new(nodes: usize, mut chance: impl FnMut() -> u64) -> Self {
        let above = (0..nodes).map(|node| match node {
            0 => Vec::new(),
            _ => {
                let count = chance() % 4;
                let mut above: Vec<usize> = (0..count).map(|_| chance() as usize % node).collect();
                above.sort_unstable();
                above.dedup();
                above
            }
        });
        Self { above: above.collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.above.len()
    }
}

/// Counts up; says in which order things came.
#[derive(Clone)]
pub(crate) struct Turns {
    next: Arc<AtomicUsize>,
    begun: Arc<Vec<AtomicUsize>>,
    ended: Arc<Vec<AtomicUsize>>,
}

impl Turns {
    pub(crate) fn new(count: usize) -> Self {
        let zeros = || Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect::<Vec<_>>());
        Self { next: Arc::new(AtomicUsize::new(1)), begun: zeros(), ended: zeros() }
    }

    fn mark(&self, turns: &[AtomicUsize], node: usize) {
        let turn = self.next.fetch_add(1, Ordering::SeqCst);
        turns.get(node).into_iter().for_each(|own| own.store(turn, Ordering::SeqCst));
    }

    pub(crate) fn begins(&self, node: usize) {
        self.mark(&self.begun, node);
    }

    pub(crate) fn ends(&self, node: usize) {
        self.mark(&self.ended, node);
    }

    fn of(turns: &[AtomicUsize], node: usize) -> usize {
        turns.get(node).map_or(0, |turn| turn.load(Ordering::SeqCst))
    }

    /// Zero for one that has not begun.
    pub(crate) fn begun(&self, node: usize) -> usize {
        Self::of(&self.begun, node)
    }

    pub(crate) fn ended(&self, node: usize) -> usize {
        Self::of(&self.ended, node)
    }
}

/// Registers a task that waits until it is told, and notes that; `takes` turns later it ends.
pub(crate) fn obeying<R: Runtime>(all: &Orchestrator<R>, log: &Log, name: &str) -> Result<Latch, Failure> {
    let (started, log, own) = (Latch::new(), log.clone(), name.to_owned());
    let start = started.clone();
    all.register_task(name, AsyncTask::to::<()>(), || async move {
        start.set();
        if let Some(cx) = TaskContext::current() {
            cx.cancelled().await;
        }
        log.note(format!("{own} told"));
        yield_now().await;
        yield_now().await;
        log.note(format!("{own} ends"));
    })?;
    Ok(started)
}
