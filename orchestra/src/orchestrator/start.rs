//! The methods of the handle that start, await and stop tasks.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::Batch;
use crate::execution::cancel_request::CancelRequest;
use crate::execution::intake::Closed;
use crate::execution::session::Session;
use crate::execution::session_kind::SessionKind;
use crate::execution::session_state::Entry;
use crate::orchestrator::handle::Orchestrator;
use crate::orchestrator::new_batch::NewBatch;
use crate::orchestrator::shared::Shared;
use crate::registry::description::Registry;
use crate::registry::key::{Key, TaskKey};
use crate::registry::node::Node;
use crate::registry::registration::Stage;
use crate::status::{Cause, ExecutionStats, NodeStatus};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::extend::cancel;
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{CancellableTask as _, Cancellation, Canceller};

/// The node of a registered task: its batch, and its index there.
type StartedNode<R> = (Arc<Batch<R>>, u32);

/// The end of tasks whose cancellation was requested. It is ready once nothing of them is left.
#[must_use = "the request stands, but whether the tasks have stopped is known only by awaiting this; or drop it with `let _ =`"]
pub struct Ending(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Ending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl<S: RuntimeSource> Orchestrator<S> {
    /// Starts a task, and first its dependencies. Each begins once: tasks that were started before are left
    /// as they are, with what they depend on.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`], [`OrchestratorError::Closed`]; [`OrchestratorError::Task`] where
    /// no runtime is found, or the runtime accepts nothing more.
    #[track_caller]
    pub fn start_task(&self, task: impl TaskKey) -> Result<(), OrchestratorError> {
        let task = Key::of(&task);
        self.start(Location::caller(), |registry| Ok(vec![registry.number(task)?]))
    }

    /// Starts the tasks of a group, and first their dependencies.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownGroup`]; as for [`start_task`](Self::start_task).
    #[track_caller]
    pub fn start_group(&self, group: &str) -> Result<(), OrchestratorError> {
        self.start(Location::caller(), |registry| registry.group(group))
    }

    /// Starts all registered tasks.
    ///
    /// # Errors
    ///
    /// As for [`start_task`](Self::start_task).
    #[track_caller]
    pub fn start_all(&self) -> Result<(), OrchestratorError> {
        self.start(Location::caller(), |registry| Ok((0..registry.entries.len()).collect()))
    }

    fn start(
        &self,
        site: &'static Location<'static>,
        roots: impl Fn(&Registry<S::Runtime>) -> Result<Vec<usize>, OrchestratorError>,
    ) -> Result<(), OrchestratorError> {
        {
            let registry = self.shared.registry();
            registry.check_open()?;
            if !registry.has_registered(&roots(&registry)?) {
                return Ok(());
            }
            #[cfg(feature = "durable")]
            registry.fix_graph();
        }
        let (new_batch, entry) = self.with_session(SessionKind::Graph, site, |registry, entry| {
            // Looked up anew: a clearing meanwhile gives other numbers to the tasks that stay.
            let new_batch = registry.take_batch(entry.session(), roots(registry)?);
            let added = new_batch.as_ref().map(|new| registry.sessions.add_batch(entry, &new.batch));
            Ok::<_, OrchestratorError>(new_batch.zip(added))
        })?;
        let Some((NewBatch { batch, waiting_on_earlier, skipped }, added)) = new_batch? else {
            return Ok(());
        };
        match added {
            Ok(()) => entry.session().wake(),
            Err(Closed) => batch.cancel_waiting(),
        }
        drop(entry);
        for (earlier, index, link) in waiting_on_earlier {
            earlier.add_later_dependent(index, &batch, link);
        }
        for (index, cause) in skipped {
            batch.skip(index, cause);
        }
        Ok(())
    }

    /// Enters the session that takes tasks, and calls `add` with the registry, which is locked. Begins a
    /// session where there is none.
    pub(crate) fn with_session<O>(
        &self,
        kind: SessionKind,
        site: &'static Location<'static>,
        add: impl FnOnce(&mut Registry<S::Runtime>, &Entry<S::Runtime>) -> O,
    ) -> Result<(O, Entry<S::Runtime>), OrchestratorError> {
        let shared = &self.shared;
        let mut registry = shared.registry();
        registry.check_open()?;
        if let Some(entry) = registry.sessions.enter(kind) {
            let output = add(&mut registry, &entry);
            drop(registry);
            return Ok((output, entry));
        }
        let (settings, fields) = (registry.settings.clone(), registry.trace_fields.clone());
        registry.sessions.live += 1;
        drop(registry);
        // Not with the registry locked: a runtime may refuse the task at once, and that locks the registry.
        let runtime = match self.source.resolve() {
            Ok(runtime) => runtime,
            Err(error) => {
                shared.session_refused();
                return Err(error.into());
            }
        };
        let owner = shared.clone();
        let (own, own_entry) = Session::start(
            (&shared.progress, runtime),
            (&settings, &fields),
            (kind, site),
            move |session, task| owner.session_ended(session, task),
        );
        // Entries are dropped after the lock, as all that is declared before it.
        let mut registry = shared.registry();
        // It may be closed meanwhile, by a thread that could not cancel this session.
        registry.check_open()?;
        if let Some(entry) = registry.sessions.enter(kind) {
            // Another thread has begun a session meanwhile: of the two, this one ends at once.
            let output = add(&mut registry, &entry);
            drop(registry);
            return Ok((output, entry));
        }
        if own.state.starts_nothing() {
            let before = registry.sessions.refuse(&own);
            drop(registry);
            drop(before);
            // Lets the session end, which sets the reason that is read next.
            drop(own_entry);
            let error = own.state.stop_error.get().cloned();
            return Err(error.map_or(OrchestratorError::Closed, OrchestratorError::Task));
        }
        let before = registry.sessions.begin(&own);
        let ad_hoc = match kind {
            SessionKind::Graph => None,
            SessionKind::AdHoc => shared.progress.ad_hoc_parent_began(own.task()),
        };
        let output = add(&mut registry, &own_entry);
        drop(registry);
        drop((before, ad_hoc));
        Ok((output, own_entry))
    }

    /// Waits until nothing that was started is left. When this returns, all tasks and all that they had
    /// spawned have ended.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::TaskFailed`] for the first task that has failed, tasks of earlier starts
    /// included, until it is [cleared](Self::clear_completed_tasks) or [given new
    /// work](Self::register_again); [`OrchestratorError::Stopped`] if the orchestration was cancelled or its
    /// time limit was reached.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing. Inside one of the orchestrator's own tasks it would wait for
    /// itself.
    pub async fn join_all(&self) -> Result<ExecutionStats, OrchestratorError> {
        self.shared.join().await?;
        Ok(self.execution_stats())
    }

    /// Starts all registered tasks, and waits until nothing is left.
    ///
    /// # Errors
    ///
    /// As [`start_all`](Self::start_all) and [`join_all`](Self::join_all).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait. The started tasks go on, and are stopped with the last handle.
    #[track_caller]
    pub fn run(&self) -> impl Future<Output = Result<ExecutionStats, OrchestratorError>> + Send + use<'_, S>
    where
        S: Sync,
    {
        let site = Location::caller();
        async move {
            self.start(site, |registry| Ok((0..registry.entries.len()).collect()))?;
            self.join_all().await
        }
    }

    /// Waits until a task has ended, and returns its output.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::TaskFailed`], [`OrchestratorError::TaskSkipped`] or
    /// [`OrchestratorError::TaskCancelled`], according to its end; [`OrchestratorError::Cleared`] if it was
    /// cleared before without an output; [`OrchestratorError::Foreign`] for a node of another orchestrator.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing. It waits forever for a task that is never started.
    pub async fn join_task<T>(&self, node: &Node<T>) -> Result<Arc<T>, OrchestratorError> {
        let task = || node.name().clone();
        if !Arc::ptr_eq(&node.own_identity().mark, &self.shared.mark) {
            return Err(OrchestratorError::Foreign { task: task() });
        }
        // The output stays with the node after the task was cleared.
        if let Some(output) = node.output() {
            return Ok(output);
        }
        loop {
            let status = self.task_status(node)?;
            match status {
                NodeStatus::Completed => {
                    return node.output().ok_or_else(|| self.shared.missing_output(task()));
                }
                NodeStatus::Skipped { cause } => {
                    return Err(OrchestratorError::TaskSkipped { task: task(), cause });
                }
                NodeStatus::Cancelled => {
                    let reason = self.shared.registry().entry(Key::of(node))?.cancel_reason();
                    return Err(OrchestratorError::TaskCancelled { task: task(), reason });
                }
                NodeStatus::Failed => {
                    let error = self.shared.registry().entry(Key::of(node))?.error();
                    let error =
                        error.ok_or(OrchestratorError::TaskCancelled { task: task(), reason: None })?;
                    return Err(OrchestratorError::TaskFailed { task: task(), error, others: 0 });
                }
                _ => {}
            }
            let has_ended = || !matches!(self.task_status(node), Ok(status) if !status.is_terminal());
            self.shared.progress.tasks.until(has_ended).await;
        }
    }

    /// Requests the cancellation of a task at once; a task that has not begun never begins. Tasks that need
    /// its success are skipped, however it ends, and so are tasks that need theirs. Tasks that it depends on
    /// go on. Await the future to know that the task has ended; dropping the future does not withdraw the
    /// request.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`].
    pub fn cancel_task(&self, task: impl TaskKey, level: CancelLevel) -> Result<Ending, OrchestratorError> {
        let task = Key::of(&task);
        let number = self.shared.registry().number(task)?;
        Ok(self.cancel_all(vec![number], &CancelRequest::new(level, None)))
    }

    /// As [`cancel_task`](Self::cancel_task), for all tasks of a group.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownGroup`].
    pub fn cancel_group(&self, group: &str, level: CancelLevel) -> Result<Ending, OrchestratorError> {
        let numbers = self.shared.registry().group(group)?;
        Ok(self.cancel_all(numbers, &CancelRequest::new(level, None)))
    }

    pub(crate) fn cancel_all(&self, numbers: Vec<usize>, request: &CancelRequest) -> Ending {
        let mut nodes = Vec::new();
        for number in numbers {
            nodes.extend(self.shared.cancel_one(number, request));
        }
        Ending(Box::pin(self.shared.clone().wait_for_ends(nodes)))
    }

    /// Requests the cancellation of everything that runs. Tasks that have not begun never begin. The
    /// orchestrator then accepts nothing more. Await the result to know that nothing is left; dropping it
    /// does not withdraw the request.
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        self.request(&CancelRequest::new(level, None))
    }

    /// Closes the orchestrator, and cancels everything that runs.
    pub(crate) fn request(&self, request: &CancelRequest) -> Cancellation {
        let mut registry = self.shared.registry();
        let unused = self.shared.close(&mut registry, request.reason.as_ref());
        let (unended, last) = (registry.sessions.tasks(), registry.sessions.last.clone());
        drop(registry);
        drop(unused);
        self.shared.progress.tasks.notify();
        // Where all have ended, the result is that of the last graph.
        let tasks = if unended.is_empty() { last.into_iter().collect() } else { unended };
        let cancel = |task| Canceller::new(Some(task)).request_cancel(request.level, request.reason.clone());
        let requested: Vec<Cancellation> = tasks.into_iter().map(cancel).collect();
        let all = requested.into_iter().rev().fold(None, |after, own| Some(own.and(after)));
        all.unwrap_or_else(Cancellation::of_nothing_begun)
    }

    /// Ends the orchestration in order. Nothing begins any more. Then the graceful cancellation of running
    /// tasks is requested, and each has the grace period of its builder, else
    /// [`DEFAULT_GRACE`](sweet_async_core::task::DEFAULT_GRACE). Ad-hoc tasks are cancelled first, since they
    /// may use the work of other tasks. The others follow by their depth in the graph, from the greatest to
    /// the tasks that depend on nothing; each level is cancelled when the one before it has ended. The
    /// orchestrator accepts nothing more.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels no further tasks; nothing begins all the same.
    pub async fn shutdown(&self) -> ExecutionStats {
        let (levels, ad_hoc) = {
            let mut registry = self.shared.registry();
            // Relaxed: the session that reads it was cancelled after this.
            self.shared.is_shut_down.store(true, Ordering::Relaxed);
            let unused = self.shared.close(&mut registry, None);
            let ad_hoc = registry.sessions.ad_hoc.clone().filter(|session| !session.state.is_closed());
            let levels = registry.levels();
            drop(registry);
            drop(unused);
            (levels, ad_hoc)
        };
        self.shared.progress.tasks.notify();
        // First every task that has not begun, dependents before their dependencies: so none of them begins
        // meanwhile.
        for (batch, index) in levels.iter().rev().flatten() {
            batch.cancel_early(*index);
        }
        if let Some(session) = ad_hoc {
            if let Some(task) = session.task() {
                cancel(task, CancelLevel::Graceful, CancelCause::Requested);
            }
            self.shared.progress.tasks.until(|| session.state.is_idle()).await;
        }
        for level in levels.into_iter().rev() {
            for (batch, index) in &level {
                batch.cancel(*index, &CancelRequest::new(CancelLevel::Graceful, None));
            }
            self.shared.clone().wait_for_ends(level).await;
        }
        let _ = self.shared.join().await;
        self.execution_stats()
    }
}

