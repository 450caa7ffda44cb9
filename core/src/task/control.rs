//! The word that a task, its handle and its parent share.
//!
//! `state` holds everything that races in one atomic, so that each question ("who was first?") is settled by one
//! read-modify-write and no ordering between two words has to be argued:
//!
//! ```text
//! bits  0..=2   phase     0 Pending -> 1 Running -> 3 Completed | 5 Failed | 7 Cancelled
//! bit   3       KILL      asked to stop; set once, with its cause
//! bits  4..=7   cause     who asked first
//! bit   8       WAITED    somebody listens for the end
//! bit   9       DETACHED  its parent does not wait for it
//! bit  10       UNWANTED  its handle is gone, and nobody will take the output
//! bit  11       WAITS     it had to wait at least once
//! bit  12       GONE      its end is booked everywhere: who listens for it may be told
//! ```
//!
//! `children` counts spawned tasks and blocking jobs that have not ended; its top bit, LINGERS, is set by the
//! parent once its own body is gone, so that the last child knows to wake it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use arc_swap::ArcSwapOption;
use atomic_waker::AtomicWaker;
use event_listener::{Event, EventListener};
use tracing::Span;

use super::in_place::notify_all;
use super::span::callers;
use super::{TaskId, TaskInfo, TaskStatus};
use crate::cancel::{CancelCause, CancelLevel, CancellationResult};
use crate::error::AsyncTaskError;
use crate::runtime::{ErasedRuntime, RootScope, Runtime};

const PHASE: u32 = 0b111;
const RUNNING: u32 = 0b001;
const COMPLETED: u32 = 0b011;
const FAILED: u32 = 0b101;
const CANCELLED: u32 = 0b111;
const KILL: u32 = 1 << 3;
const CAUSE_SHIFT: u32 = 4;
const CAUSE: u32 = 0b1111 << CAUSE_SHIFT;
const WAITED: u32 = 1 << 8;
const DETACHED: u32 = 1 << 9;
const UNWANTED: u32 = 1 << 10;
const WAITS: u32 = 1 << 11;
const GONE: u32 = 1 << 12;

const LINGERS: usize = 1 << (usize::BITS - 1);

/// A task as its handles, its children and the current thread see it.
pub(crate) type TaskRef = Arc<Shared<dyn ErasedRuntime>>;

/// The control word, and the runtime that the task is on.
pub(crate) struct Shared<R: ?Sized> {
    pub(crate) control: Control,
    pub(crate) runtime: R,
}

impl Shared<dyn ErasedRuntime> {
    /// True if `parent` is a task of the same executor, whose root scope so reaches this one through it.
    pub(crate) fn is_child_here(&self, parent: Option<&TaskRef>) -> bool {
        parent.is_some_and(|parent| std::ptr::eq(parent.runtime.scope(), self.runtime.scope()))
    }
}

pub(crate) fn share<R: Runtime>(runtime: R, name: Option<Arc<str>>) -> Arc<Shared<R>> {
    let control = Control::new(runtime.next_task_id());
    if name.is_some() {
        control.set_name(name);
    }
    if let Some(span) = callers() {
        control.cold().span.store(Some(Arc::new(span)));
    }
    Arc::new(Shared { control, runtime })
}

/// How a task ended, as its control word records it.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    Completed,
    Failed,
    Cancelled,
}

pub(crate) struct Control {
    pub(crate) id: TaskId,
    state: AtomicU32,
    children: AtomicUsize,
    waker: AtomicWaker,
    cold: OnceLock<Box<Cold>>,
}

/// What few tasks need; made when first asked for.
#[derive(Default)]
struct Cold {
    name: ArcSwapOption<Arc<str>>,
    span: ArcSwapOption<Span>,
    ended: Event,
}

impl Control {
    fn new(id: TaskId) -> Self {
        Self {
            id,
            state: AtomicU32::new(0),
            children: AtomicUsize::new(0),
            waker: AtomicWaker::new(),
            cold: OnceLock::new(),
        }
    }

