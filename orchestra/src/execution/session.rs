//! The orchestration as a task: what is started is below it, and it ends with the last of that.
//!
//! ```text
//!  Session.task        spawned: has the name, the limit, the span; what the orchestrator's cancellation asks to stop
//!  ├─ Session.scope    in place: takes tasks from any thread until it has ended, as a scope does
//!  │  ├─ attendant its body: begins plans, waits until nothing is left, changes the concurrency
//!  │  └─ the tasks of all plans
//!  └─ ad-hoc tasks, each begun by its caller, which so has its handle at once
//! ```
//!
//! There are two at most at the same time: that of the graph, which is part of the task that has started it, and that of ad-hoc
//! tasks, which have callers of their own, and so is part of none. Whatever stops the first is asked of the second, too.

use std::future::poll_fn;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use concurrent_queue::ConcurrentQueue;

use crate::OrchestratorError;
use crate::execution::autoscale::scale;
use crate::execution::batch::Batch;
use crate::execution::whose::{TraceFields, Whose};
use crate::orchestrator::shared::Shared;
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::{Configured, TaskRef, caught};
use sweet_async_core::extend::{
    InPlaceTask, Kind, SpawnRequest, Told, cancel, children, release, spawn_tracked,
};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{TaskContext, TaskStatus};

/// One time that the orchestrator is at work.
pub(crate) struct Session<R: Runtime> {
    pub(crate) shared: Arc<Shared<R>>,
    pub(crate) whose: Whose,
    pub(crate) runtime: R,
    task: OnceLock<TaskRef>,
    scope: OnceLock<TaskRef>,
    /// Plans that are to begin.
    coming: ConcurrentQueue<Arc<Batch<R>>>,
    /// How many tasks have not ended, of the plans that have come.
    active: AtomicUsize,
    /// The attendant is gone, and starts nothing any more.
    stopping: AtomicBool,
    /// Tasks were cancelled because the whole was stopped.
    cut: AtomicBool,
    waker: AtomicWaker,
    /// It takes no plans any more, and what had not begun never will.
    is_abandoned: AtomicBool,
    /// The scope may end. Until then it is held, as by one task more: the tasks tell of their ends right after them, and who
    /// awaits the end of the whole is to find all of it told.
    is_let_go: AtomicBool,
    /// The ad-hoc tasks were asked what this was.
    has_asked: AtomicBool,
    /// It was the first to take plans. Read and written with the book locked.
    pub(crate) is_taken: AtomicBool,
    /// Why it ended before its tasks had.
    pub(crate) stopped: OnceLock<Arc<AsyncTaskError>>,
}

impl<R: Runtime> Session<R> {
    /// Starts one, without anything to do.
    pub(crate) fn start(
        shared: &Arc<Shared<R>>,
        runtime: R,
        (settings, fields): (&Configured, &TraceFields),
        (whose, place): (Whose, &'static Location<'static>),
    ) -> Arc<Self> {
        let kind = match whose {
            Whose::Graph => Kind::Spawned,
            Whose::Guests => Kind::Apart,
        };
        let run = Arc::new(Self {
            shared: shared.clone(),
            whose,
            runtime: runtime.clone(),
            task: OnceLock::new(),
            scope: OnceLock::new(),
            coming: ConcurrentQueue::unbounded(),
            // Whoever has started it adds a plan first.
            active: AtomicUsize::new(1),
            stopping: AtomicBool::new(false),
            cut: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            is_abandoned: AtomicBool::new(false),
            is_let_go: AtomicBool::new(false),
            has_asked: AtomicBool::new(false),
            is_taken: AtomicBool::new(false),
            stopped: OnceLock::new(),
        });
        let birth = SpawnRequest { kind, place, settings: Some(settings) };
        let (inside, gone, told) = (run.clone(), Gone { run: run.clone(), is_done: false }, End(run.clone()));
        spawn_tracked(
            runtime,
            birth,
            |runtime, born| {
                let control = &born.inside.control;
                control.is_orchestra();
                if let Some(trace) = control.trace() {
                    // A subscriber is foreign code.
                    let add = |(key, value): &(Arc<str>, Arc<str>)| {
                        trace.add(control.span().as_deref(), key, value)
                    };
                    let _ = caught(|| fields.iter().for_each(add));
                }
                let _ = inside.task.set(born.inside.clone());
                let run = inside.clone();
                let make = move |_: &R, _: &R, context: TaskContext| {
                    context.task_ref().control.child_started();
                    let _ = run.scope.set(context.task_ref().clone());
                    attend(run, gone)
                };
                InPlaceTask::new(make, runtime.clone(), Configured::default(), place)
            },
            told,
        );
        run
    }

