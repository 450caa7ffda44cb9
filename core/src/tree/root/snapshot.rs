//! The live tasks of a runtime, as a tree.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::metrics::TaskMetrics;
use crate::tree::children::children;
use crate::tree::node::TaskRef;
use crate::tree::root::RootScope;
use crate::tree::usage::metering::measured;
use crate::tree::usage::statistics::TaskStatistics;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::info::TaskInfo;

/// The depth from which on a tree is not indented further.
const DEEPEST: usize = 32;

/// A live task in a snapshot.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskSnapshot {
    /// Its identity, its status, and the source location of its last await of the library.
    pub info: TaskInfo,
    /// The task that spawned it and waits for it, on whatever runtime that is.
    pub parent: Option<TaskId>,
    /// The number of tasks of the snapshot that are above it.
    pub depth: usize,
    /// The time since it was spawned, by the runtime's clock; known of tasks with timestamps, or with metrics
    /// since their spawn.
    pub age: Option<Duration>,
    /// The time for which the poll under way has kept its thread; known of tasks with metrics.
    pub polling: Option<Duration>,
    /// The level and the first cause of its cancellation, if it is being cancelled.
    pub asked: Option<(CancelLevel, CancelCause)>,
    /// The reason that was given with that cause, if one was.
    pub reason: Option<Arc<str>>,
    /// The time since cancellation was first requested; known of tasks with metrics.
    pub stopping: Option<Duration>,
    /// Its usage, with that of the tasks below it; `None` for a task that never had metrics.
    pub metrics: Option<TaskMetrics>,
    /// True if it is part of its caller, and not counted among the spawned tasks.
    is_in_place: bool,
}

/// The live tasks of a runtime at one moment: see [`Runtime::snapshot`](crate::RuntimeExt::snapshot).
/// Printed, it is a tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RuntimeSnapshot {
    /// The runtime's name.
    pub runtime: &'static str,
    /// The counts of all tasks so far, and of their ends.
    pub statistics: TaskStatistics,
    /// Each task before those below it, the older before the younger.
    pub tasks: Vec<TaskSnapshot>,
}

impl RuntimeSnapshot {
    /// The number of live tasks that the snapshot does not name: tasks that no other task waits for, that
    /// have not had to wait themselves, and are not [watched](crate::RootScope::watch).
    pub fn unnamed(&self) -> usize {
        let spawned = self.tasks.iter().filter(|task| !task.is_in_place);
        self.statistics.live.saturating_sub(spawned.count())
    }

    /// The tasks whose poll has kept a thread for at least `limit`.
    pub fn long_polls(&self, limit: Duration) -> impl Iterator<Item = &TaskSnapshot> {
        self.tasks.iter().filter(move |task| task.polling.is_some_and(|polling| polling >= limit))
    }

    /// The tasks whose cancellation was requested at least `limit` ago, and that have not ended.
    pub fn stuck(&self, limit: Duration) -> impl Iterator<Item = &TaskSnapshot> {
        self.tasks.iter().filter(move |task| task.stopping.is_some_and(|stopping| stopping >= limit))
    }
}

/// See [`Runtime::snapshot`](crate::RuntimeExt::snapshot).
pub(crate) fn snapshot(runtime: &'static str, root: &RootScope) -> RuntimeSnapshot {
    let found = reachable(root);
    let mut below: HashMap<usize, Vec<usize>> = HashMap::new();
    let indices: HashMap<usize, usize> =
        found.iter().enumerate().map(|(index, (task, _))| (address(task), index)).collect();
    let mut to_visit = Vec::new();
    for (index, (_, parent)) in found.iter().enumerate() {
        match parent.as_ref().and_then(|parent| indices.get(&address(parent))) {
            Some(parent) => below.entry(*parent).or_default().push(index),
            None => to_visit.push((index, 0)),
        }
    }
    // The next one is taken from the end.
    to_visit.reverse();
    let mut tasks = Vec::with_capacity(found.len());
    while let Some((index, depth)) = to_visit.pop() {
        if let Some((task, parent)) = found.get(index) {
            tasks.push(TaskSnapshot::of(task, parent.as_ref(), depth));
        }
        let children = below.remove(&index).unwrap_or_default();
        to_visit.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
    }
    RuntimeSnapshot { runtime, statistics: root.statistics(), tasks }
}

fn address(task: &TaskRef) -> usize {
    Arc::as_ptr(task).addr()
}

/// All tasks of `root` that can be named, each once, with its parent; the older first.
fn reachable(root: &RootScope) -> Vec<(TaskRef, Option<TaskRef>)> {
    let mut unseen = root.listed();
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    while let Some(task) = unseen.pop() {
        if seen.insert(address(&task)) {
            unseen.extend(children(&task));
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
            reason: control.reason().cloned(),
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
            match &self.reason {
                Some(reason) => write!(f, ", asked to stop ({level:?}, {cause:?}, {reason:?})")?,
                None => write!(f, ", asked to stop ({level:?}, {cause:?})")?,
            }
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
