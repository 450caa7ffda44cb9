//! The sessions of an orchestrator: the one of each kind that is in its place, and those that have ended or that
//! others have replaced.
//!
//! 1. Only a session in its place is entered, and it takes tasks until it is closed. A closed one stays in its
//!    place until it has ended, or until another one replaces it.
//! 2. The task of a session that has left its place is among the endings until it has ended. So `tasks` has the
//!    task of each session that was in its place and has not ended, once.
//! 3. Of two sessions of a kind that begin at the same time, one is never put in its place. It ends without a
//!    trace.
//! 4. `live` counts each session from before it is started until it has ended or was refused.

use std::sync::Arc;

use crate::execution::batch::Batch;
use crate::execution::intake::Closed;
use crate::execution::session::Session;
use crate::execution::session_kind::SessionKind;
use crate::execution::session_state::{Entry, SessionState};
use crate::registry::endings::{Endings, Usage};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::TaskRef;
use sweet_async_core::runtime::Runtime;

pub(crate) struct Sessions<R: Runtime> {
    /// The session of the graph. It is below the task that began it.
    pub(crate) graph: Option<Arc<Session<R>>>,
    /// The session of ad-hoc tasks. Each of those has a caller of its own, and the session is below none of
    /// them.
    pub(crate) ad_hoc: Option<Arc<Session<R>>>,
    /// The number of sessions that have not ended (4).
    pub(crate) live: usize,
    /// The task of the last session of the graph that has ended, that another one has replaced, or that was
    /// refused.
    pub(crate) last: Option<TaskRef>,
    endings: Endings,
    /// The error with which a session was stopped before its tasks had ended.
    pub(crate) stopped: Option<Arc<AsyncTaskError>>,
}

impl<R: Runtime> Default for Sessions<R> {
    fn default() -> Self {
        Self { graph: None, ad_hoc: None, live: 0, last: None, endings: Endings::default(), stopped: None }
    }
}

/// The references that a change of sessions leaves, to be dropped without the lock: their destructors may be
/// foreign code.
pub(crate) struct Unused<R: Runtime> {
    _session: Option<Arc<Session<R>>>,
    _tasks: Vec<TaskRef>,
    _error: Option<Arc<AsyncTaskError>>,
}

impl<R: Runtime> Sessions<R> {
    fn slot(&mut self, kind: SessionKind) -> &mut Option<Arc<Session<R>>> {
        match kind {
            SessionKind::Graph => &mut self.graph,
            SessionKind::AdHoc => &mut self.ad_hoc,
        }
    }

    /// Enters the session of a kind; `None` if there is none that takes tasks (1).
    pub(crate) fn enter(&mut self, kind: SessionKind) -> Option<Entry<R>> {
        self.slot(kind).as_ref()?.state.enter()
    }

    /// Adds a batch to the session of the graph, which the caller has entered under the same lock.
    pub(crate) fn add_batch(&self, entry: &Entry<R>, batch: &Arc<Batch<R>>) -> Result<(), Closed> {
        self.graph.as_ref().map_or(Err(Closed), |session| session.add_batch(entry, batch))
    }

    /// Puts a session in its place. The error of the graph's last session is forgotten.
    pub(crate) fn begin(&mut self, session: &Arc<Session<R>>) -> Unused<R> {
        let kind = session.state.kind;
        let (before, last) = self.retire(kind);
        *self.slot(kind) = Some(session.clone());
        let error = if kind == SessionKind::Graph { self.stopped.take() } else { None };
        Unused { _session: before, _tasks: last.into_iter().collect(), _error: error }
    }

    /// Takes a session out of its place (2). Returns it, and the former `last`.
    fn retire(&mut self, kind: SessionKind) -> (Option<Arc<Session<R>>>, Option<TaskRef>) {
        let session = self.slot(kind).take();
        let mut last = None;
        if let Some(task) = session.as_ref().and_then(|session| session.task().cloned()) {
            last = self.set_last(kind, &task);
            self.endings.add(kind, task);
        }
        (session, last)
    }

    /// Sets the last task of the graph, if `task` is of that kind. Returns the one before.
    fn set_last(&mut self, kind: SessionKind, task: &TaskRef) -> Option<TaskRef> {
        match kind {
            SessionKind::Graph => self.last.replace(task.clone()),
            SessionKind::AdHoc => None,
        }
    }

    /// Records a session that the runtime has refused, and that was never in its place.
    pub(crate) fn refuse(&mut self, session: &Session<R>) -> Option<TaskRef> {
        self.set_last(session.state.kind, session.task()?)
    }

    /// Counts out a session that was not started (4).
    pub(crate) fn not_started(&mut self) {
        self.live = self.live.saturating_sub(1);
    }

    /// Counts out the session of `task`, of which nothing is left, and adds what it used. Its error is kept if
    /// `is_reported`, and if it was in its place (3).
    pub(crate) fn end(
        &mut self,
        (state, task): (&SessionState<R>, &TaskRef),
        used: Option<Usage>,
        is_reported: bool,
    ) -> Unused<R> {
        self.live = self.live.saturating_sub(1);
        let is_own = |session: &Arc<Session<R>>| session.task().is_some_and(|own| Arc::ptr_eq(own, task));
        let is_in_place = self.slot(state.kind).as_ref().is_some_and(is_own);
        let (session, before) = if is_in_place { self.retire(state.kind) } else { (None, None) };
        let mut tasks = self.endings.end(state.kind, task, used);
        let mut error = None;
        if !tasks.is_empty() {
            tasks.extend(self.set_last(state.kind, task));
            // The orchestration as a task is that of the graph.
            let is_first = state.kind == SessionKind::Graph || self.stopped.is_none();
            if let Some(own) = state.stop_error.get().filter(|_| is_reported && is_first) {
                error = self.stopped.replace(own.clone());
            }
        }
        tasks.extend(before);
        Unused { _session: session, _tasks: tasks, _error: error }
    }

    /// The orchestration as a task: the running one, else the last that has run.
    pub(crate) fn graph_task(&self) -> Option<TaskRef> {
        let running = self.graph.as_ref().and_then(|session| session.task());
        running.or(self.last.as_ref()).cloned()
    }

    /// The tasks of the sessions of a kind that have not ended (2). The one in its place is the first.
    fn tasks_of(&self, kind: SessionKind) -> impl Iterator<Item = &TaskRef> {
        let in_place = match kind {
            SessionKind::Graph => &self.graph,
            SessionKind::AdHoc => &self.ad_hoc,
        };
        let in_place = in_place.as_ref().and_then(|session| session.task());
        in_place.into_iter().chain(self.endings.tasks(kind))
    }

    /// The tasks of the sessions that have not ended, those of graphs first.
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        self.tasks_of(SessionKind::Graph).chain(self.tasks_of(SessionKind::AdHoc)).cloned().collect()
    }

    /// The tasks of the sessions of a kind that have not ended, and the usage of those that have.
    pub(crate) fn measured(&self, kind: SessionKind) -> (Vec<TaskRef>, Option<Usage>) {
        (self.tasks_of(kind).cloned().collect(), self.endings.used(kind))
    }
}
