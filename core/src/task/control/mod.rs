//! What a task, its handle, its parent and its children share.
//!
//! - [`word`]: all that races, in one atomic
//! - [`offspring`]: how many children are left
//! - [`children`]: who they are; how a cancellation goes down and an end goes up
//! - [`cold`]: what few tasks need; [`settings`], what of it can be set while the task runs; [`place`], that of a limiter

pub(crate) mod children;
mod cold;
mod offspring;
mod place;
mod settings;
mod word;

use std::panic::Location;
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;
use crossbeam_utils::atomic::AtomicCell;

pub(crate) use children::{adopt, cancel, children, end, is_busy, kill_children, leave, pass_on, release};
use cold::Cold;
pub(crate) use offspring::{Last, Offspring};
pub(crate) use place::{Place, places};
use word::{
    AFTER, CANCELLED, COMPLETED, DETACHED, FAILED, GONE, IN_POLL, KILL, LATE, METERED, PASSED, RETUNED,
    RUNNING, SETTLED, STOPPED, TIMED, UNWANTED, WAITS, Word,
};
pub(crate) use word::{IN_PLACE, MEMBER, ORCHESTRAL, PART, STARTED, State};

use super::{TaskId, TaskInfo, TaskStatus};
use crate::cancel::{CancelCause, CancelLevel, CancelOutcome};
use crate::error::AsyncTaskError;
use crate::runtime::{ErasedRuntime, Nowhere, Runtime};
use crate::task::in_place::caught;

/// A task as its handles, its children and the current thread see it.
pub type TaskRef = Arc<Shared<dyn ErasedRuntime>>;

/// The control block, and the runtime that the task is on.
pub struct Shared<R: ?Sized> {
    /// The state of the task, whatever its runtime is.
    pub control: Control,
    /// Weak: a task that outlives its parent, since it was detached, is not to keep it.
    pub(crate) parent: Option<Weak<Shared<dyn ErasedRuntime>>>,
    /// The runtime that the task is on.
    pub runtime: R,
}

impl Shared<dyn ErasedRuntime> {
    /// True if `parent` is a task of the same executor, whose root scope so reaches this one through it.
    pub(crate) fn is_child_here(&self, parent: Option<&TaskRef>) -> bool {
        parent.is_some_and(|parent| std::ptr::eq(parent.runtime.scope(), self.runtime.scope()))
    }

    /// Before each poll. False once the task was asked to stop, or if it has not begun and the root scope is closed.
    pub(crate) fn begin(&self) -> bool {
        let control = &self.control;
        let state = control.word.begin();
        if state.level() >= KILL && !control.is_shielded() {
            return false;
        }
        if state.phase() != RUNNING {
            if self.runtime.scope().is_closed() {
                control.raise(CancelLevel::Kill, CancelCause::Shutdown);
                return false;
            }
            if let Some(cold) = control.cold.get() {
                cold.begun(&self.runtime);
            }
        }
        true
    }

    /// The task that waits for this one.
    pub fn parent(&self) -> Option<TaskRef> {
        if self.control.word.load().has(DETACHED) {
            return None;
        }
        self.parent.as_ref()?.upgrade()
    }

    /// The earliest deadline of this task and of those above it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.earliest(Control::own_deadline)
    }

    /// True if what waits in this task for `wait` is ended by a deadline before: that has not passed yet, and does not wait
    /// itself for the end of a shielded region.
    pub(crate) fn ends_within(&self, wait: Duration) -> bool {
        let pressing = |control: &Control| control.own_deadline().filter(|_| !control.is_shielded());
        let Some(deadline) = self.earliest(pressing) else { return false };
        let now = self.runtime.clock();
        now < deadline && now.checked_add(wait).is_none_or(|end| end > deadline)
    }

    fn earliest(&self, deadline: impl Fn(&Control) -> Option<Instant>) -> Option<Instant> {
        let mut earliest = deadline(&self.control);
        let mut above = self.parent();
        while let Some(task) = above {
            earliest = earliest.into_iter().chain(deadline(&task.control)).min();
            above = task.parent();
        }
        earliest
    }
}

/// A new task on `runtime`, below `parent`.
pub(crate) fn share<R: Runtime>(
    runtime: R,
    flags: u32,
    place: &'static Location<'static>,
    parent: Option<&TaskRef>,
) -> Arc<Shared<R>> {
    // Read before the child is in the list of its parent: see `pass_on`.
    let is_after = parent.is_some_and(|parent| parent.control.word.load().level() >= KILL);
    let flags = if is_after { flags | AFTER } else { flags };
    let control = Control::new(runtime.next_task_id().as_u64().unwrap_or_default(), flags, place);
    Arc::new(Shared { control, parent: parent.map(Arc::downgrade), runtime })
}

