//! Tasks of core's tree, on a runtime that runs nothing: the models take the steps of their polls. Each
//! function here names the one of `task/` whose steps it takes.

use std::future::{Future, Pending, pending};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::error::SpawnError;
use crate::runtime::{DynJoin, Runtime};
use crate::tree::children::{adopt, release};
use crate::tree::daemons::{daemon_started, is_childless};
use crate::tree::node::{TaskRef, share};
use crate::tree::root::RootScope;
use crate::tree::state::{DAEMON, KILL, RUNNING};

/// A runtime that takes no work.
#[derive(Clone, Default)]
pub(crate) struct Idle(Arc<RootScope>);

impl Runtime for Idle {
    type Sleep = Pending<()>;
    type Join<T: Send + 'static> = DynJoin<T>;

    fn spawn<F>(&self, _: F) -> Result<DynJoin<F::Output>, SpawnError>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Err(SpawnError::Shutdown)
    }

    fn spawn_blocking<F, T>(&self, _: F) -> Result<DynJoin<T>, SpawnError>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Err(SpawnError::Shutdown)
    }

    fn root(&self) -> &RootScope {
        &self.0
    }

    fn sleep_until(&self, _: Instant) -> Pending<()> {
        pending()
    }

    fn entropy(&self) -> u64 {
        0
    }

    fn name(&self) -> &'static str {
        "idle"
    }

    fn worker_count(&self) -> usize {
        1
    }
}

/// A waker that records its wake. Not loom's atomics: it only observes.
#[derive(Default)]
pub(crate) struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Woken {
    /// The record of a waker, and the waker.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let woken = Arc::new(Self::default());
        (woken.clone(), Waker::from(woken))
    }

    pub(crate) fn was_woken(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Forgets a wake: for a poll that answers it.
    pub(crate) fn forget(&self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

/// A task on `runtime`.
pub(crate) fn task_on(runtime: &Idle, flags: u32, parent: Option<&TaskRef>) -> TaskRef {
    share(runtime.clone(), flags, Location::caller(), parent)
}

/// A task on a runtime of its own, so that the counts of two tasks are not in the same place.
pub(crate) fn task(flags: u32) -> TaskRef {
    task_on(&Idle::default(), flags, None)
}

/// As [`task`], for a child that its parent counts, and has not listed.
pub(crate) fn counted(flags: u32, parent: &TaskRef) -> TaskRef {
    parent.control.child_started();
    task_on(&Idle::default(), flags, Some(parent))
}

/// `Registered::new` for a child, spawned in the work of its parent. It runs.
pub(crate) fn child(parent: &TaskRef) -> TaskRef {
    let child = task_on(&Idle::default(), RUNNING, Some(parent));
    parent.control.child_started();
    adopt(parent, &child);
    child
}

/// `Registered::new` for a member, spawned from anywhere: `None` if the scope takes no more.
pub(crate) fn member(scope: &TaskRef) -> Option<TaskRef> {
    let member = task_on(&Idle::default(), RUNNING, Some(scope));
    scope.control.member_started().then(|| {
        adopt(scope, &member);
        member
    })
}

/// `Registered::new` for a daemon: `None` if the scope takes no more.
pub(crate) fn daemon(scope: &TaskRef) -> Option<TaskRef> {
    let daemon = task_on(&Idle::default(), RUNNING | DAEMON, Some(scope));
    daemon_started(scope).then(|| {
        adopt(scope, &daemon);
        release(scope);
        daemon
    })
}

/// `Lifecycle::poll` with a body that waits: true if the task was killed.
pub(crate) fn poll(task: &TaskRef, waker: &Waker, body: impl FnOnce()) -> bool {
    if !task.begin() {
        return true;
    }
    body();
    task.control.pause(waker).0.level() >= KILL
}

/// `Lifecycle::poll` after the body was dropped: true if the task waits for its children.
pub(crate) fn lingers(task: &TaskRef, waker: &Waker) -> bool {
    !is_childless(task) && {
        task.control.pause(waker);
        !is_childless(task)
    }
}

/// `Task::detach`.
pub(crate) fn detach(task: &TaskRef) {
    let parent = task.parent();
    if task.control.detach() {
        parent.as_ref().inspect(|parent| release(parent));
    }
}

/// The code of the level of the task's cancellation.
pub(crate) fn level(task: &TaskRef) -> u32 {
    task.control.state().level()
}

pub(crate) fn has_ended(task: &TaskRef) -> bool {
    task.control.state().is_terminal()
}

/// The number of ends that the task, alone on its runtime, has reported to its root scope.
pub(crate) fn ends(task: &TaskRef) -> usize {
    task.runtime.scope().ended_tasks()
}