    pub(crate) fn task(&self) -> Option<&TaskRef> {
        self.task.get()
    }

    /// The task that those of plans are children of.
    pub(crate) fn above(&self) -> Option<&TaskRef> {
        match self.whose {
            Whose::Graph => self.scope.get(),
            Whose::Guests => self.task.get(),
        }
    }

    pub(crate) fn is_metered(&self) -> bool {
        self.task.get().is_some_and(|task| task.control.is_metered())
    }

    /// True for a task of this run, and for all that is below one.
    pub(crate) fn has(&self, task: &TaskRef) -> bool {
        let is_above = |task: &TaskRef| self.above().is_some_and(|above| Arc::ptr_eq(above, task));
        std::iter::successors(Some(task.clone()), |task| task.parent()).any(|task| is_above(&task))
    }

    /// The ad-hoc tasks that have not ended.
    fn tasks(&self) -> Vec<TaskRef> {
        let below = self.task.get().map(children).unwrap_or_default();
        // Its attendant is in place, and has nothing to do but to wait for them.
        below.into_iter().filter(|task| !task.control.is_in_place()).collect()
    }

    /// Adds a plan, while the book is locked.
    pub(crate) fn add(&self, plan: Arc<Batch<R>>) {
        // Counted first: the attendant does not end before what it has not seen.
        self.count(plan.len());
        let _ = self.coming.push(plan);
    }

    /// Counts tasks that whoever counts them begins, while the book is locked.
    pub(crate) fn count(&self, tasks: usize) {
        self.active.fetch_add(tasks, Ordering::SeqCst);
    }

    /// After the book is unlocked: there is something to do, or to look at.
    pub(crate) fn wake(&self) {
        // A waker may be foreign code.
        let _ = caught(|| self.waker.wake());
    }

    /// Its plan has been added, or none will be.
    pub(crate) fn release(&self) {
        self.active.fetch_sub(1, Ordering::SeqCst);
        self.wake();
        self.let_go();
    }

    /// Lets the scope end, once nothing is left. SeqCst throughout: whoever abandons it says so and then looks at the count, the
    /// last of the tasks counts and then looks for that, so that one of the two sees both.
    fn let_go(&self) {
        if self.is_abandoned.load(Ordering::SeqCst)
            && self.active.load(Ordering::SeqCst) == 0
            && let Some(scope) = self.scope.get()
            && !self.is_let_go.swap(true, Ordering::SeqCst)
        {
            release(scope);
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.active.load(Ordering::SeqCst) == 0 && self.coming.is_empty()
    }

    pub(crate) fn one_less(&self) {
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        self.shared.tell();
        // SeqCst: pairs with the attendant's look, and what the task did happened before the end of the whole.
        if self.active.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.wake();
            self.let_go();
        }
    }

    pub(crate) fn failed(&self, task: &Arc<str>, error: &Arc<AsyncTaskError>) {
        self.shared.failures.add(task, error);
    }

    /// Nothing is started any more.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Takes no more, and cancels what has not begun.
    fn abandon(self: &Arc<Self>) {
        self.stop();
        // First so that nothing is added any more, then what nobody will start.
        self.shared.retire(self);
        if self.active.load(Ordering::SeqCst) > 0 {
            self.shared.plans(self).iter().for_each(Batch::cancel_waiting);
            while let Ok(plan) = self.coming.pop() {
                plan.cancel_waiting();
            }
        }
        self.is_abandoned.store(true, Ordering::SeqCst);
        self.let_go();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        // SeqCst pairs with a shutdown, which closes it before it looks for tasks: those that it does not find see it.
        self.stopping.load(Ordering::SeqCst) || self.shared.is_closed() || self.asked().is_some()
    }

