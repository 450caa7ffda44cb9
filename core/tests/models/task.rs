//! A task with all of it that races: the state and the pending children of core, and the functions around
//! them, each after its counterpart in core.

use std::sync::{Arc, PoisonError};

use loom::sync::Mutex;

use crate::pending_children::{Last, Left, PendingChildren};
use crate::state::{
    AtomicState, CHILDREN_KILLED, DAEMON, DETACHED, GRACEFUL, HAS_BEEN_PENDING, HAS_LISTENERS, IN_PLACE,
    IN_POLL, KILL, RUNNING, SPAWNED_AFTER_KILL, State,
};
use crate::sync::{Bell, ConcurrentQueue};

/// The code of an arbitrary cause.
pub(crate) const CAUSE: u32 = 3;

/// As `ending::Ending`.
#[allow(dead_code, reason = "`Counts` tells all of them apart")]
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    Completed,
    Failed,
    TimedOut,
    Cancelled,
}

/// `panic::caught`, without panics.
pub(crate) fn caught<O>(f: impl FnOnce() -> O) -> Option<O> {
    Some(f())
}

pub(crate) struct Task {
    pub(crate) state: AtomicState,
    pub(crate) pending_children: PendingChildren,
    pub(crate) daemons: PendingChildren,
    pub(crate) waker: Bell,
    /// Two bells, since an `Event` notifies each listener once: the second is for listening again.
    pub(crate) changed: [Bell; 2],
    children: Mutex<Vec<Arc<Task>>>,
    late: ConcurrentQueue<Arc<Task>>,
    /// The parent that is notified of the end: the body holds it, until the heir replaces it.
    pub(crate) parent: Option<Arc<Task>>,
    heir: ConcurrentQueue<Arc<Task>>,
}

impl Task {
    pub(crate) fn new(flags: u32) -> Arc<Self> {
        Arc::new(Self::below(flags, None))
    }

    pub(crate) fn below(flags: u32, parent: Option<Arc<Task>>) -> Self {
        Self {
            state: AtomicState::new(flags),
            pending_children: PendingChildren::new(),
            daemons: PendingChildren::new(),
            waker: Bell::new(),
            changed: [Bell::new(), Bell::new()],
            children: Mutex::new(Vec::new()),
            late: ConcurrentQueue::unbounded(),
            parent,
            heir: ConcurrentQueue::bounded(1),
        }
    }

    pub(crate) fn level(&self) -> u32 {
        self.state.load().level()
    }

    fn notify_all(&self) {
        self.changed.iter().for_each(Bell::ring);
    }

    /// `Shared::begin`.
    pub(crate) fn begin(&self) -> bool {
        self.state.begin().level() < KILL
    }