/// A task that has failed before it could have a runtime.
pub(crate) fn refused(place: &'static Location<'static>) -> TaskRef {
    let number = TaskId::next().as_u64().unwrap_or_default();
    let control = Control::new(number, FAILED | PASSED | SETTLED | GONE, place);
    Arc::new(Shared { control, parent: None, runtime: Nowhere })
}

/// How a task ended, as its control word records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Completed,
    Failed,
    TimedOut,
    Cancelled,
}

impl Ending {
    pub(crate) fn of<T>(result: &Result<T, AsyncTaskError>) -> Self {
        match result {
            Ok(_) => Self::Completed,
            // The limit of an attempt; that of the whole is told by who keeps it. Another task's is a failure of this one.
            Err(AsyncTaskError::Timeout(timeout)) if timeout.is_own_attempt() => Self::TimedOut,
            Err(_) => Self::Failed,
        }
    }
}

pub struct Control {
    /// That of its runtime's counter, by which tasks are ordered by age, also those whose id is a UUID.
    pub(crate) number: u64,
    word: Word,
    offspring: Offspring,
    waker: AtomicWaker,
    /// Where the library was last awaited in this task; else where it was spawned.
    place: AtomicCell<&'static Location<'static>>,
    cold: OnceLock<Box<Cold>>,
}

/// True while a poll or blocking work of the task is under way: neither can be interrupted.
fn is_busy_elsewhere(control: &Control) -> bool {
    control.word.load().has(IN_POLL) || control.runs_jobs()
}

impl Control {
    fn new(number: u64, flags: u32, place: &'static Location<'static>) -> Self {
        Self {
            number,
            word: Word::new(flags),
            offspring: Offspring::new(),
            waker: AtomicWaker::new(),
            place: AtomicCell::new(place),
            cold: OnceLock::new(),
        }
    }

    pub(crate) fn cold(&self) -> &Cold {
        self.cold.get_or_init(Box::default)
    }

    pub fn id(&self) -> TaskId {
        #[cfg(feature = "uuid")]
        if let Some(id) = self.uuid() {
            return id;
        }
        TaskId::from_u64(self.number)
    }

    pub(crate) fn info(&self) -> TaskInfo {
        TaskInfo { id: self.id(), name: self.name(), status: self.status(), place: self.place.load() }
    }

    /// Notes where the library is awaited.
    pub(crate) fn note(&self, place: &'static Location<'static>) {
        self.place.store(place);
    }

    pub fn state(&self) -> State {
        self.word.load()
    }

    pub fn status(&self) -> TaskStatus {
        let state = self.word.load();
        match state.phase() {
            COMPLETED => TaskStatus::Completed,
            FAILED => TaskStatus::Failed,
            CANCELLED => TaskStatus::Cancelled,
            _ if state.level() > 0 => TaskStatus::PendingCancellation,
            RUNNING => TaskStatus::Running,
            _ => TaskStatus::Pending,
        }
    }

    /// After a poll that has to wait; `first` counts it. Gives what has been asked meanwhile: see [`Word::pause`].
    pub(crate) fn pause(&self, waker: &Waker) -> (State, bool) {
        self.waker.register(waker);
        let now = self.word.load();
        let first = !now.has(WAITS);
        let state = match (first, now.has(IN_POLL)) {
            (true, true) => self.word.pause_first(),
            // It was stopped before it was polled.
            (true, false) => self.word.set(WAITS),
            (false, _) => self.word.pause(),
        };
        if state.has(RETUNED) {
            // It may have looked at its urgency before that was changed, and nobody else wakes it for that.
            self.word.clear_retuned();
            let _ = caught(|| waker.wake_by_ref());
        }
        (state, first)
    }

    /// Its urgency may have changed: has it polled again, also where a poll is in progress.
    pub(crate) fn retune(&self) {
        self.word.set(RETUNED);
        self.wake();
    }

    /// True if it is to be dropped: killed, and not in a shielded region.
    pub(crate) fn is_killed(&self) -> bool {
        self.word.load().level() >= KILL && !self.is_shielded()
    }

    /// What was asked, and by whom first.
    pub fn asked(&self) -> Option<(CancelLevel, CancelCause)> {
        let state = self.word.load();
        CancelLevel::from_code(state.level()).map(|level| (level, CancelCause::from_code(state.cause())))
    }

    /// Raises the level of a task that is being polled or dropped here, and so need not be woken.
    pub fn raise(&self, level: CancelLevel, cause: CancelCause) {
        if self.word.raise(level.code(), cause.code()).is_some() {
            self.tell();
        }
    }

