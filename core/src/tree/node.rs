//! The record of a task, which its handle, its parent and its children share.

use std::panic::Location;
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use atomic_waker::AtomicWaker;
use crossbeam_utils::atomic::AtomicCell;

use crate::tree::ending::Ending;
use crate::tree::extras::Extras;
pub(crate) use crate::tree::pending_children::PendingChildren;
use crate::tree::state::{
    AFTER, AtomicState, BODY_DROPPED, CANCELLED, CHILDREN_KILLED, COMPLETED, DETACHED, FAILED,
    HAS_BEEN_PENDING, IN_POLL, KILL, LATE, METERED, REPORTED, RETUNED, RUNNING, STOPPED, TIMED, UNWANTED,
};
pub(crate) use crate::tree::state::{IN_PLACE, ORCHESTRAL, State};

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::erased::ErasedRuntime;
use crate::runtime::{Nowhere, Runtime};
use crate::vocabulary::cancel::{CancelCause, CancelLevel, CancelOutcome};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::info::TaskInfo;
use crate::vocabulary::status::TaskStatus;

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
        let state = control.state.begin();
        if state.level() >= KILL && !control.is_shielded() {
            return false;
        }
        if state.phase() != RUNNING {
            if self.runtime.scope().is_closed() {
                control.raise(CancelLevel::Kill, CancelCause::Shutdown);
                return false;
            }
            if let Some(extras) = control.extras.get() {
                extras.begun(&self.runtime);
            }
        }
        true
    }

    /// The task that waits for this one.
    pub fn parent(&self) -> Option<TaskRef> {
        if self.control.state.load().has(DETACHED) {
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
    let is_after = parent.is_some_and(|parent| parent.control.state.load().level() >= KILL);
    let flags = if is_after { flags | AFTER } else { flags };
    let control = Control::new(runtime.next_task_id().as_u64().unwrap_or_default(), flags, place);
    Arc::new(Shared { control, parent: parent.map(Arc::downgrade), runtime })
}

/// A task that has failed before it could have a runtime.
pub(crate) fn refused(place: &'static Location<'static>) -> TaskRef {
    let number = TaskId::next().as_u64().unwrap_or_default();
    let control = Control::new(number, FAILED | CHILDREN_KILLED | BODY_DROPPED | REPORTED, place);
    Arc::new(Shared { control, parent: None, runtime: Nowhere })
}

/// The state of one task, and what of it may be asked and set while it runs.
pub struct Control {
    /// That of its runtime's counter, by which tasks are ordered by age, also those whose id is a UUID.
    pub(crate) number: u64,
    pub(super) state: AtomicState,
    pub(super) pending_children: PendingChildren,
    pub(super) waker: AtomicWaker,
    /// Where the library was last awaited in this task; else where it was spawned.
    place: AtomicCell<&'static Location<'static>>,
    pub(super) extras: OnceLock<Box<Extras>>,
}

/// True while a poll or blocking work of the task is under way: neither can be interrupted.
pub(super) fn is_busy_elsewhere(control: &Control) -> bool {
    control.state.load().has(IN_POLL) || control.runs_jobs()
}

impl Control {
    fn new(number: u64, flags: u32, place: &'static Location<'static>) -> Self {
        Self {
            number,
            state: AtomicState::new(flags),
            pending_children: PendingChildren::new(),
            waker: AtomicWaker::new(),
            place: AtomicCell::new(place),
            extras: OnceLock::new(),
        }
    }

    pub(crate) fn extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
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
        self.state.load()
    }

    pub fn status(&self) -> TaskStatus {
        let state = self.state.load();
        match state.phase() {
            COMPLETED => TaskStatus::Completed,
            FAILED => TaskStatus::Failed,
            CANCELLED => TaskStatus::Cancelled,
            _ if state.level() > 0 => TaskStatus::PendingCancellation,
            RUNNING => TaskStatus::Running,
            _ => TaskStatus::Pending,
        }
    }

    /// After a poll that has to wait; `first` counts it. Gives what has been asked meanwhile: see [`AtomicState::pause`].
    pub(crate) fn pause(&self, waker: &Waker) -> (State, bool) {
        self.waker.register(waker);
        let now = self.state.load();
        let first = !now.has(HAS_BEEN_PENDING);
        let state = match (first, now.has(IN_POLL)) {
            (true, true) => self.state.pause_first(),
            // It was stopped before it was polled.
            (true, false) => self.state.set(HAS_BEEN_PENDING),
            (false, _) => self.state.pause(),
        };
        if state.has(RETUNED) {
            // It may have looked at its urgency before that was changed, and nobody else wakes it for that.
            self.state.clear_retuned();
            let _ = caught(|| waker.wake_by_ref());
        }
        (state, first)
    }

    /// Its urgency may have changed: has it polled again, also where a poll is in progress.
    pub(crate) fn retune(&self) {
        self.state.set(RETUNED);
        self.wake();
    }

    /// True if it is to be dropped: killed, and not in a shielded region.
    pub(crate) fn is_killed(&self) -> bool {
        self.state.load().level() >= KILL && !self.is_shielded()
    }

    /// What was asked, and by whom first.
    pub fn asked(&self) -> Option<(CancelLevel, CancelCause)> {
        let state = self.state.load();
        CancelLevel::from_code(state.level()).map(|level| (level, CancelCause::from_code(state.cause())))
    }

    /// Raises the level of a task that is being polled or dropped here, and so need not be woken.
    pub fn raise(&self, level: CancelLevel, cause: CancelCause) {
        if self.state.raise(level.code(), cause.code()).is_some() {
            self.tell();
        }
    }

    /// The body is gone; true if children may be left, or others who talk to the task.
    pub(crate) fn settle(&self) -> bool {
        !self.is_plain() && {
            self.state.set(BODY_DROPPED);
            true
        }
    }

    /// True once there is nobody to talk to: it has ended, or only waits for its children.
    pub(crate) fn is_settled(&self) -> bool {
        let state = self.state.load();
        state.has(BODY_DROPPED) || state.is_terminal()
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.state.load().has(DETACHED)
    }

    pub fn is_metered(&self) -> bool {
        self.state.load().has(METERED)
    }

    /// Switches metrics; true if that changes anything.
    pub(crate) fn meter(&self, on: bool) -> bool {
        match on {
            true => !self.state.set(METERED).has(METERED),
            false => self.state.clear(METERED).has(METERED),
        }
    }

    /// Of a task that is being born: it is an orchestra's own.
    pub fn is_orchestra(&self) {
        self.state.set(ORCHESTRAL);
    }

    pub fn is_in_place(&self) -> bool {
        self.state.load().has(IN_PLACE)
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
        self.state.set(STOPPED);
        self.cancelled()
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.state.load().has(STOPPED)
    }

    /// The end, recorded once, when nothing of the task is left. Gives the state before.
    pub(super) fn finish(&self, ending: Ending, runtime: &dyn ErasedRuntime) -> State {
        let phase = match ending {
            Ending::Completed => COMPLETED,
            Ending::Failed => FAILED,
            Ending::TimedOut => FAILED | LATE,
            Ending::Cancelled => CANCELLED,
        };
        if let Some(extras) = self.extras.get() {
            extras.ended(ending, runtime);
        }
        self.state.set(phase)
    }

    /// Gives the task up to the runtime. True if its parent must now be told that it is not waited for any more:
    /// of this call and `finish`, the first to come tells it.
    pub(crate) fn detach(&self) -> bool {
        let before = self.state.set(DETACHED | UNWANTED);
        !before.has(DETACHED) && !before.is_terminal()
    }

    /// The handle is dropped: the output is nobody's.
    pub(crate) fn abandon(&self) {
        self.state.set(UNWANTED);
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.state.load().has(UNWANTED)
    }

    /// What became of it, once it has ended.
    pub(crate) fn outcome(&self) -> CancelOutcome {
        let state = self.state.load();
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
        self.pending_children.born();
    }

    /// As [`child_started`](Self::child_started), for a scope, which may have ended.
    pub(crate) fn member_started(&self) -> bool {
        self.pending_children.try_born()
    }

    /// With the body gone: true if no child is left; else the last one will wake the task. A scope takes no more members
    /// once this is true.
    pub(crate) fn is_childless(&self) -> bool {
        if self.state.load().has(IN_PLACE) {
            self.pending_children.close()
        } else {
            self.pending_children.linger()
        }
    }

    /// With the body still there: true if no child is left; else the last one will wake the task, by `waker`, its own.
    pub(crate) fn poll_childless(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        self.pending_children.linger()
    }

    /// True if its cold slot was never made, so that there is nothing in it: no children either.
    pub(crate) fn is_plain(&self) -> bool {
        self.extras.get().is_none()
    }
}

impl State {
    /// True if nothing asks for the task's attention: no cancellation and no deadline.
    pub(crate) fn is_quiet(self) -> bool {
        self.level() == 0 && !self.has(TIMED)
    }

    pub(crate) fn is_gone(self) -> bool {
        self.has(REPORTED)
    }
}