    fn cold(&self) -> &Cold {
        self.cold.get_or_init(Box::default)
    }

    pub(crate) fn name(&self) -> Option<Arc<str>> {
        self.cold.get()?.name.load().as_deref().cloned()
    }

    fn set_name(&self, name: Option<Arc<str>>) {
        self.cold().name.store(name.map(Arc::new));
    }

    /// The span of whoever spawned it.
    pub(crate) fn span(&self) -> Option<Arc<Span>> {
        self.cold.get()?.span.load_full()
    }

    /// True if it had to wait, so that the root scope may have it in its list.
    fn has_waited(&self) -> bool {
        self.state.load(Ordering::Relaxed) & WAITS != 0
    }

    pub(crate) fn info(&self) -> TaskInfo {
        TaskInfo { id: self.id, name: self.name(), status: self.status() }
    }

    pub(crate) fn status(&self) -> TaskStatus {
        // Acquire pairs with the release of `finish`: who sees an end sees what the work did before it.
        let state = self.state.load(Ordering::Acquire);
        match state & PHASE {
            COMPLETED => TaskStatus::Completed,
            FAILED => TaskStatus::Failed,
            CANCELLED => TaskStatus::Cancelled,
            _ if state & KILL != 0 => TaskStatus::PendingCancellation,
            RUNNING => TaskStatus::Running,
            _ => TaskStatus::Pending,
        }
    }

    /// Before each poll: the first makes `Pending` `Running`, unless the root scope is closed. False once the task was
    /// asked to stop.
    pub(crate) fn begin(&self, root: &RootScope) -> bool {
        // Acquire pairs with the release of `kill`.
        let state = self.state.load(Ordering::Acquire);
        if state & KILL == 0 && state & PHASE != RUNNING {
            if root.is_closed() {
                self.kill(CancelCause::Shutdown);
                return false;
            }
            // Relaxed: a status alone; nothing is published with it.
            self.state.fetch_or(RUNNING, Ordering::Relaxed);
        }
        state & KILL == 0
    }

    /// True the first time that the task has to wait.
    pub(crate) fn waits_first(&self) -> bool {
        // Relaxed: asked by the thread that polls the task, and nothing is published with it.
        self.state.load(Ordering::Relaxed) & WAITS == 0
            && self.state.fetch_or(WAITS, Ordering::Relaxed) & WAITS == 0
    }

    /// True once the task was asked to stop.
    pub(crate) fn is_killed(&self) -> bool {
        self.kill_cause().is_some()
    }

    /// Who asked first, if anybody did.
    pub(crate) fn kill_cause(&self) -> Option<CancelCause> {
        // Acquire pairs with the release of `kill`.
        let state = self.state.load(Ordering::Acquire);
        (state & KILL != 0).then(|| CancelCause::from_code((state & CAUSE) >> CAUSE_SHIFT))
    }

