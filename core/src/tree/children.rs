//! The children of a task: the way of a cancellation down to them, and of their end up to the parent.
//!
//! A cancellation raises the level of a task and wakes it. No more is done if the task's next poll will pass
//! the level on. If no poll will come soon (one is in progress, blocking work runs, or the task is in place
//! and polled when its caller likes), the canceller itself goes on to the children.
//!
//! A cancellation that is passed on takes its reason along.
//!
//! No child is missed (I11 of `state`):
//!
//! 1. A child is put into the list, or into the queue of late ones, before its parent's level is read.
//! 2. The level is raised before the list is read.
//! 3. The list is read under its lock.
//! 4. The list and the queue are allocated on first use. The thread that does it then takes a step of the
//!    parent's state. A request after this step finds them; one before it is seen by the thread, which passes
//!    it on to all children, since others may have come by now.

use std::sync::{Arc, PoisonError};

use crate::panic::caught;
use crate::sync::{ConcurrentQueue, Mutex, MutexGuard, OnceLock};
use crate::tree::ending::Ending;
use crate::tree::node::{Control, TaskRef, is_busy_elsewhere};
use crate::tree::pending_children::{Last, Left};
use crate::tree::state::{
    CHILDREN_KILLED, DAEMON, DETACHED, HAS_BEEN_PENDING, HAS_CALLBACKS, HAS_LISTENERS, IN_PLACE, METERED,
    ORCHESTRAL, SPAWNED_AFTER_KILL, State,
};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// The list is not searched for tasks that have ended below this length.
const FEW: usize = 4;

/// A list that many threads may add to and read at the same time.
///
/// A spawn never waits for the lock: if another thread has it, the child goes into the queue `late`. All
/// other operations take the lock: they are rare (a cancellation, the end of the parent, a query), short, and
/// run no code of the user's while they hold it.
#[derive(Default)]
pub(crate) struct Children {
    list: Mutex<List>,
    late: OnceLock<ConcurrentQueue<TaskRef>>,
}

#[derive(Default)]
struct List {
    tasks: Vec<TaskRef>,
    /// The length at which tasks that have ended are next removed.
    sweep_at: usize,
}

impl List {
    /// Takes in the late children, and removes those that have ended or were detached. Returns the removed
    /// ones.
    fn sweep(&mut self, late: &OnceLock<ConcurrentQueue<TaskRef>>) -> Vec<TaskRef> {
        self.tasks.extend(late.get().into_iter().flat_map(ConcurrentQueue::try_iter));
        let removed = self.tasks.extract_if(.., |child| {
            let state = child.control.state.load();
            state.is_terminal() || state.has(DETACHED)
        });
        let removed = removed.collect();
        // As many again may be added before the next sweep: a constant cost per child.
        self.sweep_at = (self.tasks.len() * 2).max(FEW);
        removed
    }
}

