//! What was registered: tasks, what they depend on, groups, contexts. The description; what runs is in plans.

use std::collections::HashMap;
use std::sync::Arc;

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::Batch;
use crate::execution::node_state::Work;
use crate::execution::session::Session;
use crate::execution::whose::{TraceFields, Whose};
use crate::graph::{Circle, Graph};
use crate::registry::key::{Key, Mark};
use crate::registry::registration::{Registration, Stage};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Values;
use sweet_async_core::extend::{Configured, TaskRef};
use sweet_async_core::runtime::Runtime;

type Names<V> = HashMap<Arc<str>, V, foldhash::fast::RandomState>;

pub(crate) struct Registry<R: Runtime> {
    /// Its nodes are told from those of others by it.
    pub(crate) mark: Arc<Mark>,
    pub(crate) graph: Graph<EdgePolicy>,
    pub(crate) entries: Vec<Registration<R>>,
    names: Names<usize>,
    groups: Names<Vec<Arc<str>>>,
    contexts: Names<Arc<Values>>,
    /// Of the orchestration as a task.
    pub(crate) settings: Configured,
    /// Those that were added before it was started.
    pub(crate) trace_fields: TraceFields,
    /// The run that takes plans, below the task that began it.
    pub(crate) run: Option<Arc<Session<R>>>,
    /// That of tasks that are in no graph, each of which has a caller of its own: below none of them.
    pub(crate) guests: Option<Arc<Session<R>>>,
    /// How many runs have not ended.
    pub(crate) live: usize,
    /// The task of the run that was the last to come to its end.
    pub(crate) last: Option<TaskRef>,
    /// As `last`, of ad-hoc tasks.
    pub(crate) last_guests: Option<TaskRef>,
    /// Why a run was stopped before its tasks had ended.
    pub(crate) stopped: Option<Arc<AsyncTaskError>>,
    pub(crate) is_closed: bool,
    /// There is no handle any more.
    pub(crate) is_orphaned: bool,
}

/// What a run that has left was held by. Its destructors may be foreign code.
pub(crate) struct Left<R: Runtime> {
    _runs: [Option<Arc<Session<R>>>; 2],
    _last: Option<TaskRef>,
}

impl<R: Runtime> Registry<R> {
    pub(crate) fn new(settings: Configured) -> Self {
        Self {
            mark: Arc::default(),
            graph: Graph::default(),
            entries: Vec::new(),
            names: Names::default(),
            groups: Names::default(),
            contexts: Names::default(),
            settings,
            trace_fields: Vec::new(),
            last_guests: None,
            run: None,
            guests: None,
            live: 0,
            last: None,
            stopped: None,
            is_closed: false,
            is_orphaned: false,
        }
    }

    pub(crate) fn open(&self) -> Result<(), OrchestratorError> {
        if self.is_closed { Err(OrchestratorError::Closed) } else { Ok(()) }
    }

    /// Registers a task. What is refused is given back, to be dropped elsewhere.
    pub(crate) fn register(
        &mut self,
        (name, number): (&Arc<str>, u64),
        above: &[usize],
        work: Work<R>,
    ) -> Result<(), (OrchestratorError, Work<R>)> {
        if self.is_closed {
            return Err((OrchestratorError::Closed, work));
        }
        if self.names.contains_key(name) {
            return Err((OrchestratorError::NameTaken { name: name.clone() }, work));
        }
        let index = self.graph.add();
        self.names.insert(name.clone(), index);
        self.entries.push(Registration {
            name: name.clone(),
            number,
            stage: Stage::Registered(work),
            values: None,
        });
        for on in above {
            // A node that nothing depends on closes no circle.
            let _ = self.graph.depend(index, *on, EdgePolicy::Success);
        }
        Ok(())
    }

    pub(crate) fn number(&self, task: Key<'_>) -> Result<usize, OrchestratorError> {
        let name = || task.name.into();
        let number = self.names.get(task.name).copied();
        let Some(identity) = task.identity else {
            return number.ok_or_else(|| OrchestratorError::UnknownTask { task: name() });
        };
        if !Arc::ptr_eq(&identity.of, &self.mark) {
            return Err(OrchestratorError::Foreign { task: name() });
        }
        let is_own =
            |number: &usize| self.entries.get(*number).map(|entry| entry.number) == Some(identity.number);
        number.filter(is_own).ok_or_else(|| OrchestratorError::Cleared { task: name() })
    }

