//! A task with all of it that races: the word and the offspring of core, and the functions around them, each after its like.

use std::sync::{Arc, PoisonError};

use loom::sync::Mutex;

use crate::offspring::{Last, Offspring};
use crate::sync::{Bell, ConcurrentQueue};
use crate::word::{
    AFTER, CANCELLED, COMPLETED, DETACHED, FAILED, GONE, IN_PLACE, IN_POLL, KILL, PASSED, STARTED, State,
    UNWANTED, WAITED, WAITS, Word,
};

/// The code of some cause.
pub(crate) const CAUSE: u32 = 3;

/// As `control::Ending`.
#[allow(dead_code, reason = "`Counts` tells all of them apart")]
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    Completed,
    Failed,
    TimedOut,
    Cancelled,
}

/// `in_place::caught`, without panics.
pub(crate) fn caught<O>(f: impl FnOnce() -> O) -> Option<O> {
    Some(f())
}

pub(crate) struct Task {
    pub(crate) word: Word,
    pub(crate) offspring: Offspring,
    pub(crate) waker: Bell,
    /// Two, since an `Event` tells each listener once: the second is for who listens again.
    pub(crate) changed: [Bell; 2],
    children: Mutex<Vec<Arc<Task>>>,
    late: ConcurrentQueue<Arc<Task>>,
    /// Whom its end tells: what the body holds, until the heir takes its place.
    pub(crate) parent: Option<Arc<Task>>,
    heir: ConcurrentQueue<Arc<Task>>,
}

impl Task {
    pub(crate) fn new(flags: u32) -> Arc<Self> {
        Arc::new(Self::below(flags, None))
    }

    pub(crate) fn below(flags: u32, parent: Option<Arc<Task>>) -> Self {
        Self {
            word: Word::new(flags),
            offspring: Offspring::new(),
            waker: Bell::new(),
            changed: [Bell::new(), Bell::new()],
            children: Mutex::new(Vec::new()),
            late: ConcurrentQueue::unbounded(),
            parent,
            heir: ConcurrentQueue::bounded(1),
        }
    }

    pub(crate) fn level(&self) -> u32 {
        self.word.load().level()
    }

    fn notify_all(&self) {
        self.changed.iter().for_each(Bell::ring);
    }

    /// `Shared::begin`.
    pub(crate) fn begin(&self) -> bool {
        self.word.begin().level() < KILL
    }

    /// `Control::pause`.
    pub(crate) fn pause(&self) -> State {
        self.waker.listen();
        let now = self.word.load();
        match (!now.has(WAITS), now.has(IN_POLL)) {
            (true, true) => self.word.pause_first(),
            (true, false) => self.word.set(WAITS),
            (false, _) => self.word.pause(),
        }
    }

    /// `Supervised::poll` with a body that waits: true if the task was killed.
    pub(crate) fn poll(&self, body: impl FnOnce()) -> bool {
        if !self.begin() {
            return true;
        }
        body();
        self.pause().level() >= KILL
    }

    /// `Control::started`.
    pub(crate) fn started(&self) {
        if self.word.set(STARTED).has(WAITED) {
            self.notify_all();
        }
    }

    /// `Control::listen`, with one of the bells as the listener. False where `done` holds already.
    pub(crate) fn listen(&self, bell: usize, done: impl Fn(State) -> bool) -> bool {
        if done(self.word.load()) {
            return false;
        }
        if let Some(bell) = self.changed.get(bell) {
            bell.listen();
        }
        !done(self.word.set(WAITED))
    }

    pub(crate) fn has_rung(&self, bell: usize) -> bool {
        self.changed.get(bell).is_some_and(Bell::has_rung)
    }

    /// `Control::detach`.
    pub(crate) fn detach(&self) -> bool {
        let before = self.word.set(DETACHED | UNWANTED);
        !before.has(DETACHED) && !before.is_terminal()
    }

    /// `List::sweep`, of what the lock is held on.
    fn sweep(&self, list: &mut Vec<Arc<Task>>) {
        while let Ok(child) = self.late.pop() {
            list.push(child);
        }
        list.retain(|child| {
            let state = child.word.load();
            !state.is_terminal() && !state.has(DETACHED)
        });
    }

