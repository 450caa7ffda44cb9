//! The root scope: every task and blocking job of one executor belongs to it, with a handle or without.
//!
//! ```text
//!  Open ──── shutdown begins ────► Closing ──── time is up, or nothing is left ────► Closed
//!                                  no new work from outside;                         no new work;
//!                                  live tasks may still spawn                        live tasks are killed
//! ```
//!
//! The phase and its invariants are in [`phase`], and the numbers here are those.
//!
//! Tasks are counted when they begin and end. They are listed, to be cancelled by a shutdown, only once they
//! have to wait and no task above them would pass a cancellation on. A task that ends in its first poll is
//! never listed.

pub(crate) mod kills;
pub(crate) mod phase;
pub(crate) mod snapshot;

use std::fmt;
use std::sync::Weak;

use crate::metrics::MetricsMode;
use crate::panic::notify_all;
use crate::runtime::erased::ErasedRuntime;
use crate::sync::{AtomicBool, ConcurrentQueue, Event, EventListener, Ordering};
use crate::tree::children::{cancel, is_left_out};
use crate::tree::ending::Ending;
use crate::tree::node::{Shared, TaskRef};
use crate::tree::root::kills::{Kills, Remaining};
use crate::tree::root::phase::Phase;
use crate::tree::usage::metering::enable;
use crate::tree::usage::statistics::{Counts, TaskStatistics};
use crate::tree::usage::totals::{Totals, Watch};
use crate::vocabulary::cancel::CancelCause;
use crate::vocabulary::info::TaskInfo;

/// The list is not searched for tasks that have ended below this length.
const FEW: usize = 64;

/// The scope of all tasks and blocking jobs of one executor. A backend holds it once for each executor, in
/// the state that all handles of that executor share.
pub struct RootScope {
    phase: Phase,
    tasks: Counts,
    jobs: Counts,
    /// Weak: a task holds its runtime, which holds this.
    listed: ConcurrentQueue<Weak<Shared<dyn ErasedRuntime>>>,
    /// True if each task is listed when it is spawned. Never changed.
    lists_all: bool,
    /// True if `lists_all`, or if watched: read for each task that begins. While it is false, no spawn looks
    /// at the other two.
    inspects_spawns: AtomicBool,
    /// Set by `watch` and cleared by `unwatch`: each task that is spawned meanwhile has metrics.
    is_watched: AtomicBool,
    totals: Totals,
    /// Notified when a shutdown begins.
    closing: Event,
    /// Notified, during a shutdown, for each end.
    ended: Event,
    kills: Kills,
}

impl Default for RootScope {
    fn default() -> Self {
        Self {
            phase: Phase::open(),
            tasks: Counts::default(),
            jobs: Counts::default(),
            listed: ConcurrentQueue::unbounded(),
            lists_all: false,
            inspects_spawns: AtomicBool::new(false),
            is_watched: AtomicBool::new(false),
            totals: Totals::default(),
            closing: Event::new(),
            ended: Event::new(),
            kills: Kills::default(),
        }
    }
}

