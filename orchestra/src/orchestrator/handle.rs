//! The handle of an orchestrator: the registration of tasks, and of their dependencies, groups and contexts.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{NodeRef, Work};
use crate::execution::launch::Keep;
use crate::orchestrator::shared::Shared;
use crate::registry::key::{Key, TaskKey};
use crate::registry::node::{Dependency, Inputs, Node};
use crate::registry::registration::Registration;
use crate::registry::work::{Begins, NoInputs, WithInputs, WorkParts};
use crate::status::{ExecutionStats, NodeStatus};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Values, handle_dropped};
use sweet_async_core::limit::TaskPriority;
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{IntoAsyncResult, PrioritizedTask as _, TaskBuilder, TaskContext};

/// Tasks that depend on each other: each begins once its dependencies have succeeded. Clones are the same
/// orchestrator.
///
/// ```
/// # use sweet_async_core::{Runtime, TaskBuilder};
/// # use sweet_async_orchestra::{OrchestratorBuilder, OrchestratorError};
/// # async fn example<R: Runtime>(runtime: &R) -> Result<(), OrchestratorError> {
/// # let task = || TaskBuilder::<u32, _>::new(runtime.clone());
/// let orchestra = OrchestratorBuilder::new(runtime.clone()).max_concurrency(4).build()?;
/// let two = orchestra.register_task("two", task(), || async { 2 })?;
/// let three = orchestra.register_task("three", task().retry(3), || async { 3 })?;
/// let six = orchestra.register_after("six", (&two, &three), task(), |(two, three)| async move { *two * *three })?;
/// orchestra.run().await?;
/// assert_eq!(six.output().as_deref(), Some(&6));
/// # Ok(()) }
/// ```
///
/// # As a task
///
/// Everything that is started runs below one task, which begins with the first start, inside the task that
/// makes this start, and ends when nothing that was started is left. After that more can be registered
/// and started, and another such task begins. Its name, limit and span are the builder's. The orchestrator
/// implements the traits of tasks ([`StatusEnabledTask`](sweet_async_core::StatusEnabledTask) and the others)
/// for it.
///
/// Each task runs as a task of its own on the orchestrator's runtime, whatever its builder names; the
/// builder's runtime serves its timers and blocking work. Limits of a builder count from the moment at which
/// nothing but a permit is missing: the wait for a permit is part of them, waits for other tasks are not.
///
/// # Drop
///
/// Dropping the last handle kills running tasks
/// ([`HandleDropped`](sweet_async_core::CancelCause::HandleDropped)); tasks that have not begun never begin.
/// [`detach`](Self::detach) lets all of them run on. Work that holds a handle of its own orchestrator
/// prevents the kill until it has ended.
pub struct Orchestrator<S: RuntimeSource> {
    pub(crate) shared: Arc<Shared<S::Runtime>>,
    pub(crate) source: S,
    handles: Arc<Handles<S::Runtime>>,
}

/// The state that all handles have in common, and that tasks do not hold: its drop is that of the last
/// handle.
struct Handles<R: Runtime> {
    shared: Arc<Shared<R>>,
    is_detached: AtomicBool,
}

impl<R: Runtime> Drop for Handles<R> {
    fn drop(&mut self) {
        // Relaxed: it is set through a handle, and all handles have been dropped.
        if self.is_detached.load(Ordering::Relaxed) {
            return;
        }
        let mut registry = self.shared.registry();
        let unused = self.shared.close(&mut registry, None);
        let tasks = registry.sessions.tasks();
        drop(registry);
        drop(unused);
        tasks.iter().for_each(handle_dropped);
    }
}

impl<S: RuntimeSource> Clone for Orchestrator<S> {
    fn clone(&self) -> Self {
        let Self { shared, source, handles } = self;
        Self { shared: shared.clone(), source: source.clone(), handles: handles.clone() }
    }
}

impl<S: RuntimeSource> Orchestrator<S> {
    pub(crate) fn new(source: S, shared: Arc<Shared<S::Runtime>>) -> Self {
        let handles = Arc::new(Handles { shared: shared.clone(), is_detached: AtomicBool::new(false) });
        Self { shared, source, handles }
    }

    /// Lets the started tasks run on when all handles have been dropped.
    pub fn detach(self) {
        self.handles.is_detached.store(true, Ordering::Relaxed);
    }

    /// Registers a task: `work`, as `builder` describes it, under a name that no other task has. It begins
    /// after it was started, directly or by a start of a task that depends on it.
    ///
    /// The name is also that of the task ([`TaskContext::name`], spans, errors), where the builder sets any
    /// policy. Where it sets none, only the orchestrator knows the name, and uses it in all that it reports:
    /// naming the task as well would cost more than running a task without policies.
    ///
    /// A builder of repeated work ([`TaskBuilder::repeat`]) is no builder of one task, and cannot be registered.
    /// The work itself may repeat something, with [`Repeat::run`](sweet_async_core::task::Repeat::run): the task
    /// then ends with the schedule, its output is the report, and its runs hold its one permit.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::NameTaken`], [`OrchestratorError::Closed`].
    #[track_caller]
    pub fn register_task<T, Q, P, W, F, O, M>(
        &self,
        name: impl Into<Arc<str>>,
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<Node<T>, OrchestratorError>
    where
        T: Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<NoInputs<F>, (), O, T, Q, W, M>,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.register::<T, Q, P, W, (), _, O, M>(
            name.into(),
            (Vec::new(), || Some(())),
            builder,
            NoInputs(work),
        )
    }

