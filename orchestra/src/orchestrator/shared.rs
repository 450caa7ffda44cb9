//! The state that all handles of an orchestrator share with all that it runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::OrchestratorError;
use crate::execution::autoscale::Concurrency;
use crate::execution::batch::Batch;
use crate::execution::progress::Progress;
use crate::execution::session::{Session, SessionOwner};
use crate::execution::session_kind::SessionKind;
use crate::registry::description::Registry;
use crate::registry::key::Mark;
use crate::registry::registration::Stage;
use sweet_async_core::extend::TaskRef;
use sweet_async_core::runtime::Runtime;

pub(crate) struct Shared<R: Runtime> {
    /// The registry. A lock: it is taken when tasks are registered, started, cancelled or queried, and not by
    /// the tasks that run. The start of an ad-hoc task takes it, too: the task is either counted before the
    /// orchestrator closes, or refused. No user code runs while it is held, destructors included.
    registry: Mutex<Registry<R>>,
    /// The part of the state that sessions use without the registry.
    pub(crate) progress: Arc<Progress>,
    /// Set by `shutdown`. An ad-hoc session that this cancels is not reported as stopped.
    pub(crate) is_shut_down: AtomicBool,
    /// The mark by which the orchestrator recognizes its nodes.
    pub(crate) mark: Arc<Mark>,
}

impl<R: Runtime> Shared<R> {
    pub(crate) fn new(registry: Registry<R>, concurrency: Concurrency) -> Self {
        Self {
            mark: registry.mark.clone(),
            registry: Mutex::new(registry),
            progress: Arc::new(Progress::new(concurrency)),
            is_shut_down: AtomicBool::new(false),
        }
    }

    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry<R>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the orchestrator, for the reason if there is one. Returns the stages of tasks that now never
    /// begin, to be dropped without the lock.
    pub(crate) fn close(&self, registry: &mut Registry<R>, reason: Option<&Arc<str>>) -> Vec<Stage<R>> {
        self.progress.close(reason);
        registry.close(reason)
    }

    /// Waits until the nodes have ended.
    pub(crate) async fn wait_for_ends(self: Arc<Self>, nodes: Vec<(Arc<Batch<R>>, u32)>) {
        let mut nodes = nodes.into_iter().peekable();
        self.progress
            .until(|| {
                // A node that has ended stays so, and is not checked again.
                let has_ended = |(batch, index): &(Arc<Batch<R>>, u32)| {
                    batch.node(*index).is_none_or(|node| node.has_ended())
                };
                while nodes.next_if(has_ended).is_some() {}
                nodes.peek().is_none()
            })
            .await;
    }

    /// Waits until nothing that was started is left.
    pub(crate) async fn join(&self) -> Result<(), OrchestratorError> {
        self.progress.until(|| self.registry().live_sessions == 0).await;
        let stopped = self.registry().stopped.clone();
        match (self.progress.failures.since(0), stopped) {
            (Some(failure), _) => Err(failure),
            (None, Some(error)) => Err(OrchestratorError::Stopped(error)),
            (None, None) => Ok(()),
        }
    }

    /// Counts out a session that did not begin.
    pub(crate) fn session_refused(&self) {
        let mut registry = self.registry();
        registry.live_sessions = registry.live_sessions.saturating_sub(1);
        let discarded = registry.discard();
        drop(registry);
        drop(discarded);
        self.progress.notify();
    }
}

impl<R: Runtime> SessionOwner<R> for Shared<R> {
    fn close_if_idle(&self, session: &Arc<Session<R>>) -> bool {
        let mut registry = self.registry();
        let released = session.is_idle().then(|| registry.release_session(session));
        drop(registry);
        released.is_some()
    }

    fn close_session(&self, session: &Arc<Session<R>>) {
        let released = self.registry().release_session(session);
        drop(released);
    }

    fn batches(&self, session: &Arc<Session<R>>) -> Vec<Arc<Batch<R>>> {
        self.registry().batches(session)
    }

    fn ad_hoc_session(&self) -> Option<Arc<Session<R>>> {
        self.registry().ad_hoc_session.clone()
    }

    fn contains(&self, task: &TaskRef) -> bool {
        let registry = self.registry();
        let sessions = [registry.graph_session.clone(), registry.ad_hoc_session.clone()];
        drop(registry);
        sessions.iter().flatten().any(|session| session.contains(task))
    }

    fn session_ended(&self, session: &Session<R>, task: &TaskRef) {
        let mut registry = self.registry();
        registry.live_sessions = registry.live_sessions.saturating_sub(1);
        let (mut last, mut stopped) = (None, None);
        // Relaxed: written with the registry locked.
        if session.is_current.load(Ordering::Relaxed) {
            // The orchestration as a task is that of the graph.
            let own = match session.kind {
                SessionKind::Graph => &mut registry.last,
                SessionKind::AdHoc => &mut registry.last_ad_hoc,
            };
            last = own.replace(task.clone());
            // Relaxed: set before the session was cancelled, and the session has ended.
            let is_reported = match session.kind {
                SessionKind::Graph => true,
                SessionKind::AdHoc => {
                    registry.stopped.is_none() && !self.is_shut_down.load(Ordering::Relaxed)
                }
            };
            if let Some(error) = session.stop_error.get().filter(|_| is_reported) {
                stopped = registry.stopped.replace(error.clone());
            }
        }
        let discarded = registry.discard();
        drop(registry);
        drop((discarded, last, stopped));
        self.progress.notify();
    }
}
