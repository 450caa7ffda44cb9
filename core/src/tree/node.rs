//! The record of a task, which its handle, its parent and its children share.

use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use crossbeam_utils::atomic::AtomicCell;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::erased::ErasedRuntime;
use crate::runtime::{Nowhere, Runtime};
use crate::sync::{AtomicWaker, OnceLock};
use crate::tree::ending::Ending;
use crate::tree::extras::Extras;
use crate::tree::pending_children::{Left, PendingChildren};
use crate::tree::state::{
    AtomicState, BODY_DROPPED, CANCELLED, CHILDREN_KILLED, COMPLETED, DETACHED, FAILED, HAS_BEEN_PENDING,
    HAS_DEADLINE, IN_PLACE, IN_POLL, KILL, METERED, NEEDS_REPOLL, REPORTED, RUNNING, SPAWNED_AFTER_KILL,
    STOPPED, State, TIMED_OUT, UNWANTED,
};
use crate::vocabulary::cancel::{CancelCause, CancelLevel, CancelOutcome};
use crate::vocabulary::id::TaskId;
use crate::vocabulary::info::TaskInfo;
use crate::vocabulary::status::TaskStatus;

/// A reference to the record of a task, as its handles, its children and the current thread hold it.
pub type TaskRef = Arc<Shared<dyn ErasedRuntime>>;

/// The record of a task: its state, its parent, and the runtime that it is on.
pub struct Shared<R: ?Sized> {
    /// The state of the task, whatever its runtime is.
    pub control: Control,
    /// Weak: a detached task may outlive its parent, and must not keep it alive.
    pub(crate) parent: Option<Weak<Shared<dyn ErasedRuntime>>>,
    /// The runtime that the task is on.
    pub runtime: R,
}

impl Shared<dyn ErasedRuntime> {
    /// True if `parent` is a task of the same executor: the root scope then reaches this task through it.
    pub(crate) fn is_child_here(&self, parent: Option<&TaskRef>) -> bool {
        parent.is_some_and(|parent| std::ptr::eq(parent.runtime.scope(), self.runtime.scope()))
    }

    /// Begins a poll. False if the task must not be polled: it was killed, and is not in a shielded region;
    /// or it has not begun, and the root scope is closed.
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

    /// The parent, which waits for this task; `None` for a detached task.
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

    /// True if a deadline, of this task or of one above it, ends a wait of this length that begins now. A
    /// deadline that has passed, or that itself waits for the end of a shielded region, does not count.
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
    location: &'static Location<'static>,
    parent: Option<&TaskRef>,
) -> Arc<Shared<R>> {
    // Read before the child is in the list of its parent (I12 of `state`): see `pass_on`.
    let is_after = parent.is_some_and(|parent| parent.control.state.load().level() >= KILL);
    let flags = if is_after { flags | SPAWNED_AFTER_KILL } else { flags };
    let control = Control::new(runtime.next_task_id().as_u64().unwrap_or_default(), flags, location);
    Arc::new(Shared { control, parent: parent.map(Arc::downgrade), runtime })
}

/// A task that has failed before it could have a runtime.
pub(crate) fn refused(location: &'static Location<'static>) -> TaskRef {
    let number = TaskId::next().as_u64().unwrap_or_default();
    let control = Control::new(number, FAILED | CHILDREN_KILLED | BODY_DROPPED | REPORTED, location);
    Arc::new(Shared { control, parent: None, runtime: Nowhere })
}

/// The state of one task, with the settings that can be read and changed while it runs.
pub struct Control {
    /// Its number by the runtime's counter. Tasks are ordered by age with it, including those whose id is a
    /// UUID.
    pub(crate) number: u64,
    pub(super) state: AtomicState,
    pub(super) pending_children: PendingChildren,
    pub(super) waker: AtomicWaker,
    /// The source location of the last await of the library in this task; before that, of its spawn.
    location: AtomicCell<&'static Location<'static>>,
    pub(super) extras: OnceLock<Box<Extras>>,
}

/// True while a poll or blocking work of the task is under way: neither can be interrupted.
pub(super) fn is_busy_elsewhere(control: &Control) -> bool {
    control.state.load().has(IN_POLL) || control.runs_jobs()
}

