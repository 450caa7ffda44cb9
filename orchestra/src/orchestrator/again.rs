//! New work for tasks that have ended without an output.

use std::panic::Location;

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::Work;
use crate::graph::Link;
use crate::orchestrator::handle::{Orchestrator, work_of};
use crate::registry::description::Registry;
use crate::registry::key::Key;
use crate::registry::node::{Dependency, Inputs, Node};
use crate::registry::registration::Stage;
use crate::registry::work::{Begins, NoInputs, WithInputs};
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{IntoAsyncResult, TaskBuilder};

impl<S: RuntimeSource> Orchestrator<S> {
    /// Gives new work to a task that has failed, was cancelled or skipped, or was never started. It can then
    /// be started again, as by [`start_all`](Self::start_all). Its name, its node, its groups, its context
    /// and all its edges stay; its failure is forgotten. Tasks that were skipped because it had no output are
    /// given new work in the same way, by calls of their own.
    ///
    /// ```
    /// # use sweet_async_core::{Runtime, TaskBuilder};
    /// # use sweet_async_orchestra::{OrchestratorBuilder, OrchestratorError};
    /// # async fn example<R: Runtime>(runtime: &R) -> Result<(), OrchestratorError> {
    /// # let task = || TaskBuilder::<u32, _>::new(runtime.clone());
    /// let orchestra = OrchestratorBuilder::new(runtime.clone()).build()?;
    /// let fetched = orchestra.register_task("fetch", task(), || async { Err::<u32, _>("no answer") })?;
    /// assert!(orchestra.run().await.is_err());
    /// orchestra.register_again(&fetched, task(), || async { 7 })?;
    /// orchestra.run().await?;
    /// assert_eq!(fetched.output().as_deref(), Some(&7));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::AlreadyStarted`] while it is under way, and once it has completed;
    /// [`OrchestratorError::Closed`], [`OrchestratorError::Foreign`], [`OrchestratorError::Cleared`]. A durable
    /// orchestrator refuses it: the next start of the run, by another orchestrator, runs the task again.
    #[track_caller]
    pub fn register_again<T, Q, P, W, F, O, M>(
        &self,
        node: &Node<T>,
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<(), OrchestratorError>
    where
        T: Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<NoInputs<F>, (), O, T, Q, W, M>,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let site = Location::caller();
        let work =
            work_of::<S::Runtime, T, Q, P, W, (), _, O, M>(node, || Some(()), builder, NoInputs(work), site);
        self.renew(node, &[], work)
    }

    /// As [`register_again`](Self::register_again), for work that is given the outputs of other tasks: it
    /// begins after those, too.
    ///
    /// # Errors
    ///
    /// As there; [`OrchestratorError::Cycle`] if one of those tasks depends on it. Nothing is changed then.
    #[track_caller]
    pub fn register_again_after<T, Q, P, W, I, F, O, M>(
        &self,
        node: &Node<T>,
        inputs: I,
        builder: TaskBuilder<T, Q, P, W>,
        work: F,
    ) -> Result<(), OrchestratorError>
    where
        T: Send + Sync + 'static,
        Q: RuntimeSource,
        P: Begins<WithInputs<F>, I::Values, O, T, Q, W, M>,
        I: Inputs,
        F: FnOnce(I::Values) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let (take, site) = (inputs.take(), Location::caller());
        let work = work_of::<S::Runtime, T, Q, P, W, I::Values, _, O, M>(
            node,
            take,
            builder,
            WithInputs(work),
            site,
        );
        self.renew(node, &inputs.dependencies(), work)
    }

    fn renew<T>(
        &self,
        node: &Node<T>,
        above: &[Dependency],
        work: Work<S::Runtime>,
    ) -> Result<(), OrchestratorError> {
        let mut registry = self.shared.registry();
        let renewed = registry.renew(Key::of(node), above, work);
        drop(registry);
        // The former stage or the refused work is dropped here: destructors are the user's, and may call this
        // orchestrator.
        renewed.map_err(|(error, _)| error)?;
        self.shared.progress.failures.forget(|task| *task != **node.name());
        Ok(())
    }
}

impl<R: Runtime> Registry<R> {
    /// Returns the former stage, or the refused work.
    fn renew(
        &mut self,
        task: Key<'_>,
        above: &[Dependency],
        work: Work<R>,
    ) -> Result<Stage<R>, (OrchestratorError, Work<R>)> {
        match self.can_renew(task, above) {
            Ok(number) => match self.entries.get_mut(number) {
                Some(entry) => Ok(std::mem::replace(&mut entry.stage, Stage::Registered(work))),
                None => Err((OrchestratorError::UnknownTask { task: task.name.into() }, work)),
            },
            Err(error) => Err((error, work)),
        }
    }

    fn can_renew(&mut self, task: Key<'_>, above: &[Dependency]) -> Result<usize, OrchestratorError> {
        self.check_open()?;
        let number = self.number(task)?;
        self.check_renewable(task.name)?;
        let on: Result<Vec<usize>, OrchestratorError> =
            above.iter().map(|on| self.number(on.key())).collect();
        if !self.entry(task)?.can_be_renewed() {
            return Err(OrchestratorError::AlreadyStarted { task: task.name.into() });
        }
        let on = on?;
        // An edge from this task adds no path from another task to it, so all edges are checked before any is
        // added.
        if let Some(cycle) = on.iter().find_map(|on| self.graph.cycle(number, *on)) {
            return Err(self.cycle(cycle));
        }
        for on in on {
            let has = |link: Link<EdgePolicy>| link.node == on && link.edge == EdgePolicy::Success;
            if !self.graph.above(number).any(has) {
                let _ = self.graph.depend(number, on, EdgePolicy::Success);
            }
        }
        Ok(number)
    }
}
