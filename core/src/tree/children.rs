//! The tasks that a task has spawned: how a cancellation finds them, and how they are counted out.
//!
//! A cancellation goes down the tree like this. Asking a task raises its level, wakes it, and that is all where its own
//! next poll will pass the level on. Where no poll will come soon (one is in progress, blocking work runs, or it is
//! part of its caller and polled when the caller likes), the one who asks goes on to the children.
//!
//! Nobody is missed: a child is put into the list, or to those who come late, before its parent's level is read; the level is
//! raised before the list is gone through, and whoever goes through it has it to himself.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use concurrent_queue::ConcurrentQueue;

use crate::panic::{caught, notify_all};
use crate::tree::ending::Ending;
use crate::tree::node::{Control, TaskRef, is_busy_elsewhere};
use crate::tree::pending_children::Last;
use crate::tree::state::{
    AFTER, CALLS, CHILDREN_KILLED, DETACHED, HAS_BEEN_PENDING, HAS_LISTENERS, IN_PLACE, METERED, ORCHESTRAL,
    REPORTED,
};
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// Below this many the list is not looked through for tasks that have ended.
const FEW: usize = 4;

/// A list that all may add to, and look through, at the same time.
///
/// A spawn never waits for the lock: where another thread has it, the child goes to those who come `late`. A lock for the
/// others, since they are seldom (a cancellation, the end of the parent, somebody who asks), short, and run nothing of the
/// user's while they hold it.
#[derive(Default)]
pub(crate) struct Children {
    list: Mutex<List>,
    late: OnceLock<ConcurrentQueue<TaskRef>>,
}

#[derive(Default)]
struct List {
    tasks: Vec<TaskRef>,
    /// At this length it is next swept of those that have ended.
    sweep_at: usize,
}

impl List {
    /// Takes in those who came late, and out those that have ended or were detached.
    fn sweep(&mut self, late: &OnceLock<ConcurrentQueue<TaskRef>>) -> Vec<TaskRef> {
        self.tasks.extend(late.get().into_iter().flat_map(ConcurrentQueue::try_iter));
        let gone = self.tasks.extract_if(.., |child| {
            let state = child.control.state.load();
            state.is_terminal() || state.has(DETACHED)
        });
        let gone = gone.collect();
        // As many again may come before the next: it is a constant cost per child.
        self.sweep_at = (self.tasks.len() * 2).max(FEW);
        gone
    }
}

