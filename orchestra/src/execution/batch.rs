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

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::Cause;
use crate::execution::node_state::{
    CANCELLED, COMPLETED, FAILED, Held, Late, Link, NodeState, RUNNING, STARTED, Work,
};
use crate::execution::session::Session;
use sweet_async_core::cancel::{CancelCause, CancelLevel};
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::current_task;
use sweet_async_core::extend::{TaskRef, caught};
use sweet_async_core::extend::{Values, cancel};
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::TaskStatus;

/// A cell to be.
pub(crate) struct Seed<R: Runtime> {
    pub(crate) name: Arc<str>,
    pub(crate) work: Work<R>,
    pub(crate) values: Option<Arc<Values>>,
    pub(crate) unmet: usize,
    pub(crate) below: Vec<Link>,
}

pub(crate) struct Batch<R: Runtime> {
    pub(crate) run: Arc<Session<R>>,
    cells: Box<[NodeState<R>]>,
    links: Box<[Link]>,
    /// True for a task that is in no graph.
    is_guest: bool,
}

/// One cell of a plan, as its task holds it.
pub(crate) struct Launch<R: Runtime> {
    pub(crate) plan: Arc<Batch<R>>,
    index: u32,
}

impl<R: Runtime> Clone for Launch<R> {
    fn clone(&self) -> Self {
        Self { plan: self.plan.clone(), index: self.index }
    }
}

impl<R: Runtime> Batch<R> {
    pub(crate) fn new(run: Arc<Session<R>>, seeds: Vec<Seed<R>>, is_guest: bool) -> Arc<Self> {
        let mut links = Vec::new();
        let cells = seeds.into_iter().map(|Seed { name, work, values, unmet, below }| {
            let first = links.len() as u32;
            links.extend(below);
            NodeState::new(name, work, values, unmet, first)
        });
        let cells = cells.collect();
        Arc::new(Self { run, cells, links: links.into(), is_guest })
    }

    pub(crate) fn cell(&self, index: u32) -> Option<&NodeState<R>> {
        self.cells.get(index as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    fn links(&self, index: u32) -> &[Link] {
        let first = self.cell(index).map_or(0, |cell| cell.links as usize);
        let end = self.cell(index + 1).map_or(self.links.len(), |next| next.links as usize);
        self.links.get(first..end).unwrap_or_default()
    }

    /// Begins: what waits for nothing is started.
    pub(crate) fn begin(self: &Arc<Self>) {
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

    /// Begins the one task of a plan that its run does not know of.
    pub(crate) fn begin_alone(self: &Arc<Self>) {
        self.met(0);
    }

    /// Starts a cell, if nobody has taken it elsewhere. False if it has ended instead, since the whole is being stopped.
    fn start(self: &Arc<Self>, index: u32, cell: &NodeState<R>) -> bool {
        if self.run.is_stopping() {
            return !self.cut(cell);
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
        let Some(task) = work(Launch { plan: self.clone(), index }) else { return true };
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
    pub(crate) fn cancel(self: &Arc<Self>, index: u32, level: CancelLevel, cause: CancelCause) {
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
    pub(crate) fn cancel_early(self: &Arc<Self>, index: u32) {
        if self.cell(index).is_some_and(|cell| self.cut(cell)) {
            self.left(index);
        }
    }

    /// Cancels a cell, if it has not begun, since the whole is being stopped.
    fn cut(&self, cell: &NodeState<R>) -> bool {
        self.run.cut();
        cell.end_early(CANCELLED)
    }

    /// Skips a cell that has not begun.
    pub(crate) fn skip(self: &Arc<Self>, index: u32, cause: Cause) {
        if self.cell(index).is_some_and(|cell| cell.skip(cause)) {
            self.after(index);
        }
    }

    /// All that waits is cancelled, since the whole has ended without it.
    pub(crate) fn cancel_waiting(self: &Arc<Self>) {
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
        let task = std::mem::replace(&mut *cell.lock(), Held::Ended(error));
        // The last to hold a task drops its values, which are the user's.
        let _ = caught(|| drop(task));
        if state == CANCELLED && self.run.is_stopping() {
            self.run.cut();
        }
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
            let has_left = match self.run.is_stopping() {
                true => self.cut(below),
                false => below.skip(cause),
            };
            if has_left {
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
    pub(crate) fn add_late(&self, index: u32, plan: &Arc<Self>, link: Link) {
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

impl<R: Runtime> Launch<R> {
    pub(crate) fn cell(&self) -> Option<&NodeState<R>> {
        self.plan.cell(self.index)
    }

    /// Asked of a task that is polled here and has not begun: the error that it ends with if it is not to begin any more, since
    /// it was asked to stop, or the whole is being stopped.
    pub(crate) fn refuses(&self) -> Option<AsyncTaskError> {
        let task = current_task()?;
        if task.control.asked().is_none() {
            if !self.plan.run.is_stopping() {
                return None;
            }
            task.control.raise(CancelLevel::Graceful, CancelCause::Requested);
        }
        Some(task.control.stop_as_asked())
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.cell().is_none_or(|cell| cell.state.load(Ordering::Relaxed) != STARTED)
    }

    /// The work begins: it has its place.
    pub(crate) fn begins(&self) {
        let Some(cell) = self.cell() else { return };
        cell.began.store(self.plan.run.elapsed(), Ordering::Relaxed);
        cell.state.store(RUNNING, Ordering::SeqCst);
        if self.plan.is_guest {
            self.plan.run.shared.guest_began();
        }
    }

    /// An ad-hoc task has ended, and nothing of it is left; `None` if it was not even started. Its result is its caller's.
    pub(crate) fn guest_ended(&self, task: Option<&TaskRef>) {
        let state = match task.map(|task| task.control.status()) {
            Some(TaskStatus::Completed) => COMPLETED,
            Some(TaskStatus::Failed) => FAILED,
            _ => CANCELLED,
        };
        self.plan.settle(self.index, state, None);
    }

    /// The task has ended, and nothing of it is left.
    pub(crate) fn ended(self, task: &TaskRef, result: Result<(), AsyncTaskError>) {
        let (state, error) = match result {
            Ok(()) => (COMPLETED, None),
            Err(error) => match task.control.status() {
                TaskStatus::Failed => (FAILED, Some(error)),
                _ => (CANCELLED, Some(error)),
            },
        };
        if state == CANCELLED && matches!(&error, Some(AsyncTaskError::Shutdown)) {
            // Nothing can be started there any more.
            self.plan.run.stop();
        }
        self.plan.settle(self.index, state, error);
    }
}