impl RootScope {
    /// A scope for a new executor.
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`new`](Self::new), and [`live_tasks`](Self::live_tasks) gives all tasks and not only those that a
    /// shutdown cancels directly: for simulations and debuggers. Each task then costs one more entry in a
    /// queue.
    pub fn listing_all() -> Self {
        Self { lists_all: true, inspects_spawns: AtomicBool::new(true), ..Self::default() }
    }

    /// From now on each task that is spawned has metrics, and is in a [snapshot](crate::RuntimeExt::snapshot)
    /// before it has had to wait. Long polls and slow ends of tasks with metrics are reported by the
    /// thresholds of `watch`; without this call, by its defaults.
    ///
    /// Processor time is [sampled](MetricsMode::Sampled), unless a task has asked for more.
    ///
    /// Cost: that of `.metrics(true)` for each task, and an entry in a queue.
    pub fn watch(&self, watch: Watch) {
        self.totals.set(watch);
        self.is_watched.store(true, Ordering::SeqCst);
        self.inspects_spawns.store(true, Ordering::SeqCst);
    }

    /// Ends what [`watch`](Self::watch) began, for tasks that are spawned from now on.
    pub fn unwatch(&self) {
        self.is_watched.store(false, Ordering::SeqCst);
        self.inspects_spawns.store(self.lists_all, Ordering::SeqCst);
    }

    /// The number of tasks that have been spawned and have not ended.
    pub fn active_tasks(&self) -> usize {
        self.tasks.alive()
    }

    /// The numbers of tasks that were spawned, that have ended in each way, and that live. They always add
    /// up. A task that ends while the numbers are read may count as live. Costs a few dozen loads.
    pub fn statistics(&self) -> TaskStatistics {
        self.tasks.read()
    }

    /// The number of blocking jobs that have been handed over and have not ended, including those that are no
    /// longer waited for.
    pub fn active_blocking_jobs(&self) -> usize {
        self.jobs.alive()
    }

    /// True once a shutdown has begun, or an owned runtime has been dropped. An executor that is the user's
    /// own does not report its end.
    pub fn is_closing(&self) -> bool {
        !self.phase.is_open()
    }

    /// Ready once a shutdown has begun: for loops that are to end by themselves.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and called again.
    pub async fn closing(&self) {
        while !self.is_closing() {
            let listener = self.closing.listen();
            // Listen first, then look: a shutdown that begins in between is seen, or notifies the listener.
            if self.is_closing() {
                return;
            }
            listener.await;
        }
    }

    /// The tasks that it can name, each once. The order is not specified.
    pub fn live_tasks(&self) -> Vec<TaskInfo> {
        let mut live = Vec::new();
        self.each_listed(|task| live.push(task.control.info()));
        // A task that was watched when it was spawned may be listed twice.
        live.sort_by_key(|task| task.id);
        live.dedup_by_key(|task| task.id);
        live
    }

    /// The tasks of the list; some may occur twice.
    pub(crate) fn listed(&self) -> Vec<TaskRef> {
        let mut listed = Vec::new();
        self.each_listed(|task| listed.push(task.clone()));
        listed
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The number of blocking jobs that have begun, and of those that have ended.
    pub(crate) fn jobs(&self) -> (usize, usize) {
        let ended = self.jobs.ended();
        (self.jobs.begun(), ended)
    }

    /// Closes the scope: for backends, when their executor ends. No new work is taken, and the tasks that are
    /// left are killed, without a grace period. Programs use
    /// [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown).
    pub fn close(&self) {
        self.phase.close();
        notify_all(&self.closing);
        self.each_listed(|_| ());
    }

    /// Takes no new work from now on. Work that is left, in place or not, is not killed by this.
    pub(crate) fn refuse(&self) {
        self.phase.close();
        notify_all(&self.closing);
    }

    /// Begins a shutdown: takes no work from outside from now on, and cancels the listed tasks gracefully.
    pub(crate) fn begin_closing(&self) {
        self.phase.begin_closing();
        notify_all(&self.closing);
        self.each_listed(|_| ());
    }

    /// True if nothing is left: at one moment, between the two readings, neither a task nor a job was alive.
    pub(crate) fn is_idle(&self) -> bool {
        let ended = (self.tasks.ended(), self.jobs.ended());
        ended == (self.tasks.begun(), self.jobs.begun())
    }

    /// The number of tasks that have ended.
    pub(crate) fn ended_tasks(&self) -> usize {
        self.tasks.ended()
    }

    /// The number of tasks that have begun.
    pub(crate) fn begun_tasks(&self) -> usize {
        self.tasks.begun()
    }

    /// The tasks and blocking jobs that are left; `None` if there are none. It must be called before anything
    /// is killed.
    pub(crate) fn remaining(&self) -> Option<Remaining> {
        let (tasks, blocking) = (self.active_tasks(), self.active_blocking_jobs());
        (tasks > 0 || blocking > 0).then(|| Remaining::new(tasks, blocking, self.live_tasks()))
    }

    /// The kills of all shutdowns, in their order.
    pub(crate) fn kills(&self) -> &Kills {
        &self.kills
    }

    /// A listener for the next end during a shutdown.
    pub(crate) fn listen(&self) -> EventListener {
        self.ended.listen()
    }

    /// True once no task may begin any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.phase.is_closed()
    }

    /// True if new work is taken: from outside, or from something that runs here already.
    pub(crate) fn admits(&self, from_inside: bool) -> bool {
        self.phase.admits(from_inside)
    }

    pub(crate) fn task_begun(&self, task: &TaskRef) {
        self.tasks.begin();
        // Relaxed: a call of `watch` is for tasks that are spawned later, by threads that learn of the call.
        if self.inspects_spawns.load(Ordering::Relaxed) {
            self.inspect(task);
        }
    }

    /// Kept out of all other spawns.
    #[cold]
    fn inspect(&self, task: &TaskRef) {
        if self.is_watched.load(Ordering::Relaxed) {
            enable(task, true, MetricsMode::Sampled);
        }
        self.list(task);
    }

    /// Counts the end of a task; `listed` is true if it may be in the list.
    pub(crate) fn task_ended(&self, ending: Ending, listed: bool) {
        self.tasks.end(ending);
        if listed {
            self.sweep();
        }
        self.notify_end();
    }

    pub(crate) fn job_begun(&self) {
        self.jobs.begin();
    }

    /// Notes that a blocking job has a thread.
    pub(crate) fn job_started(&self) {
        self.totals.job_started();
    }

    pub(crate) fn job_stopped(&self) {
        self.totals.job_stopped();
    }

    pub(crate) fn job_ended(&self) {
        self.jobs.end(Ending::Completed);
        self.notify_end();
    }

    fn notify_end(&self) {
        // The end was counted first (4).
        if !self.phase.is_open() {
            notify_all(&self.ended);
        }
    }

    /// Lists an orphan: a task that no other task would pass a shutdown on to.
    pub(crate) fn list_orphan(&self, task: &TaskRef) {
        // An in-place task is not in the list of all tasks, which is of those that were spawned.
        if !self.lists_all || task.control.is_in_place() {
            self.list(task);
        }
    }

    fn list(&self, task: &TaskRef) {
        let _ = self.listed.push(std::sync::Arc::downgrade(task));
        self.sweep();
        self.cancel_by_phase(task);
    }

    /// Cancels a task as the phase requires. It is called after the task was put into the list (3).
    fn cancel_by_phase(&self, task: &TaskRef) {
        let Some(level) = self.phase.cancel_level() else { return };
        // Its scope is reached, too, and cancels it after the others.
        let has_scope_here = || task.is_child_here(task.parent().as_ref());
        if !(is_left_out(task.control.state(), level) && has_scope_here()) {
            cancel(task, level, CancelCause::Shutdown);
        }
    }

    /// Checks two tasks of the list, at each addition and each end, so that those that have ended are removed
    /// before long, and no single call has to check all.
    fn sweep(&self) {
        if self.listed.len() > FEW {
            self.relist();
            self.relist();
        }
    }

    /// Moves the first of the list to its end, or out of it if it has ended. Cancels it as the phase
    /// requires.
    fn relist(&self) -> Option<TaskRef> {
        let listed = self.listed.pop().ok()?;
        let task = listed.upgrade()?;
        if task.control.status().is_terminal() {
            return None;
        }
        let _ = self.listed.push(listed);
        self.cancel_by_phase(&task);
        Some(task)
    }

    fn each_listed(&self, mut f: impl FnMut(&TaskRef)) {
        for _ in 0..self.listed.len() {
            if let Some(task) = self.relist() {
                f(&task);
            }
        }
    }
}

impl fmt::Debug for RootScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootScope")
            .field("active_tasks", &self.active_tasks())
            .field("active_blocking_jobs", &self.active_blocking_jobs())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
