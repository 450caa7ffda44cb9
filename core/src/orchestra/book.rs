//! What was registered: tasks, what they depend on, groups, contexts. The description; what runs is in plans.

use std::collections::HashMap;
use std::sync::Arc;

use super::OrchestratorError;
use super::cell::{Link, Work};
use super::entry::{Entry, Stage};
use super::graph::{Circle, Graph};
use super::plan::{Plan, Seed};
use super::run::Run;
use super::shared::EdgePolicy;
use super::status::Cause;
use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::{Configured, TaskRef, Values};

type Names<V> = HashMap<Arc<str>, V, foldhash::fast::RandomState>;

pub(super) struct Book<R: Runtime> {
    pub(super) graph: Graph<EdgePolicy>,
    pub(super) entries: Vec<Entry<R>>,
    names: Names<usize>,
    groups: Names<Vec<Arc<str>>>,
    contexts: Names<Arc<Values>>,
    /// Of the orchestration as a task.
    pub(super) settings: Configured,
    /// The run that takes plans, below the task that began it.
    pub(super) run: Option<Arc<Run<R>>>,
    /// That of tasks that are in no graph, each of which has a caller of its own: below none of them.
    pub(super) guests: Option<Arc<Run<R>>>,
    /// How many runs have not ended.
    pub(super) live: usize,
    /// The task of the run that was the last to come to its end.
    pub(super) last: Option<TaskRef>,
    /// Why a run was stopped before its tasks had ended.
    pub(super) stopped: Option<Arc<AsyncTaskError>>,
    pub(super) is_closed: bool,
    /// There is no handle any more.
    pub(super) is_orphaned: bool,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Graph,
    Guests,
}

/// A plan, and what is to be said to it once it is counted.
pub(super) struct Planned<R: Runtime> {
    pub(super) plan: Arc<Plan<R>>,
    /// Those of earlier plans that some of it wait for.
    pub(super) late: Vec<(Arc<Plan<R>>, u32, Link)>,
    pub(super) skipped: Vec<(u32, Cause)>,
}

impl<R: Runtime> Book<R> {
    pub(super) fn new(settings: Configured) -> Self {
        Self {
            graph: Graph::default(),
            entries: Vec::new(),
            names: Names::default(),
            groups: Names::default(),
            contexts: Names::default(),
            settings,
            run: None,
            guests: None,
            live: 0,
            last: None,
            stopped: None,
            is_closed: false,
            is_orphaned: false,
        }
    }

    pub(super) fn open(&self) -> Result<(), OrchestratorError> {
        if self.is_closed { Err(OrchestratorError::Closed) } else { Ok(()) }
    }

    pub(super) fn register(
        &mut self,
        name: &Arc<str>,
        above: &[usize],
        work: Work<R>,
    ) -> Result<(), OrchestratorError> {
        self.open()?;
        if self.names.contains_key(name) {
            return Err(OrchestratorError::NameTaken { name: name.clone() });
        }
        let number = self.graph.add();
        self.names.insert(name.clone(), number);
        self.entries.push(Entry { name: name.clone(), stage: Stage::Registered(work), values: None });
        for on in above {
            // A node that nothing depends on closes no circle.
            let _ = self.graph.depend(number, *on, EdgePolicy::Success);
        }
        Ok(())
    }

    pub(super) fn number(&self, task: &str) -> Result<usize, OrchestratorError> {
        self.names.get(task).copied().ok_or_else(|| OrchestratorError::UnknownTask { task: task.into() })
    }

    pub(super) fn entry(&self, task: &str) -> Result<&Entry<R>, OrchestratorError> {
        let unknown = || OrchestratorError::UnknownTask { task: task.into() };
        self.entries.get(self.number(task)?).ok_or_else(unknown)
    }

    pub(super) fn name(&self, number: usize) -> Arc<str> {
        self.entries.get(number).map_or_else(|| "".into(), |entry| entry.name.clone())
    }

    fn is_registered(&self, number: usize) -> bool {
        matches!(self.entries.get(number), Some(Entry { stage: Stage::Registered(_), .. }))
    }

    /// True if any of them was not started.
    pub(super) fn has_registered(&self, numbers: &[usize]) -> bool {
        numbers.iter().any(|number| self.is_registered(*number))
    }

    pub(super) fn depend(
        &mut self,
        task: &str,
        on: &str,
        policy: EdgePolicy,
    ) -> Result<(), OrchestratorError> {
        let (number, on) = (self.number(task)?, self.number(on)?);
        if !self.is_registered(number) {
            return Err(OrchestratorError::AlreadyStarted { task: self.name(number) });
        }
        self.graph.depend(number, on, policy).map_err(|Circle(path)| OrchestratorError::Cycle {
            path: path.into_iter().map(|number| self.name(number)).collect(),
        })
    }

    pub(super) fn create_group(&mut self, group: &str) -> Result<(), OrchestratorError> {
        if self.groups.contains_key(group) {
            return Err(OrchestratorError::NameTaken { name: group.into() });
        }
        self.groups.insert(group.into(), Vec::new());
        Ok(())
    }

    pub(super) fn add_to_group(&mut self, task: &str, group: &str) -> Result<(), OrchestratorError> {
        let name = self.entry(task)?.name.clone();
        let unknown = || OrchestratorError::UnknownGroup { group: group.into() };
        let members = self.groups.get_mut(group).ok_or_else(unknown)?;
        if !members.contains(&name) {
            members.push(name);
        }
        Ok(())
    }