impl<R: Runtime> Shared<R> {
    /// Requests the cancellation of one task, and skips the tasks that need its success. Returns its node, if
    /// it was started.
    fn cancel_one(&self, number: usize, request: &CancelRequest) -> Option<StartedNode<R>> {
        let mut registry = self.registry();
        let entry = registry.entries.get(number)?;
        if entry.status().is_terminal() {
            return None;
        }
        let cause = Cause { task: entry.name.clone(), cancelled: true };
        let own = entry.started();
        let below = registry.graph.with_below([number], |policy| policy == EdgePolicy::Success);
        let (mut unused, mut skipped) = (Vec::new(), Vec::new());
        unused.extend(registry.end_early(number, Stage::Cancelled(request.reason.clone())));
        for below in below.into_iter().filter(|below| *below != number) {
            skipped.extend(registry.entries.get(below).and_then(|entry| entry.started()));
            unused.extend(registry.end_early(below, Stage::Skipped(cause.clone())));
        }
        drop(registry);
        drop(unused);
        // Before the task itself: it may end with a value all the same, and no dependent is to begin then.
        for (batch, index) in skipped {
            batch.skip(index, cause.clone());
        }
        if let Some((batch, index)) = &own {
            batch.cancel(*index, request);
        }
        self.progress.tasks.notify();
        own
    }
}
