//! Durable orchestrators: the run that one is of, and the registration of nodes whose outputs are kept.

use std::panic::Location;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::OrchestratorError;
use crate::durable::run::{Restore, Run, RunKey};
use crate::durable::store::RunStore;
use crate::execution::batch::{NodeRef, Work};
use crate::orchestrator::builder::OrchestratorBuilder;
use crate::orchestrator::handle::Orchestrator;
use crate::registry::node::{Dependency, Inputs, Node};
use crate::registry::work::{Begins, NoInputs, WithInputs, WorkParts};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{IntoAsyncResult, TaskBuilder};

impl<S> OrchestratorBuilder<S> {
    /// Makes the orchestrator a start of the run of this id, which `store` keeps. See [`durable`](crate::durable) for
    /// the rules. Nodes of [`register_durable`](Orchestrator::register_durable) that have completed in an earlier start
    /// do not run again.
    ///
    /// The store is first asked by the first start. An error of it, and a graph that is not that of the run, ends what was
    /// started before any task begins: `run` and `join_all` return [`OrchestratorError::Durable`], and all tasks are
    /// cancelled.
    pub fn durable<Q: RunStore + Clone>(mut self, store: &Q, run_id: impl Into<Arc<str>>) -> Self {
        self.run = Some(RunKey::new(store.clone(), run_id.into()));
        self
    }
}

impl<S: RuntimeSource> Orchestrator<S> {
    /// As [`register_task`](Self::register_task), for a durable node: the run keeps its output, written by serde as JSON,
    /// before a dependent begins. A later start of the run reads the output, and does not run the work. In an orchestrator
    /// without a run it is an ordinary task.
    ///
    /// The task ends once the store has the output, and holds no permit while it waits for that. An output that cannot be
    /// kept fails the task, without another attempt and after its recovery ([`TaskBuilder::recover_with`]). A value that
    /// the recovery gives is kept as any other.
    ///
    /// # Errors
    ///
    /// As there; [`DurableError::GraphFixed`](crate::durable::DurableError::GraphFixed) after the first start. The
    /// task fails with [`DurableError::UnwritableOutput`](crate::durable::DurableError::UnwritableOutput) if serde
    /// refuses its output.
    ///
    /// # Cancel safety
    ///
    /// A task that is killed while its output is being kept is cancelled, whether the output was kept or not.
    #[track_caller]
    pub fn register_durable<T, Q, P, W, F, O, M>(
        &self,
        name: impl Into<Arc<str>>,
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<Node<T>, OrchestratorError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<NoInputs<F>, (), O, T, Q, W, M>,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        self.register_kept::<T, Q, P, W, (), _, O, M>(
            name.into(),
            (Vec::new(), || Some(())),
            builder,
            NoInputs(work),
        )
    }

    /// As [`register_durable`](Self::register_durable), for a node that is given the outputs of others, durable or
    /// ordinary: see [`register_after`](Self::register_after).
    ///
    /// # Errors
    ///
    /// As for both.
    #[track_caller]
    pub fn register_durable_after<T, Q, P, W, I, F, O, M>(
        &self,
        name: impl Into<Arc<str>>,
        inputs: I,
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<Node<T>, OrchestratorError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<WithInputs<F>, I::Values, O, T, Q, W, M>,
        I: Inputs,
        F: FnOnce(I::Values) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let given = (inputs.dependencies(), inputs.take());
        self.register_kept::<T, Q, P, W, I::Values, _, O, M>(name.into(), given, builder, WithInputs(work))
    }

    /// The durable nodes that were running when an earlier start of the run ended, in the order of the graph: its
    /// process died, or the whole orchestration was killed. They run again. Empty until the store has been asked, which is before any
    /// task begins, and in an orchestrator without a run.
    pub fn interrupted(&self) -> Vec<Arc<str>> {
        self.shared.progress.run.as_ref().map(|run| run.interrupted()).unwrap_or_default()
    }

    #[track_caller]
    fn register_kept<T, Q, P, W, I, F, O, M>(
        &self,
        name: Arc<str>,
        (dependencies, take): (Vec<Dependency>, impl FnOnce() -> Option<I> + Send + 'static),
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<Node<T>, OrchestratorError>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<F, I, O, T, Q, W, M>,
        I: 'static,
        F: Send + 'static,
    {
        let Some(run) = self.shared.progress.run.clone() else {
            return self.register::<T, Q, P, W, I, F, O, M>(name, (dependencies, take), builder, work);
        };
        let node = Node::new(name, &self.shared.mark);
        let site = Location::caller();
        let work =
            kept_work_of::<S::Runtime, T, Q, P, W, I, F, O, M>((run, &node), take, builder, work, site);
        let restore = restore_of(&node);
        self.add(node, &dependencies, work, |entry| entry.restore = Some(restore))
    }
}

/// The function that reads a kept output into a node.
fn restore_of<T: DeserializeOwned + Send + Sync + 'static>(node: &Node<T>) -> Restore {
    // Weak, since the run is kept for longer than nodes that were cleared.
    let output = Arc::downgrade(node.output_slot());
    Arc::new(move |bytes| {
        if let Some(output) = output.upgrade().filter(|output| output.get().is_none()) {
            let _ = output.set(Arc::new(serde_json::from_slice(bytes)?));
        }
        Ok(())
    })
}

/// The work of a durable node, as it is kept until the node is started.
fn kept_work_of<R, T, Q, P, W, I, F, O, M>(
    (run, node): (Arc<Run>, &Node<T>),
    take: impl FnOnce() -> Option<I> + Send + 'static,
    builder: TaskBuilder<T, Q, P, W>,
    work: F,
    site: &'static Location<'static>,
) -> Work<R>
where
    R: Runtime,
    T: Serialize + Send + Sync + 'static,
    Q: RuntimeSource,
    P: Begins<F, I, O, T, Q, W, M>,
    I: 'static,
    F: Send + 'static,
{
    let (output, name) = (node.output_slot().clone(), node.name().clone());
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
        let policies = (settings, recovery.flatten());
        let kept = (serde_json::to_vec::<T> as fn(&T) -> _, output);
        Some(node.spawn_durable((&run, &name), policies, work, kept, site))
    })
}