    /// The numbers of a group's tasks, in the order in which they were added.
    pub(super) fn group(&self, group: &str) -> Result<Vec<usize>, OrchestratorError> {
        let unknown = || OrchestratorError::UnknownGroup { group: group.into() };
        let members = self.groups.get(group).ok_or_else(unknown)?;
        Ok(members.iter().filter_map(|name| self.names.get(name).copied()).collect())
    }

    pub(super) fn create_context(&mut self, context: &str, values: Values) -> Result<(), OrchestratorError> {
        if self.contexts.contains_key(context) {
            return Err(OrchestratorError::NameTaken { name: context.into() });
        }
        self.contexts.insert(context.into(), Arc::new(values));
        Ok(())
    }

    pub(super) fn set_context(&mut self, task: &str, context: &str) -> Result<(), OrchestratorError> {
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

    /// Makes a plan for `run` of those of `roots` and of what they depend on that were not started; `None` if there are none.
    pub(super) fn plan(&mut self, run: &Arc<Run<R>>, roots: Vec<usize>) -> Option<Planned<R>> {
        const NONE: u32 = u32::MAX;
        let mut wanted = self.graph.with_above(roots);
        wanted.retain(|number| self.is_registered(*number));
        if wanted.is_empty() {
            return None;
        }
        wanted.sort_unstable();
        let mut places = vec![NONE; self.graph.len()];
        for (place, number) in (0..).zip(&wanted) {
            if let Some(own) = places.get_mut(*number) {
                *own = place;
            }
        }
        let place = |number: usize| places.get(number).copied().filter(|place| *place != NONE);
        let (mut late, mut skipped, mut seeds) = (Vec::new(), Vec::new(), Vec::with_capacity(wanted.len()));
        for (own, number) in (0..).zip(&wanted) {
            let mut unmet = 0;
            for link in self.graph.above(*number) {
                let stage = self.entries.get(link.node).map(|entry| &entry.stage);
                match (stage, link.edge) {
                    (Some(Stage::Registered(_)), _) => unmet += 1,
                    (Some(Stage::Started(plan, index)), policy) => {
                        unmet += 1;
                        late.push((plan.clone(), *index, Link { to: own, policy }));
                    }
                    (Some(Stage::Skipped(cause)), EdgePolicy::Success) => skipped.push((own, cause.clone())),
                    (Some(Stage::Cancelled), EdgePolicy::Success) => {
                        skipped.push((own, Cause { task: self.name(link.node), cancelled: true }));
                    }
                    _ => {}
                }
            }
            let below = self.graph.below(*number).iter();
            let below = below.filter_map(|link| Some(Link { to: place(link.node)?, policy: link.edge }));
            seeds.push((unmet, below.collect::<Vec<_>>()));
        }
        let mut cells = Vec::with_capacity(wanted.len());
        for (number, (unmet, below)) in wanted.iter().zip(seeds) {
            let Some(entry) = self.entries.get_mut(*number) else { continue };
            if let Stage::Registered(work) = std::mem::replace(&mut entry.stage, Stage::Cancelled) {
                let (name, values) = (entry.name.clone(), entry.values.clone());
                cells.push(Seed { name, work, values, unmet, below });
            }
        }
        let plan = Plan::new(run.clone(), cells, false);
        for (index, number) in (0..).zip(&wanted) {
            if let Some(entry) = self.entries.get_mut(*number) {
                entry.stage = Stage::Started(plan.clone(), index);
            }
        }
        Some(Planned { plan, late, skipped })
    }

    /// Closes it, and cancels what was not started. Gives what that work holds, to be dropped elsewhere.
    pub(super) fn close(&mut self) -> Vec<Stage<R>> {
        self.is_closed = true;
        let waiting = self.entries.iter_mut().filter(|entry| matches!(entry.stage, Stage::Registered(_)));
        waiting.map(|entry| std::mem::replace(&mut entry.stage, Stage::Cancelled)).collect()
    }

    /// Ends one that was not started, if it was not.
    pub(super) fn end_early(&mut self, number: usize, stage: Stage<R>) -> Option<Stage<R>> {
        if !self.is_registered(number) {
            return None;
        }
        Some(std::mem::replace(&mut self.entries.get_mut(number)?.stage, stage))
    }

    pub(super) fn leave_run(&mut self, run: &Arc<Run<R>>) {
        let left = [&mut self.run, &mut self.guests].map(|slot| slot.take_if(|own| Arc::ptr_eq(own, run)));
        if let Some(task) = left.iter().flatten().find_map(|run| run.task()) {
            self.last = Some(task.clone());
        }
    }

    /// The tasks of the runs that take plans, that of the graph first.
    pub(super) fn tasks(&self) -> Vec<TaskRef> {
        let runs = self.run.iter().chain(&self.guests);
        runs.filter_map(|run| run.task().cloned()).collect()
    }

    pub(super) fn slot(&mut self, whose: Whose) -> &mut Option<Arc<Run<R>>> {
        match whose {
            Whose::Graph => &mut self.run,
            Whose::Guests => &mut self.guests,
        }
    }

    pub(super) fn plans(&self, run: &Arc<Run<R>>) -> Vec<Arc<Plan<R>>> {
        let mut plans: Vec<Arc<Plan<R>>> = Vec::new();
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
    pub(super) fn levels(&self) -> Vec<Vec<(Arc<Plan<R>>, u32)>> {
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
    pub(super) fn discard(&mut self) -> Vec<Entry<R>> {
        if self.is_orphaned && self.live == 0 { std::mem::take(&mut self.entries) } else { Vec::new() }
    }

    /// Takes out those that have ended and that nothing depends on which has not. Gives them, to be dropped elsewhere.
    pub(super) fn clear(&mut self) -> Vec<Entry<R>> {
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
