//! The handle: what is registered, and how it hangs together.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::Launch;
use crate::execution::launch::Keep;
use crate::execution::node_state::Work;
use crate::orchestrator::builder::OrchestratorBuilder;
use crate::orchestrator::shared::Shared;
use crate::registry::key::{Key, TaskKey};
use crate::registry::node::{Dependency, Inputs, Node};
use crate::registry::registration::Registration;
use crate::registry::work::{Alone, Begins, Given, Maker};
use crate::status::{ExecutionStats, NodeStatus};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Values, cancel, embedded};
use sweet_async_core::limit::TaskPriority;
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{IntoAsyncResult, PrioritizedTask as _, TaskBuilder, TaskContext};

/// Tasks that depend on each other: each begins once what it depends on has succeeded. Clones are the same orchestrator.
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
/// What is started runs below one task, which begins with the first start, inside the task that starts it, and ends when
/// nothing that was started is left. Then more can be registered and started, and another such task begins. Its name, limit and
/// span are the builder's; the traits of tasks ([`StatusEnabledTask`](sweet_async_core::StatusEnabledTask) and the others) are the
/// orchestrator's own.
///
/// Each task of it runs as a task of its own on the orchestrator's runtime, whatever its builder names; that is where the
/// builder's timers and blocking work are. Limits of a builder count from the moment at which its task could begin but for a
/// place: waits for a place are part of it, waits for other tasks are not.
///
/// # Drop
///
/// With the last handle what runs is killed ([`HandleDropped`](CancelCause::HandleDropped)), and what does not is never begun;
/// [`detach`](Self::detach) lets it run on. Work that holds a handle of its own orchestrator keeps it from that for as long as
/// it has not ended.
pub struct Orchestrator<S: RuntimeSource> {
    pub(crate) shared: Arc<Shared<S::Runtime>>,
    pub(crate) source: S,
    handles: Arc<Handles<S::Runtime>>,
}

/// What all handles have in common, and tasks do not.
struct Handles<R: Runtime> {
    shared: Arc<Shared<R>>,
    is_detached: AtomicBool,
}

impl<R: Runtime> Drop for Handles<R> {
    fn drop(&mut self) {
        let mut book = self.shared.book();
        book.is_orphaned = true;
        // Relaxed: it is set on a handle, all of which are gone.
        if self.is_detached.load(Ordering::Relaxed) {
            let gone = book.discard();
            drop(book);
            drop(gone);
            return;
        }
        let unused = self.shared.close(&mut book);
        let (tasks, gone) = (book.tasks(), book.discard());
        drop(book);
        drop((unused, gone));
        for task in &tasks {
            cancel(task, CancelLevel::Kill, CancelCause::HandleDropped);
        }
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

    /// Describes one, whose runtime `source` finds when something is started.
    pub fn builder(source: S) -> OrchestratorBuilder<S> {
        OrchestratorBuilder::new(source)
    }

    /// Lets what was started run on when all handles are gone.
    pub fn detach(self) {
        self.handles.is_detached.store(true, Ordering::Relaxed);
    }

    /// Registers a task: `work`, as `builder` describes it, under a name of its own. It begins when it is started, here or by
    /// a start of what depends on it.
    ///
    /// The name is that of the task, too ([`TaskContext::name`], spans, errors), where the builder sets any policy. Without one
    /// it is the orchestrator's alone, in all that it tells: to name the task as well costs more than to run one that is bare.
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
        P: Begins<Alone<F>, (), O, T, Q, W, M>,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.register::<T, Q, P, W, (), _, O, M>(name.into(), (Vec::new(), || Some(())), builder, Alone(work))
    }

