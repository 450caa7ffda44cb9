//! A report of the tasks that were run: when they began and ended, and how.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use crate::orchestrator::handle::Orchestrator;
use crate::registry::description::Registry;
use crate::status::{ExecutionStats, NodeStatus};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::NamedTask as _;

/// One task of a [`Report`]. Times count from the moment at which the first task began, ad-hoc tasks included.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportedTask {
    /// Its name.
    pub name: Arc<str>,
    /// Its status.
    pub status: NodeStatus,
    /// True if it has completed without being run, since a durable run has kept its output.
    pub is_restored: bool,
    /// When it began; `None` if it has not.
    pub began: Option<Duration>,
    /// When it ended; `None` if it has not, or had not begun.
    pub ended: Option<Duration>,
    /// The tasks that it depends on.
    pub depends_on: Vec<Arc<str>>,
    /// The error with which it ended, as text: that of a failure, or of a cancellation. `None` also for a
    /// task that was cancelled while it waited for its dependencies.
    pub error: Option<Arc<str>>,
    /// True if it is on the critical path: the path through the graph whose tasks took longest together.
    pub is_critical: bool,
    /// The index of its lane; `None` if it has not begun. Tasks that were under way at the same time have
    /// different lanes. Lanes are computed for the report, since permits have no numbers.
    pub lane: Option<usize>,
}

/// A record of the tasks, as of one moment: see [`Orchestrator::report`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The orchestrator's name.
    pub name: Option<Arc<str>>,
    /// The tasks, in the order of their registration.
    pub tasks: Vec<ReportedTask>,
    /// Counts of tasks by status, ad-hoc tasks included.
    pub stats: ExecutionStats,
    /// The time from the beginning of the first task to the last end, or to now while a task runs.
    pub elapsed: Duration,
    /// The number of lanes: how many tasks were under way at the same time, at most.
    pub lanes: usize,
}

impl<S: RuntimeSource> Orchestrator<S> {
    /// Returns a record of the tasks until now, for pictures ([`Report::to_svg`]) and programs
    /// ([`Report::to_json`]). Tasks that were [cleared](Self::clear_completed_tasks) are not in it, and
    /// ad-hoc tasks are only counted.
    pub fn report(&self) -> Report {
        let (name, stats) = (self.name(), self.execution_stats());
        let session = self.shared.registry().sessions.graph.clone();
        let now = session.and_then(|session| session.state.elapsed()).map(Duration::from_nanos);
        let registry = self.shared.registry();
        let (mut tasks, errors) = collect_tasks(&registry);
        let running = tasks.iter().any(|task| task.began.is_some() && task.ended.is_none());
        let last = tasks.iter().filter_map(|task| task.ended).max().unwrap_or_default();
        let elapsed = now.filter(|_| running).map_or(last, |now| now.max(last));
        let took = |task: &ReportedTask| {
            let (began, ended) = (task.began?, task.ended.unwrap_or(elapsed));
            // A weight of at least 1: of paths that took no time, the longest is meant.
            Some(u64::try_from(ended.saturating_sub(began).as_nanos()).unwrap_or(u64::MAX).max(1))
        };
        let weights: Vec<Option<u64>> = tasks.iter().map(took).collect();
        let weight = |number: usize| weights.get(number).copied().flatten();
        for number in registry.graph.critical_path(|number| weight(number).unwrap_or(0)) {
            if let Some(task) = tasks.get_mut(number).filter(|_| weight(number).is_some()) {
                task.is_critical = true;
            }
        }
        drop(registry);
        // After the lock: formatting an error runs foreign code.
        for (task, error) in tasks.iter_mut().zip(errors) {
            task.error = error.map(|error| error.reason().into());
        }
        let lanes = lay_out(&mut tasks);
        Report { name, tasks, stats, elapsed, lanes }
    }
}

/// The tasks, and the errors that they ended with.
fn collect_tasks<R: Runtime>(
    registry: &Registry<R>,
) -> (Vec<ReportedTask>, Vec<Option<Arc<AsyncTaskError>>>) {
    let collect = |number: usize| {
        let entry = registry.entries.get(number)?;
        let (began, ended) = entry.times();
        let mut above: Vec<usize> = registry.graph.above(number).map(|link| link.node).collect();
        above.sort_unstable();
        above.dedup();
        let task = ReportedTask {
            name: entry.name.clone(),
            status: entry.status(),
            is_restored: entry.is_restored(),
            began,
            ended: ended.filter(|_| began.is_some()),
            depends_on: above.into_iter().map(|on| registry.name(on)).collect(),
            error: None,
            is_critical: false,
            lane: None,
        };
        Some((task, entry.error()))
    };
    (0..registry.entries.len()).filter_map(collect).unzip()
}

/// Assigns to each task that began the first lane that was free then. Returns the number of lanes.
fn lay_out(tasks: &mut [ReportedTask]) -> usize {
    let mut starts: Vec<(Duration, usize)> =
        tasks.iter().enumerate().filter_map(|(number, task)| Some((task.began?, number))).collect();
    starts.sort_unstable();
    let (mut busy, mut free, mut lanes) = (BinaryHeap::new(), BinaryHeap::new(), 0);
    for (began, number) in starts {
        while let Some(Reverse((end, lane))) = busy.peek().copied() {
            if end > began {
                break;
            }
            busy.pop();
            free.push(Reverse(lane));
        }
        let Reverse(lane) = free.pop().unwrap_or_else(|| {
            lanes += 1;
            Reverse(lanes - 1)
        });
        let Some(task) = tasks.get_mut(number) else { continue };
        task.lane = Some(lane);
        busy.push(Reverse((task.ended.unwrap_or(Duration::MAX), lane)));
    }
    lanes
}

impl Report {
    /// The tasks of the critical path, from its first to its last.
    pub fn critical_path(&self) -> Vec<Arc<str>> {
        let mut path: Vec<_> = self.tasks.iter().filter(|task| task.is_critical).collect();
        path.sort_by_key(|task| (task.began, task.ended));
        path.into_iter().map(|task| task.name.clone()).collect()
    }
}
