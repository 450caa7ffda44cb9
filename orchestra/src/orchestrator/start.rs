//! The handle: starting, waiting, stopping.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use crate::OrchestratorError;
use crate::edge_policy::EdgePolicy;
use crate::execution::batch::Batch;
use crate::execution::session::Session;
use crate::execution::whose::Whose;
use crate::orchestrator::handle::Orchestrator;
use crate::orchestrator::planning::Planned;
use crate::orchestrator::shared::Shared;
use crate::registry::description::Registry;
use crate::registry::key::{Key, TaskKey};
use crate::registry::node::Node;
use crate::registry::registration::Stage;
use crate::status::{Cause, ExecutionStats, NodeStatus};
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::extend::cancel;
use sweet_async_core::runtime::{Runtime, RuntimeSource};
use sweet_async_core::task::{Cancellation, Canceller};

/// A cell, found by what was registered.
type At<R> = (Arc<Batch<R>>, u32);

/// The end of tasks that were asked to stop: ready once nothing of them is left.
#[must_use = "the request stands, but whether the tasks have stopped is known only by awaiting this; or drop it with `let _ =`"]
pub struct Ending(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for Ending {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl<S: RuntimeSource> Orchestrator<S> {
    /// Starts a task, and first what it depends on. Each begins once; what was started before changes nothing.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`], [`OrchestratorError::Closed`]; [`OrchestratorError::Task`] where no runtime is found,
    /// or it takes nothing more.
    #[track_caller]
    pub fn start_task(&self, task: impl TaskKey) -> Result<(), OrchestratorError> {
        let task = Key::of(&task);
        self.start(Location::caller(), |book| Ok(vec![book.number(task)?]))
    }

    /// Starts the tasks of a group, and first what they depend on.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownGroup`]; as for [`start_task`](Self::start_task).
    #[track_caller]
    pub fn start_group(&self, group: &str) -> Result<(), OrchestratorError> {
        self.start(Location::caller(), |book| book.group(group))
    }

    /// Starts all that was registered.
    ///
    /// # Errors
    ///
    /// As for [`start_task`](Self::start_task).
    #[track_caller]
    pub fn start_all(&self) -> Result<(), OrchestratorError> {
        self.start(Location::caller(), |book| Ok((0..book.entries.len()).collect()))
    }

    fn start(
        &self,
        place: &'static Location<'static>,
        roots: impl Fn(&Registry<S::Runtime>) -> Result<Vec<usize>, OrchestratorError>,
    ) -> Result<(), OrchestratorError> {
        {
            let book = self.shared.book();
            book.open()?;
            if !book.has_registered(&roots(&book)?) {
                return Ok(());
            }
        }
        let planned = self.in_run(Whose::Graph, place, |book, run| {
            // Looked up anew: what is cleared gives others its numbers.
            let planned = roots(book).map(|roots| book.plan(run, roots));
            if let Ok(Some(Planned { plan, .. })) = &planned {
                run.add(plan.clone());
            }
            planned
        })??;
        if let Some(Planned { plan, late, skipped }) = planned {
            for (earlier, index, link) in late {
                earlier.add_late(index, &plan, link);
            }
            for (index, cause) in skipped {
                plan.skip(index, cause);
            }
        }
        Ok(())
    }

    /// Does `add` with the run that takes plans, and with the book, which is locked. Where there is no run, begins one.
    pub(crate) fn in_run<O>(
        &self,
        whose: Whose,
        place: &'static Location<'static>,
        add: impl FnOnce(&mut Registry<S::Runtime>, &Arc<Session<S::Runtime>>) -> O,
    ) -> Result<O, OrchestratorError> {
        let shared = &self.shared;
        let mut book = shared.book();
        book.open()?;
        if let Some(run) = book.slot(whose).clone() {
            let output = add(&mut book, &run);
            drop(book);
            run.wake();
            return Ok(output);
        }
        let (settings, fields) = (book.settings.clone(), book.trace_fields.clone());
        book.live += 1;
        drop(book);
        // Not with the book locked: a runtime may refuse the task at once, and that is told to the book.
        let runtime = match self.source.resolve() {
            Ok(runtime) => runtime,
            Err(error) => {
                shared.not_begun();
                return Err(error.into());
            }
        };
        let own = Session::start(shared, runtime, (&settings, &fields), (whose, place));
        let mut book = shared.book();
        if let Err(closed) = book.open() {
            // Closed meanwhile, by somebody who could not ask this to stop.
            drop(book);
            own.release();
            return Err(closed);
        }
        // Another may have begun one meanwhile: of the two this one ends at once.
        let run = book.slot(whose).get_or_insert_with(|| own.clone()).clone();
        if run.is_over() {
            let left = book.leave_run(&run);
            drop(book);
            drop(left);
            // With that it is told why.
            own.release();
            let error = run.stopped.get().cloned();
            return Err(error.map_or(OrchestratorError::Closed, OrchestratorError::Task));
        }
        let mut before = None;
        if !run.is_taken.swap(true, Ordering::Relaxed) && whose == Whose::Graph {
            before = book.stopped.take();
        }
        let output = add(&mut book, &run);
        drop(book);
        drop(before);
        run.wake();
        own.release();
        Ok(output)
    }

    /// Waits until nothing that was started is left: when this returns, all tasks and what they had spawned have ended.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::TaskFailed`] for the first task that has failed, also before the last start, until it is
    /// [cleared](Self::clear_completed_tasks); [`OrchestratorError::Stopped`] if the whole was cancelled or its time was up.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it changes nothing. Inside one of its own tasks it would wait for itself.
    pub async fn join_all(&self) -> Result<ExecutionStats, OrchestratorError> {
        self.shared.join().await?;
        Ok(self.execution_stats())
    }

    /// Starts all that was registered, and waits until nothing is left.
    ///
    /// # Errors
    ///
    /// As [`start_all`](Self::start_all) and [`join_all`](Self::join_all).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it waits no more, and what was started goes on: it is stopped with the last handle.
    #[track_caller]
    pub fn run(&self) -> impl Future<Output = Result<ExecutionStats, OrchestratorError>> + Send + use<'_, S>
    where
        S: Sync,
    {
        let place = Location::caller();
        async move {
            self.start(place, |book| Ok((0..book.entries.len()).collect()))?;
            self.join_all().await
        }
    }

    /// Waits until a task has ended, and gives its output.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::TaskFailed`], [`OrchestratorError::TaskSkipped`] or [`OrchestratorError::TaskCancelled`], as it has
    /// ended; [`OrchestratorError::Cleared`] if it was cleared before without an output; [`OrchestratorError::Foreign`] for a node
    /// of another orchestrator.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it changes nothing. It waits for ever for a task that nobody starts.
    pub async fn join_task<T>(&self, node: &Node<T>) -> Result<Arc<T>, OrchestratorError> {
        let task = || node.name().clone();
        if !Arc::ptr_eq(&node.own().of, &self.shared.mark) {
            return Err(OrchestratorError::Foreign { task: task() });
        }
        // It is the node's also after the task was cleared.
        if let Some(output) = node.output() {
            return Ok(output);
        }
        loop {
            let status = self.task_status(node)?;
            match status {
                NodeStatus::Completed => {
                    return node.output().ok_or(OrchestratorError::Cleared { task: task() });
                }
                NodeStatus::Skipped { cause } => {
                    return Err(OrchestratorError::TaskSkipped { task: task(), cause });
                }
                NodeStatus::Cancelled => return Err(OrchestratorError::TaskCancelled { task: task() }),
                NodeStatus::Failed => {
                    let error = self.shared.book().entry(Key::of(node))?.error();
                    let error = error.ok_or(OrchestratorError::TaskCancelled { task: task() })?;
                    return Err(OrchestratorError::TaskFailed { task: task(), error, others: 0 });
                }
                _ => {}
            }
            let has_ended = || !matches!(self.task_status(node), Ok(status) if !status.is_terminal());
            self.shared.until(has_ended).await;
        }
    }

    /// Asks a task to stop, at once; one that has not begun never will. What needs its success is skipped, whatever becomes of
    /// it, and so on; what it depends on goes on. Await the future to know that it has ended; dropping it takes nothing back.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownTask`].
    pub fn cancel_task(&self, task: impl TaskKey, level: CancelLevel) -> Result<Ending, OrchestratorError> {
        let task = Key::of(&task);
        let number = self.shared.book().number(task)?;
        Ok(self.cancel_all(vec![number], level))
    }

    /// As [`cancel_task`](Self::cancel_task), for all tasks of a group.
    ///
    /// # Errors
    ///
    /// [`OrchestratorError::UnknownGroup`].
    pub fn cancel_group(&self, group: &str, level: CancelLevel) -> Result<Ending, OrchestratorError> {
        let numbers = self.shared.book().group(group)?;
        Ok(self.cancel_all(numbers, level))
    }

    fn cancel_all(&self, numbers: Vec<usize>, level: CancelLevel) -> Ending {
        let mut cells = Vec::new();
        for number in numbers {
            cells.extend(self.shared.cancel_one(number, level));
        }
        Ending(Box::pin(self.shared.clone().ends(cells)))
    }

    /// Asks the whole to stop: all that runs, and what has not begun never will. The orchestrator then takes nothing more.
    /// Await the result to know that nothing is left; dropping it takes nothing back.
    pub fn cancel(&self, level: CancelLevel) -> Cancellation {
        let mut book = self.shared.book();
        let unused = self.shared.close(&mut book);
        let (running, last) = (book.tasks(), book.last.clone());
        drop(book);
        drop(unused);
        self.shared.tell();
        // None of them has ended, or the last has.
        let mut tasks = running.into_iter().map(|task| Canceller::new(Some(task)).cancel(level));
        match (tasks.next(), last) {
            (Some(first), _) => first.and(tasks.next()),
            (None, Some(last)) => Canceller::new(Some(last)).cancel(level),
            (None, None) => Cancellation::of_nothing_begun(),
        }
    }

    /// Ends the whole in order: nothing begins any more; then what runs is asked to stop, gracefully, and each task has the grace
    /// of its builder, else [`DEFAULT_GRACE`](sweet_async_core::task::DEFAULT_GRACE). First the ad-hoc tasks, which may use what others do; then
    /// from the tasks that stand farthest below others to those that depend on nothing. The next are asked when these have
    /// ended. The orchestrator then takes nothing more.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it asks nobody more; nothing begins all the same.
    pub async fn shutdown(&self) -> ExecutionStats {
        let (levels, guests) = {
            let mut book = self.shared.book();
            // Relaxed: whoever reads it was asked after this.
            self.shared.is_shut_down.store(true, Ordering::Relaxed);
            let unused = self.shared.close(&mut book);
            let (levels, guests) = (book.levels(), book.guests.clone());
            drop(book);
            drop(unused);
            (levels, guests)
        };
        self.shared.tell();
        // First all that has not begun, the dependents before what they depend on: so none of them begins meanwhile.
        for (plan, index) in levels.iter().rev().flatten() {
            plan.cancel_early(*index);
        }
        if let Some(guests) = guests {
            if let Some(task) = guests.task() {
                cancel(task, CancelLevel::Graceful, CancelCause::Requested);
            }
            self.shared.until(|| guests.is_idle()).await;
        }
        for level in levels.into_iter().rev() {
            for (plan, index) in &level {
                plan.cancel(*index, CancelLevel::Graceful, CancelCause::Requested);
            }
            self.shared.clone().ends(level).await;
        }
        let _ = self.shared.join().await;
        self.execution_stats()
    }
}

impl<R: Runtime> Shared<R> {
    /// Asks one to stop, and skips what needs it. Gives where it is, if it was started.
    fn cancel_one(&self, number: usize, level: CancelLevel) -> Option<At<R>> {
        let mut book = self.book();
        let entry = book.entries.get(number)?;
        if entry.status().is_terminal() {
            return None;
        }
        let cause = Cause { task: entry.name.clone(), cancelled: true };
        let own = entry.started();
        let below = book.graph.with_below([number], |policy| policy == EdgePolicy::Success);
        let (mut unused, mut skipped) = (Vec::new(), Vec::new());
        unused.extend(book.end_early(number, Stage::Cancelled));
        for below in below.into_iter().filter(|below| *below != number) {
            skipped.extend(book.entries.get(below).and_then(|entry| entry.started()));
            unused.extend(book.end_early(below, Stage::Skipped(cause.clone())));
        }
        drop(book);
        drop(unused);
        // Before the task itself: it may end with a value all the same, and none of them is to begin then.
        for (plan, index) in skipped {
            plan.skip(index, cause.clone());
        }
        if let Some((plan, index)) = &own {
            plan.cancel(*index, level, CancelCause::Requested);
        }
        self.tell();
        own
    }
}
