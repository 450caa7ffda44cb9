//! The root scope: every task and blocking job of one executor belongs to it, whoever has the handle.
//!
//! ```text
//!  Open ──── shutdown begins ────► Closing ──── time is up, or nothing is left ────► Closed
//!                                  no new work from outside;                         no new work;
//!                                  what runs may still spawn                         what is left is killed
//! ```
//!
//! Tasks are counted when they begin and end. They are listed, to be killed at the end of a shutdown, only once they
//! have to wait and no task above them would pass a kill on: a task that ends in its first poll never is.

use std::fmt;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use concurrent_queue::ConcurrentQueue;
use event_listener::{Event, EventListener};

use crate::panic::notify_all;
use crate::runtime::erased::ErasedRuntime;
use crate::tree::children::cancel;
use crate::tree::ending::Ending;
use crate::tree::kills::{Kills, Left};
use crate::tree::metering::enable;
use crate::tree::node::{Shared, TaskRef};
use crate::tree::statistics::{Counts, TaskStatistics};
use crate::tree::totals::{Accounts, Watch};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};
use crate::vocabulary::info::TaskInfo;

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const CLOSED: u8 = 2;

/// Below this many the list is not looked through for tasks that have ended.
const FEW: usize = 64;

/// What a backend holds once for each executor, in the state that all handles of that executor share.
pub struct RootScope {
    phase: AtomicU8,
    tasks: Counts,
    jobs: Counts,
    /// Weak: a task holds its runtime, which holds this.
    listed: ConcurrentQueue<Weak<Shared<dyn ErasedRuntime>>>,
    lists_all: bool,
    /// `lists_all`, or watched: looked at for each task that begins.
    looks: AtomicBool,
    is_watched: AtomicBool,
    accounts: Accounts,
    /// Notified when a shutdown begins.
    closing: Event,
    /// Notified, during a shutdown, for each end.
    ended: Event,
    kills: Kills,
}