    /// `Control::pause`.
    pub(crate) fn pause(&self) -> State {
        self.waker.listen();
        let now = self.state.load();
        match (!now.has(HAS_BEEN_PENDING), now.has(IN_POLL)) {
            (true, true) => self.state.pause_first(),
            (true, false) => self.state.pause_unpolled(),
            (false, _) => self.state.pause(),
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
        if self.state.note_started() {
            self.notify_all();
        }
    }

    /// `Control::listen`, with one of the bells as the listener. False where `done` holds already.
    pub(crate) fn listen(&self, bell: usize, done: impl Fn(State) -> bool) -> bool {
        if done(self.state.load()) {
            return false;
        }
        if let Some(bell) = self.changed.get(bell) {
            bell.listen();
        }
        !done(self.state.note_listener())
    }

    pub(crate) fn has_rung(&self, bell: usize) -> bool {
        self.changed.get(bell).is_some_and(Bell::has_rung)
    }

    /// `Control::detach`.
    pub(crate) fn detach(&self) -> bool {
        self.state.detach()
    }

    /// `List::sweep`. The caller holds the lock of the list.
    fn sweep(&self, list: &mut Vec<Arc<Task>>) {
        while let Ok(child) = self.late.pop() {
            list.push(child);
        }
        list.retain(|child| {
            let state = child.state.load();
            !state.is_terminal() && !state.has(DETACHED)
        });
    }

    /// `Children::live`.
    fn live(&self) -> Vec<Arc<Task>> {
        let mut list = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        self.sweep(&mut list);
        list.clone()
    }

    /// `Children::add`, without the sweep, which is [`sweep`].
    pub(crate) fn add(&self, child: Arc<Task>) {
        match self.children.try_lock() {
            Ok(mut list) => list.push(child),
            Err(_) => drop(self.late.push(child)),
        }
    }
}

/// `share`, as far as it reads the parent, and `children::adopt`: the new child, which runs.
pub(crate) fn adopt(parent: &Task) -> Arc<Task> {
    let is_after = parent.level() >= KILL;
    let child = Task::new(if is_after { RUNNING | SPAWNED_AFTER_KILL } else { RUNNING });
    parent.add(child.clone());
    if let Some(level) = inherited_cancellation(parent) {
        cancel(&child, level);
    }
    child
}

/// The sweep of `Children::add`.
pub(crate) fn sweep(parent: &Task) {
    if let Ok(mut list) = parent.children.try_lock() {
        parent.sweep(&mut list);
    }
}

/// `children::inherited_cancellation`.
fn inherited_cancellation(parent: &Task) -> Option<u32> {
    let state = parent.state.load();
    if state.has(CHILDREN_KILLED) {
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
    let Some(before) = task.state.raise(level, CAUSE) else { return false };
    task.waker.ring();
    if before.has(HAS_LISTENERS) {
        task.notify_all();
    }
    if before.has(IN_PLACE) || task.state.load().has(IN_POLL) {
        pass_on(task, level);
    }
    true
}

/// `children::pass_on`.
pub(crate) fn pass_on(task: &Task, level: u32) {
    let has_body = !task.state.load().has(CHILDREN_KILLED);
    for child in task.live() {
        if !has_body || !child.state.load().has(SPAWNED_AFTER_KILL) {
            cancel(&child, level);
        }
    }
}

/// `children::kill_children`.
pub(crate) fn kill_children(task: &Task) {
    if task.state.kill_children() {
        pass_on(task, KILL);
    }
}

/// `children::end`, of a task whose body ends it. Gives the number of tasks that have ended by it.
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
    let before = task.state.end(ending);
    let orphan = parent.filter(|_| !before.has(DETACHED)).and_then(|parent| match before.has(DAEMON) {
        true => daemon_ended(parent),
        false => child_ended(parent),
    });
    if task.state.report() {
        task.notify_all();
    }
    orphan
}

/// `children::child_ended`.
fn child_ended(parent: &Arc<Task>) -> Option<Arc<Task>> {
    match parent.pending_children.ended() {
        Last::No => None,
        Last::Wake => {
            parent.waker.ring();
            None
        }
        Last::End => Some(parent.clone()),
    }
}

/// `children::daemon_ended`.
fn daemon_ended(scope: &Arc<Task>) -> Option<Arc<Task>> {
    match scope.daemons.ended() {
        Last::No => None,
        Last::Wake => {
            scope.waker.ring();
            None
        }
        Last::End => child_ended(scope),
    }
}

/// `children::count_daemons`.
fn count_daemons(scope: &Task) -> Last {
    match scope.daemons.leave() {
        Left::Nothing => scope.pending_children.ended(),
        Left::Children | Left::Daemons => Last::No,
    }
}

/// `daemons::daemon_started`. Gives the number of tasks that have ended by it, if the daemon is not taken.
pub(crate) fn daemon_started(scope: &Arc<Task>) -> Result<(), usize> {
    if !scope.pending_children.try_add_daemon() {
        return Err(0);
    }
    match scope.daemons.try_add() {
        true => Ok(()),
        false => Err(release(scope)),
    }
}

/// `daemons::is_childless`.
pub(crate) fn is_childless(scope: &Task) -> bool {
    loop {
        match scope.pending_children.close() {
            Left::Nothing => return true,
            Left::Children => return false,
            Left::Daemons => {
                count_daemons(scope);
                for child in scope.live() {
                    if child.state.load().has(DAEMON) {
                        cancel(&child, GRACEFUL);
                    }
                }
            }
        }
    }
}

/// `children::release`. Gives the number of tasks that have ended by it.
pub(crate) fn release(parent: &Arc<Task>) -> usize {
    child_ended(parent).map_or(0, |orphan| end_orphan(&orphan))
}

/// `children::leave`. Gives the number of tasks that have ended by it.
pub(crate) fn leave(task: &Task) -> usize {
    if !task.pending_children.shut() {
        if let Some(parent) = &task.parent {
            let _ = task.heir.push(parent.clone());
        }
        let is_over = match task.pending_children.leave() {
            Left::Nothing => true,
            Left::Children => false,
            Left::Daemons => count_daemons(task) == Last::End,
        };
        if !is_over {
            return 0;
        }
        let _ = task.heir.pop();
    }
    end(task, Ending::Cancelled)
}
