//! The live tasks of a runtime, as a tree.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::TaskMetrics;
use crate::tree::children::children;
use crate::tree::metering::measured;
use crate::tree::node::TaskRef;
use crate::tree::root::RootScope;
use crate::tree::statistics::TaskStatistics;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::info::TaskInfo;

/// Deeper than this a tree is not drawn further to the right.
const DEEPEST: usize = 32;

/// A live task, as a snapshot has it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskSnapshot {
    /// Who it is, where it is in its life, and where the library was last awaited in it.
    pub info: TaskInfo,
    /// The task that spawned it and waits for it, on whatever runtime that is.
    pub parent: Option<TaskId>,
    /// How many of the snapshot's tasks are above it.
    pub depth: usize,
    /// How long ago it was spawned, by the runtime's clock; known of tasks with timestamps, or with metrics from their birth.
    pub age: Option<Duration>,
    /// For how long the poll that is under way has kept its thread; known of tasks with metrics.
    pub polling: Option<Duration>,
    /// What it was asked to do, and by whom first, if it is being stopped.
    pub asked: Option<(CancelLevel, CancelCause)>,
    /// How long ago it was asked to stop; known of tasks with metrics.
    pub stopping: Option<Duration>,
    /// What it uses, and those below it; `None` of a task that never had metrics.
    pub metrics: Option<TaskMetrics>,
    /// It is part of its caller, and not among those that were spawned.
    is_in_place: bool,
}

/// The live tasks of a runtime at one moment: see [`Runtime::snapshot`](crate::RuntimeExt::snapshot). Printed, it is a tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeSnapshot {
    /// The runtime's name.
    pub runtime: &'static str,
    /// How many tasks there have been, and what became of them.
    pub statistics: TaskStatistics,
    /// Each task before those below it, the older before the younger.
    pub tasks: Vec<TaskSnapshot>,
}

impl RuntimeSnapshot {
    /// How many tasks are alive that could not be named: those that nobody waits for, and that have not had to wait
    /// themselves, nor are [watched](crate::RootScope::watch).
    pub fn unnamed(&self) -> usize {
        let spawned = self.tasks.iter().filter(|task| !task.is_in_place);
        self.statistics.live.saturating_sub(spawned.count())
    }

    /// The tasks whose poll has kept a thread for at least `limit`.
    pub fn long_polls(&self, limit: Duration) -> impl Iterator<Item = &TaskSnapshot> {
        self.tasks.iter().filter(move |task| task.polling.is_some_and(|polling| polling >= limit))
    }

    /// The tasks that were asked to stop at least `limit` ago, and have not ended.
    pub fn stuck(&self, limit: Duration) -> impl Iterator<Item = &TaskSnapshot> {
        self.tasks.iter().filter(move |task| task.stopping.is_some_and(|stopping| stopping >= limit))
    }
}

/// See [`Runtime::snapshot`](crate::RuntimeExt::snapshot).
pub(crate) fn snapshot(runtime: &'static str, root: &RootScope) -> RuntimeSnapshot {
    let found = reachable(root);
    let mut below: HashMap<usize, Vec<usize>> = HashMap::new();
    let places: HashMap<usize, usize> =
        found.iter().enumerate().map(|(index, (task, _))| (address(task), index)).collect();
    let mut to_tell = Vec::new();
    for (index, (_, parent)) in found.iter().enumerate() {
        match parent.as_ref().and_then(|parent| places.get(&address(parent))) {
            Some(parent) => below.entry(*parent).or_default().push(index),
            None => to_tell.push((index, 0)),
        }
    }
    // The last is told first.
    to_tell.reverse();
    let mut tasks = Vec::with_capacity(found.len());
    while let Some((index, depth)) = to_tell.pop() {
        if let Some((task, parent)) = found.get(index) {
            tasks.push(TaskSnapshot::of(task, parent.as_ref(), depth));
        }
        let children = below.remove(&index).unwrap_or_default();
        to_tell.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
    }
    RuntimeSnapshot { runtime, statistics: root.statistics(), tasks }
}

fn address(task: &TaskRef) -> usize {
    Arc::as_ptr(task).addr()
}

/// All tasks of `root` that can be named, each once, with its parent; the older first.
fn reachable(root: &RootScope) -> Vec<(TaskRef, Option<TaskRef>)> {
    let mut to_see = root.listed();
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    while let Some(task) = to_see.pop() {
        if seen.insert(address(&task)) {
            to_see.extend(children(&task));
            found.push(task);
        }
    }
    found.retain(|task| std::ptr::eq(task.runtime.scope(), root) && !task.control.status().is_terminal());
    found.sort_by_key(|task| task.control.number);
    found.into_iter().map(|task| (task.clone(), task.parent())).collect()
}

impl TaskSnapshot {
    fn of(task: &TaskRef, parent: Option<&TaskRef>, depth: usize) -> Self {
        let (control, now) = (&task.control, task.runtime.clock());
        let metered = control.metered();
        let stamped = control.times().map(|times| now.saturating_duration_since(times.created));
        Self {
            info: control.info(),
            parent: parent.map(|parent| parent.control.id()),
            depth,
            age: stamped.or_else(|| metered?.age(now)),
            polling: metered.and_then(|metered| metered.meter.polling_for()),
            asked: control.asked(),
            stopping: metered.and_then(|metered| metered.meter.stopping_for()),
            metrics: measured(task),
            is_in_place: control.is_in_place(),
        }
    }
}

impl fmt::Display for TaskSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.info)?;
        if let Some(age) = self.age {
            write!(f, ", {age:.1?} old")?;
        }
        if let Some(polling) = self.polling {
            write!(f, ", polled for {polling:.1?}")?;
        }
        if let Some((level, cause)) = self.asked {
            write!(f, ", asked to stop ({level:?}, {cause:?})")?;
        }
        if let Some(stopping) = self.stopping {
            write!(f, " {stopping:.1?} ago")?;
        }
        let Some(metrics) = self.metrics else { return Ok(()) };
        if let Some(cpu) = metrics.cpu {
            write!(f, ", processor {:.1?}", cpu.total())?;
        }
        if let Some(memory) = metrics.memory {
            write!(f, ", allocated {} bytes", memory.allocated)?;
        }
        if let Some(io) = metrics.io {
            write!(f, ", read {} bytes, written {} bytes", io.read.bytes, io.written.bytes)?;
        }
        if let Some(polls) = metrics.polls {
            write!(f, ", {} polls, the longest {:.1?}", polls.count, polls.longest)?;
        }
        Ok(())
    }
}

impl fmt::Display for RuntimeSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskStatistics { spawned, completed, failed, cancelled, live } = self.statistics;
        writeln!(
            f,
            "{}: {live} live of {spawned} tasks spawned; {completed} completed, {failed} failed, {cancelled} cancelled",
            self.runtime
        )?;
        for task in &self.tasks {
            let indent = 2 * task.depth.min(DEEPEST);
            writeln!(f, "{:indent$}- {task}", "")?;
        }
        match self.unnamed() {
            0 => Ok(()),
            unnamed => writeln!(f, "- {unnamed} more, which have not had to wait yet"),
        }
    }
}