impl Children {
    /// Adds a child. `live` gives the number of children that have not ended. False if the queue of late ones
    /// was allocated for it.
    fn add(&self, child: TaskRef, live: impl FnOnce() -> usize) -> bool {
        let Ok(mut list) = self.list.try_lock() else {
            let was_there = self.late.get().is_some();
            let _ = self.late.get_or_init(ConcurrentQueue::unbounded).push(child);
            return was_there;
        };
        list.tasks.push(child);
        if list.tasks.len() > list.sweep_at {
            if list.tasks.len() > live() * 2 {
                let removed = list.sweep(&self.late);
                drop(list);
                drop_all(removed);
            } else {
                list.sweep_at = list.tasks.len() * 2;
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The children that have not ended and were not detached; the others are removed from the list.
    fn live(&self) -> Vec<TaskRef> {
        let mut list = self.lock();
        let removed = list.sweep(&self.late);
        let live = list.tasks.clone();
        drop(list);
        drop_all(removed);
        live
    }

    fn clear(&self) {
        let mut list = self.lock();
        let mut all = std::mem::take(&mut list.tasks);
        drop(list);
        all.extend(self.late.get().into_iter().flat_map(ConcurrentQueue::try_iter));
        drop_all(all);
    }
}

/// Drops the tasks. The last reference to a task drops its values, which are the user's and may panic.
fn drop_all(tasks: Vec<TaskRef>) {
    for task in tasks {
        let _ = caught(|| drop(task));
    }
}

/// Puts `child` into the list of `parent`, which counts it already. If `parent` was cancelled, the request is
/// passed on to `child`.
pub fn adopt(parent: &TaskRef, child: &TaskRef) {
    let was_there = parent.control.list_child(child.clone());
    // Blocking work that was given up may outlive its task, which would have passed a shutdown on to the
    // child.
    if parent.control.runs_jobs() {
        child.runtime.scope().list_orphan(child);
    }
    let Some((level, cause)) = inherited_cancellation(parent) else { return };
    if !was_there {
        pass_on(parent, level, cause);
    } else if !is_left_out(child.control.state.load(), level) {
        cancel_because(child, level, cause, reason_for_child(parent, cause));
    }
}

/// True for a daemon whose scope is cancelled gracefully: the others may need it until they have ended, and
/// then the scope cancels it.
pub(crate) fn is_left_out(child: State, level: CancelLevel) -> bool {
    level < CancelLevel::Kill && child.has(DAEMON)
}

/// The cancellation that a new child of `parent` is given. It is a kill only once the body of `parent` is
/// dropped: a task that a destructor spawns during a kill can still be detached, and then lives. For the same
/// reason, the kill of a task that is in a poll leaves out its children with [`SPAWNED_AFTER_KILL`] (I12 of
/// `state`).
fn inherited_cancellation(parent: &TaskRef) -> Option<(CancelLevel, CancelCause)> {
    let state = parent.control.state.load();
    if state.has(CHILDREN_KILLED) {
        let (level, cause) = parent.control.asked().unwrap_or((CancelLevel::Kill, CancelCause::ParentEnded));
        let cause = if cause == CancelCause::ParentEnded { cause } else { cause.passed_on() };
        return Some((level.max(CancelLevel::Kill), cause));
    }
    let (level, cause) = parent.control.asked()?;
    (level < CancelLevel::Kill && !parent.control.is_shielded()).then(|| (level, cause.passed_on()))
}

/// The children that have not ended and were not detached.
pub fn children(task: &TaskRef) -> Vec<TaskRef> {
    task.control.children().map(Children::live).unwrap_or_default()
}

/// Cancels `task`, and wakes it. False if it has ended, or if its level was as high before.
pub fn cancel(task: &TaskRef, level: CancelLevel, cause: CancelCause) -> bool {
    let raised = task.control.state.raise(level.code(), cause.code());
    raised.inspect(|before| level_raised(task, *before, level, cause)).is_some()
}

/// As [`cancel`], for a reason, if there is one. The reason is recorded with the cause, by the request that
/// records that; an empty one is none.
pub fn cancel_because(
    task: &TaskRef,
    level: CancelLevel,
    cause: CancelCause,
    reason: Option<&Arc<str>>,
) -> bool {
    let first = task.control.explain(level, cause, reason);
    let is_recorded = first.is_some_and(|first| {
        let raised = task.control.state.raise_with_reason(first.level.code(), first.cause.code());
        raised.inspect(|before| level_raised(task, *before, first.level, first.cause)).is_some()
    });
    // Where the first request is this one, nothing is left to raise.
    cancel(task, level, cause) || is_recorded
}

/// Kills `task`, since its handle was dropped. If the handle was in the body of the task above, which a kill
/// has dropped, it is for the reason of that kill.
pub fn handle_dropped(task: &TaskRef) {
    let killed = task.parent().filter(|above| above.control.is_killed());
    let reason = killed.as_ref().and_then(|above| above.control.reason());
    cancel_because(task, CancelLevel::Kill, CancelCause::HandleDropped, reason);
}

/// Does what is due after the level of `task` was raised; `before` is the state before that.
fn level_raised(task: &TaskRef, before: State, level: CancelLevel, cause: CancelCause) {
    let control = &task.control;
    if before.has(METERED)
        && let Some(metered) = control.metered()
    {
        metered.asked();
    }
    match before.has(ORCHESTRAL) {
        // Its body reads the request, and nothing else has it polled again for that if a poll is in progress.
        true => control.request_repoll(),
        false => control.wake(),
    }
    if before.has(HAS_LISTENERS) {
        control.notify_all_listeners();
    }
    if before.has(IN_PLACE) || is_busy_elsewhere(control) {
        pass_on(task, level, cause.passed_on());
    }
}

/// The reason that a child of `task` is given with `cause`: that of the cancellation of `task`, where the
/// child is stopped for that cancellation.
fn reason_for_child(task: &TaskRef, cause: CancelCause) -> Option<&Arc<str>> {
    matches!(cause, CancelCause::ParentCancelled | CancelCause::ScopeDropped)
        .then(|| task.control.reason())
        .flatten()
}

/// Cancels the children of `task` that were not detached, unless it is in a shielded region.
pub(crate) fn pass_on(task: &TaskRef, level: CancelLevel, cause: CancelCause) {
    let has_body = !task.control.state.load().has(CHILDREN_KILLED);
    let held = has_body && task.control.is_shielded();
    let reason = reason_for_child(task, cause);
    for child in children(task) {
        let child_state = child.control.state.load();
        if (has_body && child_state.has(SPAWNED_AFTER_KILL)) || is_left_out(child_state, level) {
            continue;
        }
        // The region may be within an in-place child, where a graceful request to the whole must be seen.
        if !held || (child_state.has(IN_PLACE) && level < CancelLevel::Kill) {
            cancel_because(&child, level, cause, reason);
        }
    }
}

/// Kills the children of `task`, whose body is dropped, and those that are spawned from now on.
pub(crate) fn kill_children(task: &TaskRef, cause: CancelCause) {
    if task.control.state.kill_children() {
        pass_on(task, CancelLevel::Kill, cause);
    }
}

/// True if `task`, or a task below it, is in a state that no cancellation interrupts.
pub(crate) fn is_busy(task: &TaskRef) -> bool {
    let mut to_visit = vec![task.clone()];
    while let Some(next) = to_visit.pop() {
        if is_busy_elsewhere(&next.control) || next.control.is_shielded() {
            return true;
        }
        to_visit.extend(children(&next));
    }
    false
}

/// True if blocking work of `task`, or of a task below it, has started and goes on.
pub fn has_jobs(task: &TaskRef) -> bool {
    task.control.runs_jobs() || children(task).iter().any(has_jobs)
}

/// Records the end of `task`, and reports it: to the root scope, to its parent unless it was detached before
/// (I8 of `state`), and then to its listeners, which so find it counted nowhere any more (I13). If it was the
/// last child of a parent that was dropped before it, that parent ends too, and so on upwards.
pub(crate) fn end(task: &TaskRef, parent: Option<&TaskRef>, ending: Ending) {
    let mut orphan = end_one(task, parent, ending);
    while let Some(task) = orphan {
        let heir = task.control.take_heir();
        orphan = end_one(&task, heir.as_ref(), Ending::Cancelled);
    }
}

fn end_one(task: &TaskRef, parent: Option<&TaskRef>, ending: Ending) -> Option<TaskRef> {
    let control = &task.control;
    control.return_permits();
    let before = control.finish(ending, &task.runtime);
    if before.has(HAS_CALLBACKS) {
        control.drop_callbacks();
    }
    if before.has(HAS_BEEN_PENDING) {
        // The waker keeps the executor's part of the task alive, which other holders of this record do not
        // need.
        let _ = caught(|| drop(control.waker.take()));
    }
    if !before.has(IN_PLACE) {
        task.runtime.scope().task_ended(ending, before.has(HAS_BEEN_PENDING));
    }
    let orphan = parent.filter(|_| !before.has(DETACHED)).and_then(|parent| match before.has(DAEMON) {
        true => daemon_ended(parent),
        false => child_ended(parent),
    });
    if let Some(children) = control.children() {
        // Children that are still listed were detached, or have ended.
        children.clear();
    }
    if control.state.report() {
        control.notify_all_listeners();
    }
    orphan
}

/// Counts out a child or a blocking job of `parent` that has ended or is no longer waited for. Returns
/// `parent` if it is now to be ended.
fn child_ended(parent: &TaskRef) -> Option<TaskRef> {
    match parent.control.pending_children.ended() {
        Last::No => None,
        Last::Wake => {
            parent.control.wake();
            None
        }
        Last::End => Some(parent.clone()),
    }
}

/// As [`child_ended`], for a daemon.
fn daemon_ended(scope: &TaskRef) -> Option<TaskRef> {
    match scope.control.extras().daemons.ended() {
        Last::No => None,
        Last::Wake => {
            scope.control.wake();
            None
        }
        // The scope waits for them, or was dropped: they are one child of it.
        Last::End => child_ended(scope),
    }
}

/// Notes that the daemons of `scope` are counted as one child. If they have ended by now, so has that child.
pub(super) fn count_daemons(scope: &TaskRef) -> Last {
    match scope.control.extras().daemons.leave() {
        Left::Nothing => scope.control.pending_children.ended(),
        Left::Children | Left::Daemons => Last::No,
    }
}

/// Counts out a blocking job of `parent`, or a child that was detached. If it was the last child of a parent
/// that was dropped before it, that parent ends.
pub fn release(parent: &TaskRef) {
    if let Some(orphan) = child_ended(parent) {
        let heir = orphan.control.take_heir();
        end(&orphan, heir.as_ref(), Ending::Cancelled);
    }
}

/// Ends a task that is dropped unfinished, after its body: now, or with its last child.
pub(crate) fn leave(task: &TaskRef, parent: Option<TaskRef>) {
    let pending_children = &task.control.pending_children;
    if !pending_children.shut() {
        // The heir is set first, then the task is left: the last child finds the heir.
        if let Some(parent) = &parent {
            task.control.set_heir(parent.clone());
        }
        let is_over = match pending_children.leave() {
            Left::Nothing => true,
            Left::Children => false,
            Left::Daemons => count_daemons(task) == Last::End,
        };
        if !is_over {
            return;
        }
        task.control.take_heir();
    }
    end(task, parent.as_ref(), Ending::Cancelled);
}

impl Control {
    /// Puts `child` into the list. False if the list, or its queue of late ones, was allocated for it: the
    /// caller then passes a request on to all children.
    fn list_child(&self, child: TaskRef) -> bool {
        let live = || self.pending_children.count();
        let was_there = match self.children() {
            Some(children) => children.add(child, live),
            None => {
                self.extras().children.get_or_init(Box::default).add(child, live);
                false
            }
        };
        if !was_there {
            self.state.note_list();
        }
        was_there
    }

    fn children(&self) -> Option<&Children> {
        self.extras.get()?.children.get().map(Box::as_ref)
    }
}