impl Children {
    /// `live` says how many have not ended.
    fn add(&self, child: TaskRef, live: impl FnOnce() -> usize) {
        let Ok(mut list) = self.list.try_lock() else {
            let _ = self.late.get_or_init(ConcurrentQueue::unbounded).push(child);
            return;
        };
        list.tasks.push(child);
        if list.tasks.len() > list.sweep_at {
            if list.tasks.len() > live() * 2 {
                let gone = list.sweep(&self.late);
                drop(list);
                drop_all(gone);
            } else {
                list.sweep_at = list.tasks.len() * 2;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that have not ended and were not detached; the others are taken out of the list.
    fn live(&self) -> Vec<TaskRef> {
        let mut list = self.lock();
        let gone = list.sweep(&self.late);
        let live = list.tasks.clone();
        drop(list);
        drop_all(gone);
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

/// With the last that holds a task go its values, which are the user's.
fn drop_all(tasks: Vec<TaskRef>) {
    for task in tasks {
        let _ = caught(|| drop(task));
    }
}

/// Puts `child` into the list of `parent`, which counts it already. Registered to a task that was asked to stop, it is asked, too.
pub fn adopt(parent: &TaskRef, child: &TaskRef) {
    parent.control.children_or_new().add(child.clone(), || parent.control.pending_children.count());
    // What blocking work spawns that nobody waits for any more may outlive its task, which would have told it of a shutdown.
    if parent.control.runs_jobs() {
        child.runtime.scope().list_orphan(child);
    }
    if let Some((level, cause)) = handed_down(parent) {
        cancel(child, level, cause);
    }
}

/// What the children of `parent` are to be asked. A kill is theirs once its body is gone: what a destructor spawns
/// during a kill can still be detached, and then lives. For the same reason, who kills a task that is in a poll leaves alone
/// what is born [`AFTER`] that.
fn handed_down(parent: &TaskRef) -> Option<(CancelLevel, CancelCause)> {
    let state = parent.control.state.load();
    if state.has(CHILDREN_KILLED) {
        let (level, cause) = parent.control.asked().unwrap_or((CancelLevel::Kill, CancelCause::ParentEnded));
        let cause = if cause == CancelCause::ParentEnded { cause } else { cause.passed_on() };
        return Some((level.max(CancelLevel::Kill), cause));
    }
    let (level, cause) = parent.control.asked()?;
    (level < CancelLevel::Kill && !parent.control.is_shielded()).then(|| (level, cause.passed_on()))
}

/// The children that have not ended.
pub fn children(task: &TaskRef) -> Vec<TaskRef> {
    task.control.children().map(Children::live).unwrap_or_default()
}

/// Asks `task` to stop, and wakes it. False if it has ended, or had been asked as firmly before.
pub fn cancel(task: &TaskRef, level: CancelLevel, cause: CancelCause) -> bool {
    let control = &task.control;
    let Some(before) = control.state.raise(level.code(), cause.code()) else { return false };
    if before.has(METERED)
        && let Some(metered) = control.metered()
    {
        metered.asked();
    }
    match before.has(ORCHESTRAL) {
        // Its body looks at what is asked, and nothing wakes it for that where a poll is in progress.
        true => control.retune(),
        false => control.wake(),
    }
    if before.has(HAS_LISTENERS) {
        notify_all(&control.extras().changed);
    }
    if before.has(IN_PLACE) || is_busy_elsewhere(control) {
        pass_on(task, level, cause.passed_on());
    }
    true
}

/// Asks the children of `task` to stop, those that were not detached, unless it is in a shielded region.
pub(crate) fn pass_on(task: &TaskRef, level: CancelLevel, cause: CancelCause) {
    let has_body = !task.control.state.load().has(CHILDREN_KILLED);
    let held = has_body && task.control.is_shielded();
    for child in children(task) {
        let born = child.control.state.load();
        if has_body && born.has(AFTER) {
            continue;
        }
        // The region may be within a part of this task, which is to hear there what the whole is told.
        if !held || (born.has(IN_PLACE) && level < CancelLevel::Kill) {
            cancel(&child, level, cause);
        }
    }
}

/// The body of `task` is gone: kills its children, and what is born to it from now on.
pub(crate) fn kill_children(task: &TaskRef, cause: CancelCause) {
    if !task.control.state.set(CHILDREN_KILLED).has(CHILDREN_KILLED) {
        pass_on(task, CancelLevel::Kill, cause);
    }
}

/// True if something of the tree under `task` is doing what no cancellation interrupts.
pub(crate) fn is_busy(task: &TaskRef) -> bool {
    let mut to_see = vec![task.clone()];
    while let Some(next) = to_see.pop() {
        if is_busy_elsewhere(&next.control) || next.control.is_shielded() {
            return true;
        }
        to_see.extend(children(&next));
    }
    false
}

/// True if blocking work of the tree under `task` has started and goes on.
pub fn has_jobs(task: &TaskRef) -> bool {
    task.control.runs_jobs() || children(task).iter().any(has_jobs)
}

/// Records the end of `task`, and tells it: the root scope, its parent unless it was detached before, and then those
/// who await it, who so find it counted nowhere any more. Where it was the last that a parent had left behind, that one
/// ends too, and so on upwards.
pub(crate) fn end(task: &TaskRef, parent: Option<&TaskRef>, ending: Ending) {
    let mut orphan = end_one(task, parent, ending);
    while let Some(task) = orphan {
        let heir = task.control.take_heir();
        orphan = end_one(&task, heir.as_ref(), Ending::Cancelled);
    }
}

fn end_one(task: &TaskRef, parent: Option<&TaskRef>, ending: Ending) -> Option<TaskRef> {
    let control = &task.control;
    control.give_back();
    let before = control.finish(ending, &task.runtime);
    if before.has(CALLS) {
        control.drop_callbacks();
    }
    if before.has(HAS_BEEN_PENDING) {
        // It holds on to the executor's part of the task, which others who hold on to this need not.
        let _ = caught(|| drop(control.waker.take()));
    }
    if !before.has(IN_PLACE) {
        task.runtime.scope().task_ended(ending, before.has(HAS_BEEN_PENDING));
    }
    let orphan = parent.filter(|_| !before.has(DETACHED)).and_then(child_ended);
    if let Some(children) = control.children() {
        // What is still listed was detached, or has ended.
        children.clear();
    }
    // Pairs with the flag that listeners raise, for the cold slot.
    if control.state.set(REPORTED).has(HAS_LISTENERS) {
        notify_all(&control.extras().changed);
    }
    orphan
}

/// A child of `parent`, or a blocking job of it, has ended or is no longer waited for. Gives `parent` back where it is now
/// to be ended.
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

/// As above, for one that is no task.
pub fn release(parent: &TaskRef) {
    if let Some(orphan) = child_ended(parent) {
        let heir = orphan.control.take_heir();
        end(&orphan, heir.as_ref(), Ending::Cancelled);
    }
}

/// The end of a task that is dropped unfinished, its body gone: now, or with its last child.
pub(crate) fn leave(task: &TaskRef, parent: Option<TaskRef>) {
    let pending_children = &task.control.pending_children;
    if !pending_children.shut() {
        // Left first, then given up: whoever is last finds it.
        if let Some(parent) = &parent {
            task.control.set_heir(parent.clone());
        }
        if !pending_children.leave() {
            return;
        }
        task.control.take_heir();
    }
    end(task, parent.as_ref(), Ending::Cancelled);
}

impl Control {
    fn children_or_new(&self) -> &Children {
        self.extras().children.get_or_init(Box::default)
    }

    fn children(&self) -> Option<&Children> {
        self.extras.get()?.children.get().map(Box::as_ref)
    }
}
