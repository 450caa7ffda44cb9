//! New work for tasks that have ended without an output.

use std::panic::Location;

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::node_state::Work;
use crate::graph::Link;
use crate::orchestrator::handle::{Orchestrator, work_of};
use crate::registry::description::Registry;
use crate::registry::key::Key;
use crate::registry::node::{Dependency, Inputs, Node};
use crate::registry::registration::Stage;
use crate::registry::work::{Alone, Begins, Given};
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{IntoAsyncResult, TaskBuilder};

impl<S: RuntimeSource> Orchestrator<S> {
    /// Gives a task new work that has failed, was cancelled or skipped, or was never started: it can be started again, as
    /// [`start_all`](Self::start_all) does. Its name, its node, its groups, its context and all edges stay; its failure is
    /// forgotten. The tasks that were skipped since it had no output are given new work in the same way.
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
    /// [`OrchestratorError::AlreadyStarted`] while it is under way, and once it has completed; [`OrchestratorError::Closed`],
    /// [`OrchestratorError::Foreign`], [`OrchestratorError::Cleared`].
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
        P: Begins<Alone<F>, (), O, T, Q, W, M>,
        F: FnOnce() -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let place = Location::caller();
        let work =
            work_of::<S::Runtime, T, Q, P, W, (), _, O, M>(node, || Some(()), builder, Alone(work), place);
        self.renew(node, &[], work)
    }

    /// As [`register_again`](Self::register_again), for work that is given the outputs of others: it begins after those, too.
    ///
    /// # Errors
    ///
    /// As there; [`OrchestratorError::Cycle`] if one of them depends on it. Nothing is changed then.
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
        P: Begins<Given<F>, I::Values, O, T, Q, W, M>,
        I: Inputs,
        F: FnOnce(I::Values) -> O + Send + 'static,
        O: IntoAsyncResult<T, M>,
    {
        let (take, place) = (inputs.take(), Location::caller());
        let work =
            work_of::<S::Runtime, T, Q, P, W, I::Values, _, O, M>(node, take, builder, Given(work), place);
        self.renew(node, &inputs.dependencies(), work)
    }

    fn renew<T>(
        &self,
        node: &Node<T>,
        above: &[Dependency],
        work: Work<S::Runtime>,
    ) -> Result<(), OrchestratorError> {
        let mut book = self.shared.book();
        let renewed = book.renew(Key::of(node), above, work);
        drop(book);
        // Dropped here, what it was and what is refused: destructors are the user's, and may ask this orchestrator.
        renewed.map_err(|(error, _)| error)?;
        self.shared.failures.forget(|task| *task != **node.name());
        Ok(())
    }
}

impl<R: Runtime> Registry<R> {
    /// Gives what the task was, or what is refused.
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
        self.open()?;
        let number = self.number(task)?;
        let on: Result<Vec<usize>, OrchestratorError> =
            above.iter().map(|on| self.number(on.key())).collect();
        if !self.entry(task)?.can_be_renewed() {
            return Err(OrchestratorError::AlreadyStarted { task: task.name.into() });
        }
        let on = on?;
        // An edge to one changes no way from another to this: each is looked at before any is added.
        if let Some(circle) = on.iter().find_map(|on| self.graph.circle(number, *on)) {
            return Err(self.cycle(circle));
        }
        for on in on {
            let has = |link: &Link<EdgePolicy>| link.node == on && link.edge == EdgePolicy::Success;
            if !self.graph.above(number).iter().any(has) {
                let _ = self.graph.depend(number, on, EdgePolicy::Success);
            }
        }
        Ok(number)
    }
}