    /// The body is gone; true if children may be left, or others who talk to the task.
    pub(crate) fn settle(&self) -> bool {
        !self.is_plain() && {
            self.word.set(SETTLED);
            true
        }
    }

    /// True once there is nobody to talk to: it has ended, or only waits for its children.
    pub(crate) fn is_settled(&self) -> bool {
        let state = self.word.load();
        state.has(SETTLED) || state.is_terminal()
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.word.load().has(DETACHED)
    }

    pub fn is_metered(&self) -> bool {
        self.word.load().has(METERED)
    }

    /// Switches metrics; true if that changes anything.
    pub(crate) fn meter(&self, on: bool) -> bool {
        match on {
            true => !self.word.set(METERED).has(METERED),
            false => self.word.clear(METERED).has(METERED),
        }
    }

    /// Of a task that is being born: it is an orchestra's own.
    pub fn is_orchestra(&self) {
        self.word.set(ORCHESTRAL);
    }

    pub fn is_in_place(&self) -> bool {
        self.word.load().has(IN_PLACE)
    }

    /// The error of a task that was stopped: by whoever asked first, or by its executor, which drops it.
    pub fn cancelled(&self) -> AsyncTaskError {
        match self.asked() {
            Some((_, CancelCause::Shutdown)) | None => AsyncTaskError::Shutdown,
            Some((level, cause)) => AsyncTaskError::Cancelled { level, cause },
        }
    }

    /// It has ended as it was asked to, since nothing of it was under way. Gives its error.
    pub fn stop_as_asked(&self) -> AsyncTaskError {
        self.word.set(STOPPED);
        self.cancelled()
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.word.load().has(STOPPED)
    }

    /// The end, recorded once, when nothing of the task is left. Gives the state before.
    fn finish(&self, ending: Ending, runtime: &dyn ErasedRuntime) -> State {
        let phase = match ending {
            Ending::Completed => COMPLETED,
            Ending::Failed => FAILED,
            Ending::TimedOut => FAILED | LATE,
            Ending::Cancelled => CANCELLED,
        };
        if let Some(cold) = self.cold.get() {
            cold.ended(ending, runtime);
        }
        self.word.set(phase)
    }

    /// Gives the task up to the runtime. True if its parent must now be told that it is not waited for any more:
    /// of this call and `finish`, the first to come tells it.
    pub(crate) fn detach(&self) -> bool {
        let before = self.word.set(DETACHED | UNWANTED);
        !before.has(DETACHED) && !before.is_terminal()
    }

    /// The handle is dropped: the output is nobody's.
    pub(crate) fn abandon(&self) {
        self.word.set(UNWANTED);
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.word.load().has(UNWANTED)
    }

    /// What became of it, once it has ended.
    pub(crate) fn outcome(&self) -> CancelOutcome {
        let state = self.word.load();
        match state.phase() {
            COMPLETED => CancelOutcome::Success,
            FAILED if state.has(LATE) => CancelOutcome::Timeout,
            FAILED => CancelOutcome::Failure,
            CANCELLED => CancelOutcome::Cancelled,
            _ => CancelOutcome::Running,
        }
    }

    /// True if it was stopped since a member of it failed.
    pub(crate) fn is_failed_by_member(&self) -> bool {
        matches!(self.asked(), Some((_, CancelCause::SiblingFailed)))
    }

    pub fn child_started(&self) {
        self.offspring.born();
    }

    /// As [`child_started`](Self::child_started), for a scope, which may have ended.
    pub(crate) fn member_started(&self) -> bool {
        self.offspring.try_born()
    }

    /// With the body gone: true if no child is left; else the last one will wake the task. A scope takes no more members
    /// once this is true.
    pub(crate) fn is_childless(&self) -> bool {
        if self.word.load().has(IN_PLACE) { self.offspring.close() } else { self.offspring.linger() }
    }

    /// With the body still there: true if no child is left; else the last one will wake the task, by `waker`, its own.
    pub(crate) fn poll_childless(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.offspring.linger()
    }

    /// True if its cold slot was never made, so that there is nothing in it: no children either.
    pub(crate) fn is_plain(&self) -> bool {
        self.cold.get().is_none()
    }
}

impl State {
    /// True if nothing asks for the task's attention: no cancellation and no deadline.
    pub(crate) fn is_quiet(self) -> bool {
        self.level() == 0 && !self.has(TIMED)
    }

    pub(crate) fn is_gone(self) -> bool {
        self.has(GONE)
    }
}
