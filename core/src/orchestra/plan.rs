//! What was started together: a graph made ready to run. Its tasks are known by their numbers, and each says how many of those
//! that it waits for have not ended; nothing of the description is looked at while it runs.
//!
//! ```text
//!  WAITING ── the last that it waits for has ended ──► STARTED ── has a place ──► RUNNING ──► COMPLETED | FAILED | CANCELLED
//!     ├───── one that it needs has not succeeded ────► SKIPPED
//!     └───── cancelled, or the whole is stopped ─────► CANCELLED
//! ```
//!
//! One exchange of the state decides which way a task goes from `WAITING`; from `STARTED` on, its own task alone moves it. The
//! end of a task counts down those below it, on the thread that it ended on, and starts what has become free: in a loop, so
//! that a failure may go down a chain of any length.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::Cause;
use super::run::Run;
use super::shared::EdgePolicy;
use super::status::NodeStatus;
use crate::cancel::{CancelCause, CancelLevel};
use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::task::{TaskRef, TaskStatus, Values, cancel, caught};

const WAITING: u8 = 0;
const STARTED: u8 = 1;
const RUNNING: u8 = 2;
const COMPLETED: u8 = 3;
const FAILED: u8 = 4;
const CANCELLED: u8 = 5;
const SKIPPED: u8 = 6;

/// Starts the task of a cell.
pub(super) type Work<R> = Box<dyn FnOnce(Launch<R>) -> TaskRef + Send>;

/// Not begun, or not ended.
const UNSET: u64 = u64::MAX;

/// What a cell holds besides its state.
enum Held<R: Runtime> {
    Work(Work<R>),
    /// Its task is being made; how firmly that is to be asked to stop then.
    Starting(Option<(CancelLevel, CancelCause)>),
    Task(TaskRef),
    Ended(Option<Arc<AsyncTaskError>>),
}

/// One task of a plan.
pub(super) struct Cell<R: Runtime> {
    pub(super) name: Arc<str>,
    state: AtomicU8,
    /// How many of those that it waits for have not ended; and one more, until the plan is begun.
    unmet: AtomicU32,
    /// Where its links begin; they end where those of the next begin.
    links: u32,
    /// Nanoseconds from the beginning of the orchestrator.
    began: AtomicU64,
    ended: AtomicU64,
    /// A lock, since what is in it is moved out and in by whoever has the right to by the state; nobody waits for it but
    /// who asks the task to stop.
    held: Mutex<Held<R>>,
    cause: OnceLock<Cause>,
    /// Those of later plans that wait for it.
    late: OnceLock<Box<Mutex<Vec<Late<R>>>>>,
    pub(super) values: Option<Arc<Values>>,
}

struct Late<R: Runtime> {
    plan: Arc<Plan<R>>,
    link: Link,
}

/// Who waits for a cell, and for what.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub(super) to: u32,
    pub(super) policy: EdgePolicy,
}

/// A cell to be.
pub(super) struct Seed<R: Runtime> {
    pub(super) name: Arc<str>,
    pub(super) work: Work<R>,
    pub(super) values: Option<Arc<Values>>,
    pub(super) unmet: usize,
    pub(super) below: Vec<Link>,
}

pub(super) struct Plan<R: Runtime> {
    pub(super) run: Arc<Run<R>>,
    cells: Box<[Cell<R>]>,
    links: Box<[Link]>,
    /// True for a task that is in no graph.
    is_guest: bool,
}

/// One cell of a plan, as its task holds it.
pub(super) struct Launch<R: Runtime> {
    pub(super) plan: Arc<Plan<R>>,
    index: u32,
}

impl<R: Runtime> Clone for Launch<R> {
    fn clone(&self) -> Self {
        Self { plan: self.plan.clone(), index: self.index }
    }
}