impl Default for RootScope {
    fn default() -> Self {
        Self {
            phase: AtomicU8::new(OPEN),
            tasks: Counts::default(),
            jobs: Counts::default(),
            listed: ConcurrentQueue::unbounded(),
            lists_all: false,
            looks: AtomicBool::new(false),
            is_watched: AtomicBool::new(false),
            accounts: Accounts::default(),
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

    /// As [`new`](Self::new), and [`live_tasks`](Self::live_tasks) gives all tasks and not only those that a shutdown
    /// would have to kill itself: for simulations and debuggers. Each task then costs one more entry in a queue.
    pub fn listing_all() -> Self {
        Self { lists_all: true, looks: AtomicBool::new(true), ..Self::default() }
    }

    /// From now on each task that is spawned has metrics, and can be named in a [snapshot](crate::RuntimeExt::snapshot) before it
    /// has had to wait; and long polls and slow ends of tasks with metrics are told of as `watch` says, which without this is
    /// its default.
    ///
    /// Cost: that of `.metrics(true)` for each task, and an entry in a queue.
    pub fn watch(&self, watch: Watch) {
        self.accounts.set(watch);
        self.is_watched.store(true, Ordering::SeqCst);
        self.looks.store(true, Ordering::SeqCst);
    }

    /// Ends what [`watch`](Self::watch) began, for tasks that are spawned from now on.
    pub fn unwatch(&self) {
        self.is_watched.store(false, Ordering::SeqCst);
        self.looks.store(self.lists_all, Ordering::SeqCst);
    }

    /// How many tasks have been spawned and have not ended.
    pub fn active_tasks(&self) -> usize {
        self.tasks.alive()
    }

    /// How many tasks have been spawned, how they have ended, and how many live. The numbers always add up; while tasks come
    /// and go it may count as live a task that ended while the numbers were read. Costs a few dozen loads.
    pub fn statistics(&self) -> TaskStatistics {
        self.tasks.read()
    }

    /// How many blocking jobs have been handed over and have not ended, also those that nobody waits for any more.
    pub fn active_blocking_jobs(&self) -> usize {
        self.jobs.alive()
    }

    /// True once a shutdown has begun, or an owned runtime has been dropped. An executor that is the user's own does not
    /// say when it goes.
    pub fn is_closing(&self) -> bool {
        self.phase.load(Ordering::SeqCst) != OPEN
    }

    /// Ready once a shutdown has begun: for loops that are to end by themselves.
    ///
    /// # Cancel safety
    ///
    /// It can be dropped and asked for again.
    pub async fn closing(&self) {
        while !self.is_closing() {
            let listener = self.closing.listen();
            // Listen first, then look: a shutdown that begins in between is seen or heard.
            if self.is_closing() {
                return;
            }
            listener.await;
        }
    }

    /// The tasks that it can name, in no order.
    pub fn live_tasks(&self) -> Vec<TaskInfo> {
        let mut live = Vec::new();
        self.each_listed(|task| live.push(task.control.info()));
        // One that was watched from its birth may be listed twice.
        live.sort_by_key(|task| task.id);
        live.dedup_by_key(|task| task.id);
        live
    }

    /// The tasks of the list; perhaps not each once.
    pub(crate) fn listed(&self) -> Vec<TaskRef> {
        let mut listed = Vec::new();
        self.each_listed(|task| listed.push(task.clone()));
        listed
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// How many blocking jobs have begun, and how many have ended.
    pub(crate) fn jobs(&self) -> (usize, usize) {
        let ended = self.jobs.ended();
        (self.jobs.begun(), ended)
    }

    /// Ends it: for backends, when their executor goes away. No new work is taken, and what is left is killed, without a
    /// grace; programs want [`RuntimeExt::shutdown`](crate::RuntimeExt::shutdown).
    pub fn close(&self) {
        self.phase.store(CLOSED, Ordering::SeqCst);
        notify_all(&self.closing);
        self.each_listed(|_| ());
    }

    /// From now on no new work is taken. What is left, in place or not, is not killed by this.
    pub(crate) fn refuse(&self) {
        self.phase.store(CLOSED, Ordering::SeqCst);
        notify_all(&self.closing);
    }

    pub(crate) fn begin_closing(&self) {
        let _ = self.phase.compare_exchange(OPEN, CLOSING, Ordering::SeqCst, Ordering::SeqCst);
        notify_all(&self.closing);
        self.each_listed(|_| ());
    }

    /// True if nothing is left: at one moment, between the two readings, neither a task nor a job was alive.
    pub(crate) fn is_idle(&self) -> bool {
        let ended = (self.tasks.ended(), self.jobs.ended());
        ended == (self.tasks.begun(), self.jobs.begun())
    }

    /// How many tasks have ended.
    pub(crate) fn ended_tasks(&self) -> usize {
        self.tasks.ended()
    }

    /// How many tasks have begun.
    pub(crate) fn begun_tasks(&self) -> usize {
        self.tasks.begun()
    }

    /// The tasks and blocking jobs that are left; `None` if there are none. To be asked before anything is killed.
    pub(crate) fn left(&self) -> Option<Left> {
        let (tasks, blocking) = (self.active_tasks(), self.active_blocking_jobs());
        (tasks > 0 || blocking > 0).then(|| Left::new(tasks, blocking, self.live_tasks()))
    }

    /// The kills of all shutdowns, in their order.
    pub(crate) fn kills(&self) -> &Kills {
        &self.kills
    }

    /// Hears of the next end during a shutdown.
    pub(crate) fn listen(&self) -> EventListener {
        self.ended.listen()
    }

    /// True once nothing is to begin any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.phase.load(Ordering::SeqCst) == CLOSED
    }

    /// Whether new work is taken: from outside, or from something that runs here already.
    pub(crate) fn admits(&self, from_inside: bool) -> bool {
        match self.phase.load(Ordering::SeqCst) {
            OPEN => true,
            CLOSING => from_inside,
            _ => false,
        }
    }

    pub(crate) fn task_begun(&self, task: &TaskRef) {
        self.tasks.begin();
        // Relaxed: who asks for this does so for tasks that are spawned later, and tells their spawners.
        if self.looks.load(Ordering::Relaxed) {
            self.look_at(task);
        }
    }

    /// Kept out of the spawns of all others.
    #[cold]
    fn look_at(&self, task: &TaskRef) {
        if self.is_watched.load(Ordering::Relaxed) {
            enable(task, true);
        }
        self.list(task);
    }

    /// `listed`: it is in the list, perhaps.
    pub(crate) fn task_ended(&self, ending: Ending, listed: bool) {
        self.tasks.end(ending);
        if listed {
            self.sweep();
        }
        self.tell_end();
    }

    pub(crate) fn job_begun(&self) {
        self.jobs.begin();
    }

    /// It has a thread.
    pub(crate) fn job_started(&self) {
        self.accounts.job_started();
    }

    pub(crate) fn job_stopped(&self) {
        self.accounts.job_stopped();
    }

    pub(crate) fn job_ended(&self) {
        self.jobs.end(Ending::Completed);
        self.tell_end();
    }

    fn tell_end(&self) {
        // SeqCst: either the shutdown, which sets the phase and then counts, counts this end, or this sees the phase.
        if self.phase.load(Ordering::SeqCst) != OPEN {
            notify_all(&self.ended);
        }
    }

    /// Remembers a task that would hear of a shutdown from nobody else.
    pub(crate) fn list_orphan(&self, task: &TaskRef) {
        // What runs in place is not in the list of all, which is of what was spawned.
        if !self.lists_all || task.control.is_in_place() {
            self.list(task);
        }
    }

    fn list(&self, task: &TaskRef) {
        let _ = self.listed.push(std::sync::Arc::downgrade(task));
        self.sweep();
        self.ask(task);
    }

    /// Asks a task to stop, as the phase has it. Called after it was put into the list: a shutdown sets the phase first,
    /// and then goes through the list.
    fn ask(&self, task: &TaskRef) {
        let level = match self.phase.load(Ordering::SeqCst) {
            OPEN => return,
            CLOSING => CancelLevel::Graceful,
            _ => CancelLevel::Kill,
        };
        cancel(task, level, CancelCause::Shutdown);
    }

    /// Looks at two of the list, at each coming and each going, so that the dead are gone before long, and no single call
    /// has to look through all.
    fn sweep(&self) {
        if self.listed.len() > FEW {
            self.relist();
            self.relist();
        }
    }

    /// Moves the first of the list to its end, or out of it if it has ended.
    fn relist(&self) -> Option<TaskRef> {
        let listed = self.listed.pop().ok()?;
        let task = listed.upgrade()?;
        if task.control.status().is_terminal() {
            return None;
        }
        let _ = self.listed.push(listed);
        self.ask(&task);
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
