//! The orchestration as a task: what is started is below it, and it ends with the last of that.
//!
//! ```text
//!  Run.task        spawned: has the name, the limit, the span; what the orchestrator's cancellation asks to stop
//!  └─ Run.scope    in place: takes tasks from any thread until it has ended, as a scope does
//!     ├─ attendant its body: begins plans, waits until nothing is left, changes the concurrency
//!     └─ the tasks of all plans
//! ```

use std::future::poll_fn;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use atomic_waker::AtomicWaker;
use concurrent_queue::ConcurrentQueue;

use super::OrchestratorError;
use super::book::Whose;
use super::plan::Plan;
use super::scale::scale;
use super::shared::Shared;
use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::{
    Birth, Configured, InNode, Kind, TaskContext, TaskRef, TaskStatus, Told, caught, release, spawn_tracked,
};

/// One time that the orchestrator is at work.
pub(super) struct Run<R: Runtime> {
    pub(super) shared: Arc<Shared<R>>,
    pub(super) whose: Whose,
    pub(super) runtime: R,
    task: OnceLock<TaskRef>,
    scope: OnceLock<TaskRef>,
    /// Plans that are to begin.
    coming: ConcurrentQueue<Arc<Plan<R>>>,
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
    /// It was the first to take plans. Read and written with the book locked.
    pub(super) is_taken: AtomicBool,
    /// Why it ended before its tasks had.
    pub(super) stopped: OnceLock<Arc<AsyncTaskError>>,
}

impl<R: Runtime> Run<R> {
    /// Starts one, without anything to do.
    pub(super) fn start(
        shared: &Arc<Shared<R>>,
        runtime: R,
        settings: &Configured,
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
            is_taken: AtomicBool::new(false),
            stopped: OnceLock::new(),
        });
        let birth = Birth { kind, place, settings: Some(settings) };
        let (inside, gone, told) = (run.clone(), Gone(run.clone()), End(run.clone()));
        spawn_tracked(
            runtime,
            birth,
            |runtime, born| {
                let _ = inside.task.set(born.inside.clone());
                let run = inside.clone();
                let make = move |_: &R, _: &R, context: TaskContext| {
                    context.task_ref().control.child_started();
                    let _ = run.scope.set(context.task_ref().clone());
                    attend(run, gone)
                };
                InNode::new(make, runtime.clone(), Configured::default(), place)
            },
            told,
        );
        run
    }

    pub(super) fn task(&self) -> Option<&TaskRef> {
        self.task.get()
    }

    /// What the tasks of plans are children of.
    pub(super) fn scope(&self) -> Option<&TaskRef> {
        self.scope.get()
    }

    /// Adds a plan, while the book is locked.
    pub(super) fn add(&self, plan: Arc<Plan<R>>) {
        // Counted first: the attendant does not end before what it has not seen.
        self.active.fetch_add(plan.len(), Ordering::SeqCst);
        let _ = self.coming.push(plan);
    }

    /// After the book is unlocked: there is something to do, or to look at.
    pub(super) fn wake(&self) {
        // A waker may be foreign code.
        let _ = caught(|| self.waker.wake());
    }

    /// Its plan has been added, or none will be.
    pub(super) fn release(&self) {
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

    pub(super) fn is_idle(&self) -> bool {
        self.active.load(Ordering::SeqCst) == 0 && self.coming.is_empty()
    }

    pub(super) fn one_less(&self) {
        self.shared.done.fetch_add(1, Ordering::Relaxed);
        self.shared.tell();
        // SeqCst: pairs with the attendant's look, and what the task did happened before the end of the whole.
        if self.active.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.wake();
            self.let_go();
        }
    }

    pub(super) fn failed(&self, task: &Arc<str>, error: &Arc<AsyncTaskError>) {
        self.shared.failures.add(task, error);
    }

    /// Nothing is started any more.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Takes no more, and cancels what has not begun.
    fn abandon(self: &Arc<Self>) {
        self.stop();
        // First so that nothing is added any more, then what nobody will start.
        self.shared.retire(self);
        if self.active.load(Ordering::SeqCst) > 0 {
            self.shared.plans(self).iter().for_each(Plan::cancel_waiting);
            while let Ok(plan) = self.coming.pop() {
                plan.cancel_waiting();
            }
        }
        self.is_abandoned.store(true, Ordering::SeqCst);
        self.let_go();
    }

    pub(super) fn is_stopping(&self) -> bool {
        let asked = || self.task.get().is_some_and(|task| task.control.asked().is_some());
        self.stopping.load(Ordering::SeqCst) || asked()
    }

    /// True once it takes no plans any more: its task was refused, or has ended.
    pub(super) fn is_over(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// A task was cancelled because the whole is being stopped.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Nanoseconds from the orchestrator's beginning.
    pub(super) fn elapsed(&self) -> u64 {
        let now = self.runtime.now();
        let begun = self.shared.epoch.get_or_init(|| now);
        u64::try_from(now.saturating_duration_since(*begun).as_nanos()).unwrap_or(u64::MAX - 1)
    }

    /// Begins what has come; ready once nothing is left and the run is closed.
    fn poll(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<()> {
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
struct Gone<R: Runtime>(Arc<Run<R>>);

impl<R: Runtime> Drop for Gone<R> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

async fn attend<R: Runtime>(run: Arc<Run<R>>, gone: Gone<R>) -> Result<(), AsyncTaskError> {
    let before = run.shared.failures.ever();
    let attendant = poll_fn(|cx| run.poll(cx));
    match run.shared.scale {
        Some(range) => futures_lite::future::or(attendant, scale(range, &run)).await,
        None => attendant.await,
    }
    let result = run.result(before);
    drop(gone);
    result
}

/// The end of a run.
struct End<R: Runtime>(Arc<Run<R>>);

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
