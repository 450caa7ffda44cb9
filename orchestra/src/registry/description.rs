//! The registry: tasks, their dependencies, groups and contexts. It describes the tasks, and batches run
//! them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::OrchestratorError;
#[cfg(feature = "durable")]
use crate::durable::run::Run;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::{Batch, Work};
use crate::execution::session_kind::TraceFields;
use crate::graph::{Cycle, Graph};
use crate::registry::key::{Key, Mark};
use crate::registry::registration::{Registration, Stage};
use crate::registry::sessions::Sessions;
use sweet_async_core::extend::Configured;
use sweet_async_core::extend::Values;
use sweet_async_core::runtime::Runtime;

type Names<V> = HashMap<Arc<str>, V, foldhash::fast::RandomState>;

pub(crate) struct Registry<R: Runtime> {
    /// The mark by which the orchestrator recognizes its nodes.
    pub(crate) mark: Arc<Mark>,
    pub(crate) graph: Graph<EdgePolicy>,
    pub(crate) entries: Vec<Registration<R>>,
    names: Names<usize>,
    groups: Names<Vec<Arc<str>>>,
    contexts: Names<Arc<Values>>,
    /// The settings of the orchestration as a task.
    pub(crate) settings: Configured,
    /// The trace fields that were added before it was started.
    pub(crate) trace_fields: TraceFields,
    pub(crate) sessions: Sessions<R>,
    /// True once the orchestrator accepts nothing more.
    pub(crate) is_closed: bool,
    /// The run, if outputs are kept.
    #[cfg(feature = "durable")]
    pub(crate) run: Option<Arc<Run>>,
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
            sessions: Sessions::default(),
            is_closed: false,
            #[cfg(feature = "durable")]
            run: None,
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), OrchestratorError> {
        if self.is_closed { Err(OrchestratorError::Closed) } else { Ok(()) }
    }

    /// Registers a task, and returns its entry. Refused work is returned, to be dropped without the lock.
    pub(crate) fn register(
        &mut self,
        (name, number): (&Arc<str>, u64),
        above: &[usize],
        work: Work<R>,
    ) -> Result<Option<&mut Registration<R>>, (OrchestratorError, Work<R>)> {
        if let Err(error) = self.check_open().and_then(|()| self.check_changeable(name)) {
            return Err((error, work));
        }
        let Entry::Vacant(vacant) = self.names.entry(name.clone()) else {
            return Err((OrchestratorError::NameTaken { name: name.clone() }, work));
        };
        let index = self.graph.add();
        vacant.insert(index);
        self.entries.push(Registration {
            name: name.clone(),
            number,
            stage: Stage::Registered(work),
            values: None,
            #[cfg(feature = "durable")]
            restore: None,
        });
        for on in above {
            // A node that nothing depends on closes no cycle.
            let _ = self.graph.depend(index, *on, EdgePolicy::Success);
        }
        Ok(self.entries.last_mut())
    }

    pub(crate) fn number(&self, task: Key<'_>) -> Result<usize, OrchestratorError> {
        let name = || task.name.into();
        let number = self.names.get(task.name).copied();
        let Some(identity) = task.identity else {
            return number.ok_or_else(|| OrchestratorError::UnknownTask { task: name() });
        };
        if !Arc::ptr_eq(&identity.mark, &self.mark) {
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
        self.check_changeable(&self.name(number))?;
        if !self.is_registered(number) {
            return Err(OrchestratorError::AlreadyStarted { task: self.name(number) });
        }
        self.graph.depend(number, on, policy).map_err(|cycle| self.cycle(cycle))
    }

    pub(crate) fn cycle(&self, Cycle(path): Cycle) -> OrchestratorError {
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

    /// Refused values are left to the caller, to be dropped without the lock.
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

    /// Closes the orchestrator, and cancels all tasks that were not started, for the reason if there is one.
    /// Returns their former stages, to be dropped without the lock.
    pub(crate) fn close(&mut self, reason: Option<&Arc<str>>) -> Vec<Stage<R>> {
        self.is_closed = true;
        let waiting = self.entries.iter_mut().filter(|entry| matches!(entry.stage, Stage::Registered(_)));
        let cancel = |entry: &mut Registration<R>| {
            std::mem::replace(&mut entry.stage, Stage::Cancelled(reason.cloned()))
        };
        waiting.map(cancel).collect()
    }

    /// Ends a task that was not started, and returns its former stage; `None` if it was started.
    pub(crate) fn end_early(&mut self, number: usize, stage: Stage<R>) -> Option<Stage<R>> {
        if !self.is_registered(number) {
            return None;
        }
        Some(std::mem::replace(&mut self.entries.get_mut(number)?.stage, stage))
    }

    /// The nodes that were started, by depth in the graph. Those of the first level depend on nothing.
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

    /// Takes out the tasks that have ended and on which no task depends that has not ended. Returns them, to
    /// be dropped without the lock.
    pub(crate) fn clear(&mut self) -> Vec<Registration<R>> {
        let ended: Vec<bool> = self.entries.iter().map(|entry| entry.status().is_terminal()).collect();
        let has_ended = |number: usize| ended.get(number) == Some(&true);
        let is_done =
            |number: usize| has_ended(number) && self.graph.below(number).all(|link| has_ended(link.node));
        let keeps: Vec<bool> = (0..self.entries.len()).map(|number| !is_done(number)).collect();
        self.graph.retain(|number| keeps.get(number) == Some(&true));
        let (mut kept, mut cleared) = (Vec::new(), Vec::new());
        for (entry, keep) in std::mem::take(&mut self.entries).into_iter().zip(keeps) {
            if keep { kept.push(entry) } else { cleared.push(entry) }
        }
        self.entries = kept;
        self.names = (0..).zip(&self.entries).map(|(number, entry)| (entry.name.clone(), number)).collect();
        for members in self.groups.values_mut() {
            members.retain(|name| self.names.contains_key(name));
        }
        cleared
    }
}