impl Control {
    fn new(number: u64, flags: u32, location: &'static Location<'static>) -> Self {
        Self {
            number,
            state: AtomicState::new(flags),
            pending_children: PendingChildren::new(),
            waker: AtomicWaker::new(),
            location: AtomicCell::new(location),
            extras: OnceLock::new(),
        }
    }

    pub(crate) fn extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
    }

    /// The id of the task.
    pub fn id(&self) -> TaskId {
        #[cfg(feature = "uuid")]
        if let Some(id) = self.uuid() {
            return id;
        }
        TaskId::from_u64(self.number)
    }

    pub(crate) fn info(&self) -> TaskInfo {
        TaskInfo { id: self.id(), name: self.name(), status: self.status(), location: self.location.load() }
    }

    /// Notes the source location of an await of the library.
    pub(crate) fn note(&self, location: &'static Location<'static>) {
        self.location.store(location);
    }

    /// The state at this moment.
    pub fn state(&self) -> State {
        self.state.load()
    }

    /// The status at this moment.
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

    /// Ends a poll that is pending. Returns the state, with everything that was requested meanwhile (I9 of
    /// `state`), and true for the first such poll.
    pub(crate) fn pause(&self, waker: &Waker) -> (State, bool) {
        self.waker.register(waker);
        let now = self.state.load();
        let first = !now.has(HAS_BEEN_PENDING);
        let state = match (first, now.has(IN_POLL)) {
            (true, true) => self.state.pause_first(),
            // The task was stopped before it was polled.
            (true, false) => self.state.pause_unpolled(),
            (false, _) => self.state.pause(),
        };
        if state.has(NEEDS_REPOLL) {
            // The poll may have come before the change that it was requested for, and nothing else wakes the
            // task for that.
            self.state.clear_needs_repoll();
            let _ = caught(|| waker.wake_by_ref());
        }
        (state, first)
    }

    /// Has the task polled again, also where a poll is in progress: its urgency may have changed, or a
    /// request is to be read by its body.
    pub(crate) fn request_repoll(&self) {
        self.state.request_repoll();
        self.wake();
    }

    /// True if the body must be dropped: the task was killed, and is not in a shielded region.
    pub(crate) fn is_killed(&self) -> bool {
        self.state.load().level() >= KILL && !self.is_shielded()
    }

    /// The level of the cancellation, and its first cause.
    pub fn asked(&self) -> Option<(CancelLevel, CancelCause)> {
        let state = self.state.load();
        CancelLevel::from_code(state.level()).map(|level| (level, CancelCause::from_code(state.cause())))
    }

    /// Raises the level of a task that is being polled or dropped here, and so need not be woken.
    pub fn raise(&self, level: CancelLevel, cause: CancelCause) {
        if self.state.raise(level.code(), cause.code()).is_some() {
            self.notify_listeners();
        }
    }

    /// As [`raise`](Self::raise), for a reason, if there is one.
    pub fn raise_because(&self, level: CancelLevel, cause: CancelCause, reason: Option<&Arc<str>>) {
        if let Some(first) = self.explain(level, cause, reason)
            && self.state.raise_with_reason(first.level.code(), first.cause.code()).is_some()
        {
            self.notify_listeners();
        }
        self.raise(level, cause);
    }

    /// Notes that the body is dropped. True if there may be children, or channels to other tasks.
    pub(crate) fn set_body_dropped(&self) -> bool {
        !self.is_plain() && {
            self.state.note_body_dropped();
            true
        }
    }

    /// True once the work is done: the task has ended, or only waits for its children.
    pub(crate) fn is_work_done(&self) -> bool {
        let state = self.state.load();
        state.has(BODY_DROPPED) || state.is_terminal()
    }

    pub(crate) fn is_detached(&self) -> bool {
        self.state.load().has(DETACHED)
    }

    /// True if the usage of the task is measured.
    pub fn is_metered(&self) -> bool {
        self.state.load().has(METERED)
    }

    /// Switches metrics; true if that is a change.
    pub(crate) fn meter(&self, on: bool) -> bool {
        match on {
            true => self.state.start_metering(),
            false => self.state.stop_metering(),
        }
    }

    /// Marks a task that is being registered as an orchestra's own.
    pub fn mark_orchestral(&self) {
        self.state.mark_orchestral();
    }

    /// True if the task is part of its caller.
    pub fn is_in_place(&self) -> bool {
        self.state.load().has(IN_PLACE)
    }

    /// The error of a task that was stopped: with the first cause and its reason, or by its executor, which
    /// drops it.
    pub fn cancelled(&self) -> AsyncTaskError {
        match self.asked() {
            Some((_, CancelCause::Shutdown)) | None => AsyncTaskError::Shutdown,
            Some((level, cause)) => {
                AsyncTaskError::Cancelled { level, cause, task: self.name(), reason: self.reason().cloned() }
            }
        }
    }

    /// Notes that the task ends as it was requested to, since nothing of it was under way. Returns its error.
    pub fn stop_as_asked(&self) -> AsyncTaskError {
        self.state.note_stopped();
        self.cancelled()
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.state.load().has(STOPPED)
    }

    /// Records the end, once (I3 of `state`), when nothing of the task is left. Returns the state before.
    pub(super) fn finish(&self, ending: Ending, runtime: &dyn ErasedRuntime) -> State {
        if let Some(extras) = self.extras.get() {
            let reason = self.reason().filter(|_| ending == Ending::Cancelled);
            extras.ended(ending, reason.map(|reason| &**reason), runtime);
        }
        self.state.end(ending)
    }

    /// Detaches the task. True if the caller must now count it out of its parent: of this call and `finish`,
    /// the first to come does that (I8 of `state`).
    pub(crate) fn detach(&self) -> bool {
        self.state.detach()
    }

    /// Notes that the handle is dropped: the output is not wanted.
    pub(crate) fn abandon(&self) {
        self.state.note_unwanted();
    }

    pub(crate) fn is_unwanted(&self) -> bool {
        self.state.load().has(UNWANTED)
    }

    /// The outcome of a cancellation; [`CancelOutcome::Running`] until the task has ended.
    pub(crate) fn outcome(&self) -> CancelOutcome {
        let state = self.state.load();
        match state.phase() {
            COMPLETED => CancelOutcome::Success,
            FAILED if state.has(TIMED_OUT) => CancelOutcome::Timeout,
            FAILED => CancelOutcome::Failure,
            CANCELLED => CancelOutcome::Cancelled,
            _ => CancelOutcome::Running,
        }
    }

    /// True if it was stopped because a member of it failed.
    pub(crate) fn is_failed_by_member(&self) -> bool {
        matches!(self.asked(), Some((_, CancelCause::SiblingFailed)))
    }

    /// Counts one more child.
    pub fn child_started(&self) {
        self.pending_children.add();
    }

    /// As [`child_started`](Self::child_started), for a scope, which may have ended.
    pub(crate) fn member_started(&self) -> bool {
        self.pending_children.try_add()
    }

    /// Checks for children once the body is dropped: if some are left, the last one will wake the task. A
    /// scope takes no more members once nothing is left, or daemons alone.
    pub(super) fn left(&self) -> Left {
        match self.state.load().has(IN_PLACE) {
            true => self.pending_children.close(),
            false if self.pending_children.linger() => Left::Nothing,
            false => Left::Children,
        }
    }

    /// Checks for children, daemons included, with the body still there: true if none is left; else the last
    /// one will wake the task, by `waker`, its own.
    pub(crate) fn poll_childless(&self, waker: &Waker) -> bool {
        self.waker.register(waker);
        // Each of the two counts has to note that it is waited for.
        let has_no_daemon = self.extras.get().is_none_or(|extras| extras.daemons.linger());
        self.pending_children.linger() && has_no_daemon
    }

    /// True if its extras were never allocated, so that there is nothing in them: no children either.
    pub(crate) fn is_plain(&self) -> bool {
        self.extras.get().is_none()
    }

    pub(crate) fn wake(&self) {
        // A waker may be foreign code; its panic must not become the caller's.
        let _ = caught(|| self.waker.wake());
    }
}

impl State {
    /// True if nothing needs the task's attention: no cancellation and no deadline.
    pub(crate) fn is_quiet(self) -> bool {
        self.level() == 0 && !self.has(HAS_DEADLINE)
    }

    /// True once the end was reported.
    pub(crate) fn is_reported(self) -> bool {
        self.has(REPORTED)
    }
}