    pub(crate) fn entry(&self, task: Key<'_>) -> Result<&Registration<R>, OrchestratorError> {
        let unknown = || OrchestratorError::UnknownTask { task: task.name.into() };
        self.entries.get(self.number(task)?).ok_or_else(unknown)
    }

    pub(crate) fn name(&self, number: usize) -> Arc<str> {
        self.entries.get(number).map_or_else(|| "".into(), |entry| entry.name.clone())
    }

    pub(crate) fn is_registered(&self, number: usize) -> bool {
        matches!(self.entries.get(number), Some(Registration { stage: Stage::Registered(_), .. }))
    }

    /// True if any of them was not started.
    pub(crate) fn has_registered(&self, numbers: &[usize]) -> bool {
        numbers.iter().any(|number| self.is_registered(*number))
    }

    pub(crate) fn depend(
        &mut self,
        task: Key<'_>,
        on: Key<'_>,
        policy: EdgePolicy,
    ) -> Result<(), OrchestratorError> {
        let (number, on) = (self.number(task)?, self.number(on)?);
        if !self.is_registered(number) {
            return Err(OrchestratorError::AlreadyStarted { task: self.name(number) });
        }
        self.graph.depend(number, on, policy).map_err(|circle| self.cycle(circle))
    }

    pub(crate) fn cycle(&self, Circle(path): Circle) -> OrchestratorError {
        OrchestratorError::Cycle { path: path.into_iter().map(|number| self.name(number)).collect() }
    }

    pub(crate) fn create_group(&mut self, group: &str) -> Result<(), OrchestratorError> {
        if self.groups.contains_key(group) {
            return Err(OrchestratorError::NameTaken { name: group.into() });
        }
        self.groups.insert(group.into(), Vec::new());
        Ok(())
    }

    pub(crate) fn add_to_group(&mut self, task: Key<'_>, group: &str) -> Result<(), OrchestratorError> {
        let name = self.entry(task)?.name.clone();
        let unknown = || OrchestratorError::UnknownGroup { group: group.into() };
        let members = self.groups.get_mut(group).ok_or_else(unknown)?;
        if !members.contains(&name) {
            members.push(name);
        }
        Ok(())
    }

    /// The numbers of a group's tasks, in the order in which they were added.
    pub(crate) fn group(&self, group: &str) -> Result<Vec<usize>, OrchestratorError> {
        let unknown = || OrchestratorError::UnknownGroup { group: group.into() };
        let members = self.groups.get(group).ok_or_else(unknown)?;
        Ok(members.iter().filter_map(|name| self.names.get(name).copied()).collect())
    }

    /// What is refused is left to the caller, to be dropped elsewhere.
    pub(crate) fn create_context(
        &mut self,
        context: &str,
        values: &Arc<Values>,
    ) -> Result<(), OrchestratorError> {
        if self.contexts.contains_key(context) {
            return Err(OrchestratorError::NameTaken { name: context.into() });
        }
        self.contexts.insert(context.into(), values.clone());
        Ok(())
    }

    pub(crate) fn set_context(&mut self, task: Key<'_>, context: &str) -> Result<(), OrchestratorError> {
        let number = self.number(task)?;
        let unknown = || OrchestratorError::UnknownContext { context: context.into() };
        let values = self.contexts.get(context).cloned().ok_or_else(unknown)?;
        if !self.is_registered(number) {
            return Err(OrchestratorError::AlreadyStarted { task: self.name(number) });
        }
        if let Some(entry) = self.entries.get_mut(number) {
            entry.values = Some(values);
        }
        Ok(())
    }

    /// Closes it, and cancels what was not started. Gives what that work holds, to be dropped elsewhere.
    pub(crate) fn close(&mut self) -> Vec<Stage<R>> {
        self.is_closed = true;
        let waiting = self.entries.iter_mut().filter(|entry| matches!(entry.stage, Stage::Registered(_)));
        waiting.map(|entry| std::mem::replace(&mut entry.stage, Stage::Cancelled)).collect()
    }