    /// As [`register_task`](Self::register_task), for a task that is given the outputs of others, and so
    /// begins after they have completed. The inputs are a `&`[`Node`], a tuple of up to six of these, or
    /// a slice of nodes of one type.
    ///
    /// # Errors
    ///
    /// As there; [`OrchestratorError::Foreign`] for a node of another orchestrator,
    /// [`OrchestratorError::Cleared`] for a node whose task was cleared.
    #[track_caller]
    pub fn register_after<T, Q, P, W, I, F, O, M>(
        &self,
        name: impl Into<Arc<str>>,
        inputs: I,
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<Node<T>, OrchestratorError>
    where
        T: Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<WithInputs<F>, I::Values, O, T, Q, W, M>,
        I: Inputs,
        F: FnOnce(I::Values) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let given = (inputs.dependencies(), inputs.take());
        self.register::<T, Q, P, W, I::Values, _, O, M>(name.into(), given, builder, WithInputs(work))
    }

    #[track_caller]
    pub(crate) fn register<T, Q, P, W, I, F, O, M>(
        &self,
        name: Arc<str>,
        (dependencies, take): (Vec<Dependency>, impl FnOnce() -> Option<I> + Send + 'static),
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<Node<T>, OrchestratorError>
    where
        T: Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<F, I, O, T, Q, W, M>,
        I: 'static,
        F: Send + 'static,
    {
        let node = Node::new(name, &self.shared.mark);
        let work =
            work_of::<S::Runtime, T, Q, P, W, I, F, O, M>(&node, take, builder, work, Location::caller());
        self.add(node, &dependencies, work, |_| ())
    }

    /// Registers a node. `complete` is called with its entry, and with the registry locked.
    pub(crate) fn add<T>(
        &self,
        node: Node<T>,
        dependencies: &[Dependency],
        work: Work<S::Runtime>,
        complete: impl FnOnce(&mut Registration<S::Runtime>),
    ) -> Result<Node<T>, OrchestratorError> {
        let mut registry = self.shared.registry();
        let above: Result<Vec<usize>, _> = dependencies.iter().map(|on| registry.number(on.key())).collect();
        let registered = match above {
            Ok(above) => registry
                .register((node.name(), node.own_identity().number), &above, work)
                .map(|entry| entry.map(complete).unwrap_or_default()),
            Err(error) => Err((error, work)),
        };
        drop(registry);
        // Refused work is dropped here: its destructors are the user's, and may call this orchestrator.
        registered.map_err(|(error, _)| error)?;
        Ok(node)
    }

    /// Makes `task` depend on `on`: it begins after `on` has succeeded, and is skipped if `on` does not
    /// succeed.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::Cycle`], with the path by name, if `on` depends on `task`, or is the same task;
    /// [`OrchestratorError::AlreadyStarted`] once `task` was started; [`OrchestratorError::UnknownTask`].
    /// Nothing is changed then.
    pub fn add_dependency(&self, task: impl TaskKey, on: impl TaskKey) -> Result<(), OrchestratorError> {
        self.add_dependency_with(task, on, EdgePolicy::Success)
    }

    /// As [`add_dependency`](Self::add_dependency), under `policy`: [`EdgePolicy::AnyEnd`] is for work that
    /// is to be done however `on` ends.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn add_dependency_with(
        &self,
        task: impl TaskKey,
        on: impl TaskKey,
        policy: EdgePolicy,
    ) -> Result<(), OrchestratorError> {
        let (task, on) = (Key::of(&task), Key::of(&on));
        self.shared.registry().depend(task, on, policy)
    }

    /// Creates a group, without tasks.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::NameTaken`].
    pub fn create_group(&self, group: &str) -> Result<(), OrchestratorError> {
        self.shared.registry().create_group(group)
    }

    /// Adds a task to a group. Adding it again changes nothing. A task may be in several groups.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`], [`OrchestratorError::UnknownGroup`].
    pub fn add_task_to_group(&self, task: impl TaskKey, group: &str) -> Result<(), OrchestratorError> {
        let task = Key::of(&task);
        self.shared.registry().add_to_group(task, group)
    }

    /// Creates a context: values by their types, under a name, for the tasks that are put into it.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::NameTaken`].
    pub fn create_context(&self, name: &str, values: NamedContext) -> Result<(), OrchestratorError> {
        let values = Arc::new(values.0);
        // Refused values are dropped after the lock: destructors are the user's.
        let mut registry = self.shared.registry();
        let created = registry.create_context(name, &values);
        drop(registry);
        created
    }

    /// Puts a task into a context: [`TaskContext::get`] finds its values in the work of the task and below
    /// it. Values that the builder sets come first. A task is in one context at most; the last call holds.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`], [`OrchestratorError::UnknownContext`];
    /// [`OrchestratorError::AlreadyStarted`] once it was started.
    pub fn set_task_context(&self, task: impl TaskKey, context: &str) -> Result<(), OrchestratorError> {
        let task = Key::of(&task);
        self.shared.registry().set_context(task, context)
    }

    /// Sets the priority of its tasks that were given none of their own, tasks that wait for a permit now
    /// included.
    pub fn set_default_priority(&self, priority: TaskPriority) {
        let mut registry = self.shared.registry();
        registry.settings.priority_is(priority);
        let tasks = registry.sessions.tasks();
        drop(registry);
        for task in tasks {
            TaskContext::new(task).set_priority(priority);
        }
    }

    /// The current maximum number of tasks that may be under way; `None` for any number.
    pub fn concurrency(&self) -> Option<usize> {
        Some(self.shared.progress.concurrency.current.load(Ordering::Relaxed)).filter(|most| *most > 0)
    }

    /// The status of a task.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`]; for a node also [`OrchestratorError::Cleared`] and
    /// [`OrchestratorError::Foreign`], as everywhere.
    pub fn task_status(&self, task: impl TaskKey) -> Result<NodeStatus, OrchestratorError> {
        let task = Key::of(&task);
        Ok(self.shared.registry().entry(task)?.status())
    }

    /// The status of each task, in the order of registration.
    pub fn all_task_statuses(&self) -> Vec<(Arc<str>, NodeStatus)> {
        let registry = self.shared.registry();
        registry.entries.iter().map(|entry| (entry.name.clone(), entry.status())).collect()
    }

    /// Counts of tasks by status, and how long they took. Ad-hoc tasks
    /// ([`TaskBuilder::orchestrator`](crate::orchestrator::ad_hoc::Orchestrate::orchestrator)) are included.
    /// Cost: that of looking at each registered task.
    pub fn execution_stats(&self) -> ExecutionStats {
        let mut stats = ExecutionStats::default();
        for entry in &self.shared.registry().entries {
            stats.count(&entry.status(), entry.took());
            stats.restored += usize::from(entry.is_restored());
        }
        stats.add(&self.shared.progress.ad_hoc());
        stats
    }

    /// Forgets the tasks that have ended and on which no task depends that has not ended. Their names are
    /// free again, and their failures are no longer reported. Their outputs stay with their nodes. Returns
    /// the number of these tasks.
    pub fn clear_completed_tasks(&self) -> usize {
        let mut registry = self.shared.registry();
        let cleared = registry.clear();
        drop(registry);
        let names: std::collections::HashSet<&str> =
            cleared.iter().map(|Registration { name, .. }| &**name).collect();
        self.shared.progress.failures.forget(|task| !names.contains(task));
        cleared.len()
    }
}

/// The work of the task of `node`, as it is kept until the node is started.
pub(crate) fn work_of<R, T, Q, P, W, I, F, O, M>(
    node: &Node<T>,
    take: impl FnOnce() -> Option<I> + Send + 'static,
    builder: TaskBuilder<T, Q, P, W>,
    work: F,
    site: &'static Location<'static>,
) -> Work<R>
where
    R: Runtime,
    T: Send + Sync + 'static,
    Q: RuntimeSource,
    P: Begins<F, I, O, T, Q, W, M>,
    I: 'static,
    F: Send + 'static,
{
    let output = node.output_slot().clone();
    let (source, policies) = builder.into_parts();
    let (around, inner) = policies.apart(node.name());
    Box::new(move |node: NodeRef<R>| {
        let work = async move {
            // The task begins after all tasks whose outputs it is given.
            let inputs =
                take().ok_or(AsyncTaskError::InvalidState("what a task was to be given is not there"))?;
            P::begin(WorkParts { inner, source, site }, work, inputs).await
        };
        let (settings, recovery) = around.map(|around| (around.settings, around.recovery)).unzip();
        Some(node.spawn((settings, recovery.flatten()), work, Keep(output), site))
    })
}

/// Values for tasks of an orchestra that are put into a context: see [`Orchestrator::create_context`].
#[derive(Clone, Debug, Default)]
pub struct NamedContext(Values);

impl NamedContext {
    /// An empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `value`. It replaces an earlier value of the same type.
    pub fn with<V: Send + Sync + 'static>(mut self, value: V) -> Self {
        self.0.insert(value);
        self
    }
}

impl<S: RuntimeSource> fmt::Debug for Orchestrator<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orchestrator").field("stats", &self.execution_stats()).finish_non_exhaustive()
    }
}