    /// What it was asked, and why.
    fn asked(&self) -> Option<(CancelLevel, CancelCause)> {
        self.task.get()?.control.asked()
    }

    /// Asks the ad-hoc tasks what the graph is asked.
    fn ask_guests(&self, level: CancelLevel, cause: CancelCause) {
        let guests = match self.whose {
            Whose::Graph => self.shared.book().guests.clone(),
            Whose::Guests => None,
        };
        for task in guests.iter().flat_map(|guests| guests.tasks()) {
            cancel(&task, level, cause);
        }
    }

    /// True once it takes no plans any more: its task was refused, or has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// A task was cancelled because the whole is being stopped.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Nanoseconds from the orchestrator's beginning.
    pub(crate) fn elapsed(&self) -> u64 {
        let now = self.runtime.now();
        let begun = self.shared.epoch.get_or_init(|| now);
        u64::try_from(now.saturating_duration_since(*begun).as_nanos()).unwrap_or(u64::MAX - 1)
    }

    /// Begins what has come; ready once nothing is left and the run is closed.
    fn poll(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((CancelLevel::Graceful, _)) = self.asked()
            && !self.has_asked.swap(true, Ordering::Relaxed)
        {
            // By this, and not as something below it: nobody else would kill them at the end of their grace.
            self.ask_guests(CancelLevel::Graceful, CancelCause::Requested);
        }
        loop {
            self.waker.register(cx.waker());
            while let Ok(plan) = self.coming.pop() {
                plan.begin();
            }
            if self.active.load(Ordering::SeqCst) > 0 {
                return Poll::Pending;
            }
            if self.shared.close_run(self) {
                return Poll::Ready(());
            }
        }
    }

    /// What the orchestration as a task ends with.
    fn result(&self, failures_before: u64) -> Result<(), AsyncTaskError> {
        let asked = self.task.get().filter(|task| task.control.asked().is_some());
        // Failures of ad-hoc tasks are their callers'.
        let failure = || self.shared.failures.since(failures_before);
        match (asked, Some(failure).filter(|_| self.whose == Whose::Graph).and_then(|failure| failure())) {
            (Some(task), _) if self.cut.load(Ordering::Relaxed) => Err(task.control.stop_as_asked()),
            (_, Some(failure)) => Err(failure.into()),
            _ => Ok(()),
        }
    }
}

/// Part of the body, and dropped with it: before what runs is killed, and before anybody hears of the end.
struct Gone<R: Runtime> {
    run: Arc<Session<R>>,
    /// Nothing that was started is left.
    is_done: bool,
}

impl<R: Runtime> Drop for Gone<R> {
    fn drop(&mut self) {
        self.run.abandon();
        if !self.is_done {
            let (level, cause) = self.run.asked().unwrap_or((CancelLevel::Kill, CancelCause::ParentEnded));
            self.run.ask_guests(level.max(CancelLevel::Kill), cause);
        }
    }
}

async fn attend<R: Runtime>(run: Arc<Session<R>>, mut gone: Gone<R>) -> Result<(), AsyncTaskError> {
    let before = run.shared.failures.ever();
    let attendant = poll_fn(|cx| run.poll(cx));
    match run.shared.scale {
        Some(range) => futures_lite::future::or(attendant, scale(range, &run)).await,
        None => attendant.await,
    }
    let result = run.result(before);
    gone.is_done = true;
    drop(gone);
    result
}

/// The end of a run.
struct End<R: Runtime>(Arc<Session<R>>);

impl<R: Runtime> Told<()> for End<R> {
    fn told(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let stopped = result.err().and_then(|error| {
            let failed = error.downcast_ref::<OrchestratorError>().is_some();
            (!failed || task.control.status() == TaskStatus::Cancelled).then(|| Arc::new(error))
        });
        if let Some(error) = stopped {
            let _ = self.0.stopped.set(error);
        }
        self.0.shared.run_ended(&self.0, task);
    }
}