    /// Ends one that was not started, if it was not.
    pub(crate) fn end_early(&mut self, number: usize, stage: Stage<R>) -> Option<Stage<R>> {
        if !self.is_registered(number) {
            return None;
        }
        Some(std::mem::replace(&mut self.entries.get_mut(number)?.stage, stage))
    }

    /// From now on `run` takes no plans. Gives what goes with it, to be dropped elsewhere.
    pub(crate) fn leave_run(&mut self, run: &Arc<Session<R>>) -> Left<R> {
        let guests = self.guests.take_if(|own| Arc::ptr_eq(own, run));
        let own = self.run.take_if(|own| Arc::ptr_eq(own, run));
        let task = own.as_ref().and_then(|run| run.task().cloned());
        let before = task.and_then(|task| self.last.replace(task));
        Left { _runs: [guests, own], _last: before }
    }

    /// The orchestration as a task: the one that runs, else the last that did.
    pub(crate) fn whole(&self) -> Option<TaskRef> {
        let running = self.run.as_ref().and_then(|run| run.task());
        running.or(self.last.as_ref()).cloned()
    }

    /// As [`whole`](Self::whole), of ad-hoc tasks.
    pub(crate) fn all_guests(&self) -> Option<TaskRef> {
        let running = self.guests.as_ref().and_then(|run| run.task());
        running.or(self.last_guests.as_ref()).cloned()
    }

    /// The tasks of the runs that take plans, that of the graph first.
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        let runs = self.run.iter().chain(&self.guests);
        runs.filter_map(|run| run.task().cloned()).collect()
    }

    pub(crate) fn slot(&mut self, whose: Whose) -> &mut Option<Arc<Session<R>>> {
        match whose {
            Whose::Graph => &mut self.run,
            Whose::Guests => &mut self.guests,
        }
    }

    pub(crate) fn plans(&self, run: &Arc<Session<R>>) -> Vec<Arc<Batch<R>>> {
        let mut plans: Vec<Arc<Batch<R>>> = Vec::new();
        for entry in &self.entries {
            if let Stage::Started(plan, _) = &entry.stage
                && Arc::ptr_eq(&plan.run, run)
                && plans.last().is_none_or(|last| !Arc::ptr_eq(last, plan))
            {
                plans.push(plan.clone());
            }
        }
        plans
    }

    /// What was started, by how far below others it stands; the first stand below none.
    pub(crate) fn levels(&self) -> Vec<Vec<(Arc<Batch<R>>, u32)>> {
        let mut levels = Vec::new();
        for (entry, depth) in self.entries.iter().zip(self.graph.depths()) {
            if levels.len() <= depth {
                levels.resize_with(depth + 1, Vec::new);
            }
            if let Some(level) = levels.get_mut(depth) {
                level.extend(entry.started());
            }
        }
        levels
    }

    /// Once there is no handle any more and nothing runs: all tasks, whose plans hold on to this.
    pub(crate) fn discard(&mut self) -> Vec<Registration<R>> {
        if self.is_orphaned && self.live == 0 { std::mem::take(&mut self.entries) } else { Vec::new() }
    }

    /// Takes out those that have ended and that nothing depends on which has not. Gives them, to be dropped elsewhere.
    pub(crate) fn clear(&mut self) -> Vec<Registration<R>> {
        let ended: Vec<bool> = self.entries.iter().map(|entry| entry.status().is_terminal()).collect();
        let has_ended = |number: usize| ended.get(number) == Some(&true);
        let is_done = |number: usize| {
            has_ended(number) && self.graph.below(number).iter().all(|link| has_ended(link.node))
        };
        let keeps: Vec<bool> = (0..self.entries.len()).map(|number| !is_done(number)).collect();
        self.graph.retain(|number| keeps.get(number) == Some(&true));
        let (mut kept, mut gone) = (Vec::new(), Vec::new());
        for (entry, keep) in std::mem::take(&mut self.entries).into_iter().zip(keeps) {
            if keep { kept.push(entry) } else { gone.push(entry) }
        }
        self.entries = kept;
        self.names = (0..).zip(&self.entries).map(|(number, entry)| (entry.name.clone(), number)).collect();
        for members in self.groups.values_mut() {
            members.retain(|name| self.names.contains_key(name));
        }
        gone
    }
}
