//! The state that all handles of an orchestrator share with all that it runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::OrchestratorError;
#[cfg(feature = "durable")]
use crate::durable::error::DurableError;
use crate::execution::batch::Batch;
use crate::execution::progress::Progress;
use crate::execution::session_kind::SessionKind;
use crate::execution::session_state::SessionState;
use crate::registry::description::Registry;
use crate::registry::endings::usage_of;
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
    pub(crate) fn new(registry: Registry<R>, progress: Progress) -> Self {
        Self {
            mark: registry.mark.clone(),
            registry: Mutex::new(registry),
            progress: Arc::new(progress),
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
            .tasks
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
        self.progress.sessions.until(|| self.registry().sessions.live == 0).await;
        #[cfg(feature = "durable")]
        if let Some(error) = self.progress.run.as_ref().and_then(|run| run.error()) {
            return Err(error.clone().into());
        }
        let stopped = self.registry().sessions.stopped.clone();
        match (self.progress.failures.since(0), stopped) {
            (Some(failure), _) => Err(failure),
            (None, Some(error)) => Err(OrchestratorError::Stopped(error)),
            (None, None) => Ok(()),
        }
    }

    /// The error for a task that has completed, and whose node has no output.
    pub(crate) fn missing_output(&self, task: Arc<str>) -> OrchestratorError {
        #[cfg(feature = "durable")]
        if self.progress.run.as_ref().is_some_and(|run| run.is_restored(&task)) {
            return DurableError::NotKept { node: task }.into();
        }
        OrchestratorError::Cleared { task }
    }

    /// True if an ad-hoc task that `caller` runs waits for a permit. One that is run by a task of this
    /// orchestrator, or by one below that, is covered by the permit of that task.
    pub(crate) fn needs_permit(&self, caller: Option<&TaskRef>) -> bool {
        self.progress.concurrency.limiter.is_some() && !caller.is_some_and(|caller| self.contains(caller))
    }

    fn contains(&self, task: &TaskRef) -> bool {
        let registry = self.registry();
        let sessions = [registry.sessions.graph.clone(), registry.sessions.ad_hoc.clone()];
        drop(registry);
        sessions.iter().flatten().any(|session| session.state.contains(task))
    }

    /// Counts out a session that did not begin.
    pub(crate) fn session_refused(&self) {
        self.registry().sessions.not_started();
        self.progress.session_ended();
    }

    /// Counts out a session of which nothing is left.
    pub(crate) fn session_ended(&self, session: &SessionState<R>, task: &TaskRef) {
        let used = usage_of(task);
        // Relaxed: set before the session was cancelled, and the session has ended.
        let is_reported = session.kind == SessionKind::Graph || !self.is_shut_down.load(Ordering::Relaxed);
        let unused = self.registry().sessions.end((session, task), used, is_reported);
        drop(unused);
        if session.kind == SessionKind::AdHoc {
            // After the registry: until then the session may be about to be put in its place.
            self.progress.ad_hoc_parent_ended(task);
        }
        self.progress.session_ended();
    }
}