impl<R: Runtime> Plan<R> {
    pub(super) fn new(run: Arc<Run<R>>, seeds: Vec<Seed<R>>, is_guest: bool) -> Arc<Self> {
        let mut links = Vec::new();
        let cells = seeds.into_iter().map(|Seed { name, work, values, unmet, below }| {
            let first = links.len() as u32;
            links.extend(below);
            Cell {
                name,
                state: AtomicU8::new(WAITING),
                unmet: AtomicU32::new(u32::try_from(unmet).unwrap_or(u32::MAX - 1) + 1),
                links: first,
                began: AtomicU64::new(UNSET),
                ended: AtomicU64::new(UNSET),
                held: Mutex::new(Held::Work(work)),
                cause: OnceLock::new(),
                late: OnceLock::new(),
                values,
            }
        });
        let cells = cells.collect();
        Arc::new(Self { run, cells, links: links.into(), is_guest })
    }

    pub(super) fn cell(&self, index: u32) -> Option<&Cell<R>> {
        self.cells.get(index as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    fn links(&self, index: u32) -> &[Link] {
        let first = self.cell(index).map_or(0, |cell| cell.links as usize);
        let end = self.cell(index + 1).map_or(self.links.len(), |next| next.links as usize);
        self.links.get(first..end).unwrap_or_default()
    }

    /// Begins: what waits for nothing is started.
    pub(super) fn begin(self: &Arc<Self>) {
        for index in 0..self.cells.len() as u32 {
            self.met(index);
        }
    }

    /// One that `index` waited for has ended as it should.
    fn met(self: &Arc<Self>, index: u32) {
        let Some(cell) = self.cell(index) else { return };
        // AcqRel: what each of them did happened before the start of this one.
        if cell.unmet.fetch_sub(1, Ordering::AcqRel) == 1 && !self.start(index, cell) {
            self.left(index);
        }
    }

    /// Starts a cell, if nobody has taken it elsewhere. False if it has ended instead, since the whole is being stopped.
    fn start(self: &Arc<Self>, index: u32, cell: &Cell<R>) -> bool {
        if self.run.is_stopping() {
            self.run.cut();
            return !cell.end_early(CANCELLED);
        }
        let work = {
            // Both in one: who finds the cell started finds that its task is being made.
            let mut held = cell.lock();
            let taken = cell.leave(STARTED);
            match &*held {
                Held::Work(_) if taken => std::mem::replace(&mut *held, Held::Starting(None)),
                _ => return true,
            }
        };
        let Held::Work(work) = work else { return true };
        let task = work(Launch { plan: self.clone(), index });
        let mut held = cell.lock();
        if let Held::Starting(asked) = &*held {
            let asked = *asked;
            *held = Held::Task(task.clone());
            drop(held);
            if let Some((level, cause)) = asked {
                cancel(&task, level, cause);
            }
        }
        true
    }

    /// Asks a cell to stop: one that waits has ended at once.
    pub(super) fn cancel(self: &Arc<Self>, index: u32, level: CancelLevel, cause: CancelCause) {
        let Some(cell) = self.cell(index) else { return };
        if cell.end_early(CANCELLED) {
            self.left(index);
            return;
        }
        let mut held = cell.lock();
        match &mut *held {
            Held::Starting(asked) => {
                let before = asked.map(|(level, _)| level);
                *asked = Some((before.map_or(level, |before| before.max(level)), cause));
            }
            Held::Task(task) => {
                let task = task.clone();
                drop(held);
                cancel(&task, level, cause);
            }
            Held::Work(_) | Held::Ended(_) => {}
        }
    }

    /// Cancels a cell that has not begun, since the whole is being stopped.
    pub(super) fn cancel_early(self: &Arc<Self>, index: u32) {
        if self.cell(index).is_some_and(|cell| cell.end_early(CANCELLED)) {
            self.run.cut();
            self.left(index);
        }
    }

    /// Skips a cell that has not begun.
    pub(super) fn skip(self: &Arc<Self>, index: u32, cause: Cause) {
        if self.cell(index).is_some_and(|cell| cell.skip(cause)) {
            self.after(index);
        }
    }

    /// All that waits is cancelled, since the whole has ended without it.
    pub(super) fn cancel_waiting(self: &Arc<Self>) {
        for index in 0..self.cells.len() as u32 {
            self.cancel_early(index);
        }
    }

    /// The task of a cell has ended.
    fn settle(self: &Arc<Self>, index: u32, state: u8, error: Option<AsyncTaskError>) {
        let Some(cell) = self.cell(index) else { return };
        cell.ended.store(self.run.elapsed(), Ordering::Relaxed);
        let error = error.map(Arc::new);
        if state == FAILED
            && let Some(error) = &error
            && !self.is_guest
        {
            self.run.failed(&cell.name, error);
        }
        *cell.lock() = Held::Ended(error);
        let began = cell.state.swap(state, Ordering::SeqCst) == RUNNING;
        if self.is_guest {
            self.run.shared.guest_ended(began, &cell.status(), cell.took());
        }
        self.after(index);
    }

    /// A cell has ended without having begun.
    fn left(self: &Arc<Self>, index: u32) {
        if self.is_guest
            && let Some(cell) = self.cell(index)
        {
            self.run.shared.guest_ended(false, &cell.status(), None);
        }
        self.after(index);
    }

    /// After the end of a cell: counts down those below it, starts what has become free, skips what never will.
    fn after(self: &Arc<Self>, index: u32) {
        let mut ended = vec![];
        let mut next = Some(index);
        while let Some(index) = next {
            for link in self.links(index) {
                self.tell(index, *link, &mut ended);
            }
            if let Some(late) = self.cell(index).and_then(|cell| cell.late.get()) {
                let late = std::mem::take(&mut *late.lock().unwrap_or_else(PoisonError::into_inner));
                late.into_iter().for_each(|late| self.tell_late(index, &late));
            }
            self.run.one_less();
            next = ended.pop();
        }
    }

    /// Tells who waits for `index`, which has ended; `ended` takes in who has ended by that.
    fn tell(self: &Arc<Self>, index: u32, link: Link, ended: &mut Vec<u32>) {
        let (Some(cell), Some(below)) = (self.cell(index), self.cell(link.to)) else { return };
        if let Some(cause) = cell.blocks(link.policy) {
            if below.skip(cause) {
                ended.push(link.to);
            }
        } else if below.unmet.fetch_sub(1, Ordering::AcqRel) == 1 && !self.start(link.to, below) {
            ended.push(link.to);
        }
    }

    fn tell_late(&self, index: u32, late: &Late<R>) {
        match self.cell(index).and_then(|cell| cell.blocks(late.link.policy)) {
            Some(cause) => late.plan.skip(late.link.to, cause),
            None => late.plan.met(late.link.to),
        }
    }

    /// `link` of a later plan waits for `index`. Where that has ended, it is told at once.
    pub(super) fn add_late(&self, index: u32, plan: &Arc<Self>, link: Link) {
        let Some(cell) = self.cell(index) else { return };
        let late = cell.late.get_or_init(Box::default);
        let lock = || late.lock().unwrap_or_else(PoisonError::into_inner);
        lock().push(Late { plan: plan.clone(), link });
        // Pushed first, then looked: the end stores the state and then looks for those who are late. SeqCst, so that one of
        // the two sees the other; who takes them out of the list tells them.
        if cell.has_ended() {
            let late = std::mem::take(&mut *lock());
            late.into_iter().for_each(|late| self.tell_late(index, &late));
        }
    }
}

impl<R: Runtime> Cell<R> {
    fn lock(&self) -> MutexGuard<'_, Held<R>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From `WAITING` to `state`, if nobody has moved it.
    fn leave(&self, state: u8) -> bool {
        self.state.compare_exchange(WAITING, state, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// As [`leave`](Self::leave), to an end: what the work holds goes with it, and its destructors are the user's.
    fn end_early(&self, state: u8) -> bool {
        self.leave(state) && {
            let work = std::mem::replace(&mut *self.lock(), Held::Ended(None));
            let _ = caught(|| drop(work));
            true
        }
    }

    /// The cause first: who sees that it was skipped finds it.
    fn skip(&self, cause: Cause) -> bool {
        let _ = self.cause.set(cause);
        self.end_early(SKIPPED)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state.load(Ordering::SeqCst) >= COMPLETED
    }

    /// Why one that waits for this, which has ended, in this way is not to begin.
    fn blocks(&self, policy: EdgePolicy) -> Option<Cause> {
        if policy == EdgePolicy::AnyEnd {
            return None;
        }
        match self.state.load(Ordering::SeqCst) {
            COMPLETED => None,
            SKIPPED => self.cause.get().cloned().or_else(|| Some(self.as_cause(false))),
            state => Some(self.as_cause(state == CANCELLED)),
        }
    }

    fn as_cause(&self, cancelled: bool) -> Cause {
        Cause { task: self.name.clone(), cancelled }
    }

    pub(super) fn status(&self) -> NodeStatus {
        match self.state.load(Ordering::SeqCst) {
            COMPLETED => NodeStatus::Completed,
            FAILED => NodeStatus::Failed,
            CANCELLED => NodeStatus::Cancelled,
            SKIPPED => {
                let cause = self.cause.get().cloned();
                NodeStatus::Skipped { cause: cause.unwrap_or_else(|| self.as_cause(false)) }
            }
            RUNNING => match self.task().map(|task| task.control.status()) {
                Some(TaskStatus::PendingCancellation) => NodeStatus::PendingCancellation,
                _ => NodeStatus::Running,
            },
            _ => NodeStatus::Pending,
        }
    }

    /// Its task, while there is one.
    pub(super) fn task(&self) -> Option<TaskRef> {
        match &*self.lock() {
            Held::Task(task) => Some(task.clone()),
            _ => None,
        }
    }

    pub(super) fn error(&self) -> Option<Arc<AsyncTaskError>> {
        match &*self.lock() {
            Held::Ended(error) => error.clone(),
            _ => None,
        }
    }

    /// When it began and ended, from the beginning of the orchestrator.
    pub(super) fn times(&self) -> (Option<Duration>, Option<Duration>) {
        let time = |nanos: &AtomicU64| {
            Some(nanos.load(Ordering::Relaxed)).filter(|nanos| *nanos != UNSET).map(Duration::from_nanos)
        };
        (time(&self.began), time(&self.ended))
    }

    /// How long it took, if it was run to its end.
    pub(super) fn took(&self) -> Option<Duration> {
        let (began, ended) = self.times();
        Some(ended?.saturating_sub(began?))
    }
}

impl<R: Runtime> Launch<R> {
    pub(super) fn cell(&self) -> Option<&Cell<R>> {
        self.plan.cell(self.index)
    }

    /// The work begins: it has its place.
    pub(super) fn begins(&self) {
        let Some(cell) = self.cell() else { return };
        cell.began.store(self.plan.run.elapsed(), Ordering::Relaxed);
        cell.state.store(RUNNING, Ordering::SeqCst);
        if self.plan.is_guest {
            self.plan.run.shared.guest_began();
        }
    }

    /// The task has ended, and nothing of it is left.
    pub(super) fn ended(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let (state, error) = match result {
            Ok(()) => (COMPLETED, None),
            Err(error) => match task.control.status() {
                TaskStatus::Failed => (FAILED, Some(error)),
                _ => (CANCELLED, Some(error)),
            },
        };
        if matches!(&error, Some(AsyncTaskError::Shutdown)) {
            // Nothing can be started there any more.
            self.plan.run.stop();
        }
        self.plan.settle(self.index, state, error);
    }
}