    /// `Children::live`.
    fn live(&self) -> Vec<Arc<Task>> {
        let mut list = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        self.sweep(&mut list);
        list.clone()
    }

    /// `Children::add`, without the sweep, which is `sweep`.
    fn add(&self, child: Arc<Task>) {
        match self.children.try_lock() {
            Ok(mut list) => list.push(child),
            Err(_) => drop(self.late.push(child)),
        }
    }
}

/// `share`, as far as it asks the parent, and `children::adopt`.
pub(crate) fn adopt(parent: &Task, child: &Arc<Task>) {
    if parent.level() >= KILL {
        child.word.set(AFTER);
    }
    parent.add(child.clone());
    if let Some(level) = handed_down(parent) {
        cancel(child, level);
    }
}

/// The sweep of `Children::add`.
pub(crate) fn sweep(parent: &Task) {
    if let Ok(mut list) = parent.children.try_lock() {
        parent.sweep(&mut list);
    }
}

/// `children::handed_down`.
fn handed_down(parent: &Task) -> Option<u32> {
    let state = parent.word.load();
    if state.has(PASSED) {
        return Some(parent.level().max(KILL));
    }
    let level = parent.level();
    (0 < level && level < KILL).then_some(level)
}

/// `children::children`.
pub(crate) fn children(task: &Task) -> usize {
    task.live().len()
}

/// `children::cancel`.
pub(crate) fn cancel(task: &Task, level: u32) -> bool {
    let Some(before) = task.word.raise(level, CAUSE) else { return false };
    task.waker.ring();
    if before.has(WAITED) {
        task.notify_all();
    }
    if before.has(IN_PLACE) || task.word.load().has(IN_POLL) {
        pass_on(task, level);
    }
    true
}

/// `children::pass_on`.
pub(crate) fn pass_on(task: &Task, level: u32) {
    let has_body = !task.word.load().has(PASSED);
    for child in task.live() {
        if !has_body || !child.word.load().has(AFTER) {
            cancel(&child, level);
        }
    }
}

/// `children::kill_children`.
pub(crate) fn kill_children(task: &Task) {
    if !task.word.set(PASSED).has(PASSED) {
        pass_on(task, KILL);
    }
}

/// `children::end`, of a task whose body ends it. Gives how many tasks have ended by it.
pub(crate) fn end(task: &Task, ending: Ending) -> usize {
    end_below(task, task.parent.as_ref(), ending)
}

fn end_below(task: &Task, parent: Option<&Arc<Task>>, ending: Ending) -> usize {
    let orphan = end_one(task, parent, ending);
    1 + orphan.map_or(0, |orphan| end_orphan(&orphan))
}

/// The loop in `children::end`, and the end in `children::release`.
fn end_orphan(orphan: &Task) -> usize {
    end_below(orphan, orphan.heir.pop().ok().as_ref(), Ending::Cancelled)
}

/// `children::end_one`.
fn end_one(task: &Task, parent: Option<&Arc<Task>>, ending: Ending) -> Option<Arc<Task>> {
    let phase = match ending {
        Ending::Completed => COMPLETED,
        Ending::Failed | Ending::TimedOut => FAILED,
        Ending::Cancelled => CANCELLED,
    };
    let before = task.word.set(phase);
    let orphan = parent.filter(|_| !before.has(DETACHED)).and_then(child_ended);
    if task.word.set(GONE).has(WAITED) {
        task.notify_all();
    }
    orphan
}

/// `children::child_ended`.
fn child_ended(parent: &Arc<Task>) -> Option<Arc<Task>> {
    match parent.offspring.ended() {
        Last::No => None,
        Last::Wake => {
            parent.waker.ring();
            None
        }
        Last::End => Some(parent.clone()),
    }
}

/// `children::release`. Gives how many tasks have ended by it.
pub(crate) fn release(parent: &Arc<Task>) -> usize {
    child_ended(parent).map_or(0, |orphan| end_orphan(&orphan))
}

/// `children::leave`. Gives how many tasks have ended by it.
pub(crate) fn leave(task: &Task) -> usize {
    if !task.offspring.shut() {
        if let Some(parent) = &task.parent {
            let _ = task.heir.push(parent.clone());
        }
        if !task.offspring.leave() {
            return 0;
        }
        let _ = task.heir.pop();
    }
    end(task, Ending::Cancelled)
}