    /// Asks the task to stop, and wakes it. The first cause stays; after the end nothing happens.
    pub(crate) fn kill(&self, cause: CancelCause) {
        let asked = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            let over = state & KILL != 0 || is_terminal(state);
            (!over).then_some(state | KILL | cause.code() << CAUSE_SHIFT)
        });
        if asked.is_ok() {
            self.waker.wake();
        }
    }

    /// The error of a task that was stopped: by whoever asked first, or by its executor, which drops it.
    pub(crate) fn cancelled(&self) -> AsyncTaskError {
        match self.kill_cause() {
            Some(CancelCause::Shutdown) | None => AsyncTaskError::Shutdown,
            Some(cause) => AsyncTaskError::Cancelled { level: CancelLevel::Kill, cause },
        }
    }

    /// Leaves `waker` to be woken by a kill or by the last child. The caller reads the flags again afterwards: one
    /// set before the registration has woken nobody.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// The end, recorded once, when nothing of the task is left. True if a parent is to be told.
    pub(crate) fn finish(&self, ending: Ending) -> bool {
        let phase = match ending {
            Ending::Completed => COMPLETED,
            Ending::Failed => FAILED,
            Ending::Cancelled => CANCELLED,
        };
        if let Some(cold) = self.cold.get() {
            // Handles and parents may hold on to this word for long; the span is to close with the work.
            cold.span.store(None);
        }
        // Release pairs with the acquire of `status`.
        self.state.fetch_or(phase, Ordering::AcqRel) & DETACHED == 0
    }

    /// The end is booked: tells those who listen for it.
    fn tell_end(&self) {
        // AcqRel pairs with the one in `wait`, for the cold slot.
        if self.state.fetch_or(GONE, Ordering::AcqRel) & WAITED != 0 {
            notify_all(&self.cold().ended);
        }
    }

    /// Gives the task up to the runtime. True if its parent must now be told that it is not waited for any more:
    /// of this call and `finish`, the first to come tells it.
    pub(crate) fn detach(&self) -> bool {
        let before = self.state.fetch_or(DETACHED | UNWANTED, Ordering::AcqRel);
        before & DETACHED == 0 && !is_terminal(before)
    }

    /// The handle is dropped: the output is nobody's.
    pub(crate) fn abandon(&self) {
        // Release pairs with the acquire of `is_unwanted`.
        self.state.fetch_or(UNWANTED, Ordering::Release);
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.state.load(Ordering::Acquire) & UNWANTED != 0
    }

    pub(crate) fn is_detached(&self) -> bool {
        // Relaxed: read by the parent about a child; a child that is being detached at this moment may go either way.
        self.state.load(Ordering::Relaxed) & DETACHED != 0
    }

    /// A listener for the end, or `None` if it has come.
    pub(crate) fn wait(&self) -> Option<EventListener> {
        if self.state.load(Ordering::Acquire) & GONE != 0 {
            return None;
        }
        let listener = self.cold().ended.listen();
        // Listen first, then raise the flag: `tell_end` either sees the flag and notifies, or came before it.
        let before = self.state.fetch_or(WAITED, Ordering::AcqRel);
        (before & GONE == 0).then_some(listener)
    }

    pub(crate) fn cancellation_result(&self) -> CancellationResult {
        CancellationResult { status: self.status(), cause: self.kill_cause() }
    }

    pub(crate) fn child_started(&self) {
        // Relaxed: counted by the thread that polls the parent, before the child can end.
        self.children.fetch_add(1, Ordering::Relaxed);
    }

    /// A child has ended, or is no longer waited for. Wakes the parent if it was the last that it waits for.
    pub(crate) fn child_ended(&self) {
        // Release pairs with the acquire of `childless`: what the child did happened before the parent's end.
        if self.children.fetch_sub(1, Ordering::AcqRel) == LINGERS | 1 {
            self.waker.wake();
        }
    }

    /// With the body gone: true if no child is left; else the last one will wake the parent.
    pub(crate) fn childless(&self) -> bool {
        // Acquire pairs with the release of `child_ended`. The common task never had a child, and a load tells.
        self.children.load(Ordering::Acquire) & !LINGERS == 0
            || self.children.fetch_or(LINGERS, Ordering::AcqRel) & !LINGERS == 0
    }
}

fn is_terminal(state: u32) -> bool {
    matches!(state & PHASE, COMPLETED | FAILED | CANCELLED)
}

/// Records the end of `task`, and tells it: the root scope, its parent unless it was detached before, and then those
/// who await it, who so find it counted nowhere any more.
pub(crate) fn end(task: &TaskRef, parent: Option<&TaskRef>, ending: Ending) {
    let is_awaited_by_parent = task.control.finish(ending);
    task.runtime.scope().task_ended(task.control.has_waited());
    if let Some(parent) = parent
        && is_awaited_by_parent
    {
        parent.control.child_ended();
    }
    task.control.tell_end();
}

/// Asks all `children` to stop that have not been detached.
pub(crate) fn kill_all(children: &[TaskRef], cause: CancelCause) {
    for child in children.iter().filter(|child| !child.control.is_detached()) {
        child.control.kill(cause);
    }
}