    /// As [`register_task`](Self::register_task), for a task that is given the outputs of others, and so begins after they have
    /// completed: a [`Node`], a tuple of them, or any number of one type.
    ///
    /// # Errors
    ///
    /// As there; [`OrchestratorError::Foreign`] for a node of another orchestrator, [`OrchestratorError::Cleared`] for one whose
    /// task was cleared.
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
        P: Begins<Given<F>, I::Values, O, T, Q, W, M>,
        I: Inputs,
        F: FnOnce(I::Values) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let given = (inputs.dependencies(), inputs.take());
        self.register::<T, Q, P, W, I::Values, _, O, M>(name.into(), given, builder, Given(work))
    }

    #[track_caller]
    fn register<T, Q, P, W, I, F, O, M>(
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
        let node = Node::new(name.clone(), &self.shared.mark);
        let work =
            work_of::<S::Runtime, T, Q, P, W, I, F, O, M>(&node, take, builder, work, Location::caller());
        let mut book = self.shared.book();
        let above: Result<Vec<usize>, _> = dependencies.iter().map(|on| book.number(on.key())).collect();
        let registered = match above {
            Ok(above) => book.register((&name, node.own().number), &above, work),
            Err(error) => Err((error, work)),
        };
        drop(book);
        // What is refused is dropped here: its destructors are the user's, and may ask this orchestrator.
        registered.map_err(|(error, _)| error)?;
        Ok(node)
    }

    /// `task` begins after `on` has succeeded, and is skipped if that does not.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::Cycle`], with the path by name, if `on` depends on `task`, or is it;
    /// [`OrchestratorError::AlreadyStarted`] once `task` was started; [`OrchestratorError::UnknownTask`]. Nothing is changed.
    pub fn add_dependency(&self, task: impl TaskKey, on: impl TaskKey) -> Result<(), OrchestratorError> {
        self.add_dependency_with(task, on, EdgePolicy::Success)
    }

    /// As [`add_dependency`](Self::add_dependency), as `policy` says: [`EdgePolicy::AnyEnd`] is for what is to be done whatever
    /// becomes of `on`.
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
        self.shared.book().depend(task, on, policy)
    }

    /// Makes a group, without tasks.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::NameTaken`].
    pub fn create_group(&self, group: &str) -> Result<(), OrchestratorError> {
        self.shared.book().create_group(group)
    }

    /// Adds a task to a group; again changes nothing. It may be in several.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`], [`OrchestratorError::UnknownGroup`].
    pub fn add_task_to_group(&self, task: impl TaskKey, group: &str) -> Result<(), OrchestratorError> {
        let task = Key::of(&task);
        self.shared.book().add_to_group(task, group)
    }

    /// Makes a context: values by their types, under a name, for the tasks that are put into it.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::NameTaken`].
    pub fn create_context(&self, name: &str, values: NamedContext) -> Result<(), OrchestratorError> {
        let values = Arc::new(values.0);
        // Dropped after the lock where they are refused: destructors are the user's.
        let mut book = self.shared.book();
        let created = book.create_context(name, &values);
        drop(book);
        created
    }

    /// Puts a task into a context: [`TaskContext::get`] finds its values in the work and below, those that the builder brings
    /// first. A task is in one at most; the last that is said holds.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`], [`OrchestratorError::UnknownContext`]; [`OrchestratorError::AlreadyStarted`] once it
    /// was started.
    pub fn set_task_context(&self, task: impl TaskKey, context: &str) -> Result<(), OrchestratorError> {
        let task = Key::of(&task);
        self.shared.book().set_context(task, context)
    }

    /// How urgent its tasks are that were given no priority of their own: also those that wait for a place now.
    pub fn set_default_priority(&self, priority: TaskPriority) {
        let mut book = self.shared.book();
        book.settings.priority_is(priority);
        let tasks = book.tasks();
        drop(book);
        for task in tasks {
            TaskContext::new(task).set_priority(priority);
        }
    }

    /// How many may be under way now; `None` for any number.
    pub fn concurrency(&self) -> Option<usize> {
        Some(self.shared.places.load(Ordering::Relaxed)).filter(|places| *places > 0)
    }

    /// Where a task is in its life.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`]; for a node also [`OrchestratorError::Cleared`] and [`OrchestratorError::Foreign`], as
    /// everywhere.
    pub fn task_status(&self, task: impl TaskKey) -> Result<NodeStatus, OrchestratorError> {
        let task = Key::of(&task);
        Ok(self.shared.book().entry(task)?.status())
    }

    /// Where each task is in its life, in the order of their registration.
    pub fn all_task_statuses(&self) -> Vec<(Arc<str>, NodeStatus)> {
        let book = self.shared.book();
        book.entries.iter().map(|entry| (entry.name.clone(), entry.status())).collect()
    }

    /// How many tasks are where, and how long they took; those that were run under it
    /// ([`TaskBuilder::orchestrator`](crate::orchestrator::ad_hoc::Orchestrate::orchestrator)) included. Looks at each.
    pub fn execution_stats(&self) -> ExecutionStats {
        let mut stats = ExecutionStats::default();
        for entry in &self.shared.book().entries {
            stats.count(&entry.status(), entry.took());
        }
        stats.add(&self.shared.guests());
        stats
    }

    /// Forgets the tasks that have ended and that nothing depends on which has not: their names are free again, and their
    /// failures are not told any more. What they have given stays with their nodes. Says how many.
    pub fn clear_completed_tasks(&self) -> usize {
        let mut book = self.shared.book();
        let gone = book.clear();
        drop(book);
        let names: std::collections::HashSet<&str> =
            gone.iter().map(|Registration { name, .. }| &**name).collect();
        self.shared.failures.forget(|task| !names.contains(task));
        gone.len()
    }
}

/// The start of the task of `node`, to be kept until then.
pub(crate) fn work_of<R, T, Q, P, W, I, F, O, M>(
    node: &Node<T>,
    take: impl FnOnce() -> Option<I> + Send + 'static,
    builder: TaskBuilder<T, Q, P, W>,
    work: F,
    place: &'static Location<'static>,
) -> Work<R>
where
    R: Runtime,
    T: Send + Sync + 'static,
    Q: RuntimeSource,
    P: Begins<F, I, O, T, Q, W, M>,
    I: 'static,
    F: Send + 'static,
{
    let output = node.slot().clone();
    let (source, policies) = builder.into_parts();
    let (resilience, retry) = policies.into_all();
    let (settings, recovery, inner) = embedded(resilience, retry, Some(node.name()));
    Box::new(move |launch: Launch<R>| {
        let work = async move {
            // It began after all that it is given.
            let inputs =
                take().ok_or(AsyncTaskError::InvalidState("what a task was to be given is not there"))?;
            P::begin(Maker { inner, source, place }, work, inputs).await
        };
        Some(launch.spawn((settings, recovery), work, Keep(output), place))
    })
}

/// Values for the tasks of an orchestra that are put into a context: see [`Orchestrator::create_context`].
#[derive(Clone, Debug, Default)]
pub struct NamedContext(Values);

impl NamedContext {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `value`; a second one of the same type takes its place.
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
