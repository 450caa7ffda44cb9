//! The state of the current thread apart from its task: the runtime that was entered, and the permission to
//! block.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::runtime::erased::{DynRuntime, ErasedRuntime};
use crate::tree::current::{is_in_task, with_nearest, with_task};
use crate::tree::node::TaskRef;
use crate::tree::root::RootScope;

thread_local! {
    static ENTERED: Cell<Option<Arc<dyn ErasedRuntime>>> = const { Cell::new(None) };
    static BLOCKING: Cell<Blocking> = const { Cell::new(Blocking::Unknown) };
    static JOB_OF: Cell<usize> = const { Cell::new(0) };
}

/// The permission to block this thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocking {
    /// Not set: it depends on the work that runs on the thread.
    Unknown,
    /// The thread runs blocking work, and may be blocked.
    Allowed,
    /// The thread is inside a `block_on`.
    Inside,
}

fn swap_blocking(to: Blocking) -> Blocking {
    BLOCKING.try_with(|cell| cell.replace(to)).unwrap_or(Blocking::Unknown)
}

fn swap_job(to: usize) -> usize {
    JOB_OF.try_with(|cell| cell.replace(to)).unwrap_or(0)
}

/// Runs `f`, a blocking job of `root`, on a thread that may be blocked.
pub(crate) fn allow_blocking<O>(root: &RootScope, f: impl FnOnce() -> O) -> O {
    struct Restore(Blocking, usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            swap_blocking(self.0);
            swap_job(self.1);
        }
    }
    let job = swap_job(std::ptr::from_ref(root).addr());
    let _restore = Restore(swap_blocking(Blocking::Allowed), job);
    f()
}

/// True inside work that a shutdown of `root` waits for: one of its tasks, or its blocking work.
pub(crate) fn is_inside(root: &RootScope) -> bool {
    with_task(|task| std::ptr::eq(task.runtime.scope(), root)) == Some(true)
        || JOB_OF.try_with(Cell::get) == Ok(std::ptr::from_ref(root).addr())
}

/// True on a thread that runs blocking work of this library and is not inside a `block_on`: it may be blocked
/// there, whatever context its executor has given it.
pub fn may_block() -> bool {
    BLOCKING.try_with(Cell::get) == Ok(Blocking::Allowed)
}

/// Runs `f` with `runtime` as the entered one.
pub(crate) fn in_runtime<R: Runtime, O>(runtime: &R, f: impl FnOnce() -> O) -> O {
    let _entered = EnterGuard::new(runtime);
    f()
}

/// Makes a runtime the entered one of this thread, until dropped: the ambient `AsyncTask` starts tasks on it.
#[must_use = "the runtime is entered only while the guard lives"]
pub struct EnterGuard {
    outer: Option<Arc<dyn ErasedRuntime>>,
    // Must be dropped on the thread that it was made on.
    _not_send: PhantomData<*const ()>,
}

impl EnterGuard {
    /// Enters `runtime`. Guards must be dropped in the reverse order of their making.
    pub fn new<R: Runtime>(runtime: &R) -> Self {
        let entered: Arc<dyn ErasedRuntime> = Arc::new(runtime.clone());
        let outer = ENTERED.try_with(|cell| cell.replace(Some(entered))).unwrap_or(None);
        Self { outer, _not_send: PhantomData }
    }
}

impl Drop for EnterGuard {
    fn drop(&mut self) {
        let outer = self.outer.take();
        let _ = ENTERED.try_with(|cell| cell.set(outer));
    }
}

/// Marks this thread as being inside a `block_on`, for backends that implement [`BlockOn`](crate::BlockOn).
#[must_use = "the mark lasts only while the guard lives"]
pub struct BlockOnGuard {
    _entered: EnterGuard,
    outer: Blocking,
}

impl BlockOnGuard {
    /// Marks the thread and enters `runtime`.
    ///
    /// # Errors
    ///
    /// [`AsyncTaskError::InvalidState`] inside a task's poll or inside another `block_on`. Inside blocking
    /// work it is allowed: that thread may be blocked.
    pub fn new<R: Runtime>(runtime: &R) -> Result<Self, AsyncTaskError> {
        let outer = BLOCKING.try_with(Cell::get).unwrap_or(Blocking::Unknown);
        match outer {
            Blocking::Allowed => {}
            Blocking::Inside => {
                return Err(AsyncTaskError::InvalidState(
                    "block_on inside block_on would stall the outer one: await the future instead",
                ));
            }
            Blocking::Unknown if is_in_task() => {
                return Err(AsyncTaskError::InvalidState(
                    "block_on inside a task would stall its executor: await the future, or move the call to \
                     spawn_blocking",
                ));
            }
            Blocking::Unknown => {}
        }
        swap_blocking(Blocking::Inside);
        Ok(Self { _entered: EnterGuard::new(runtime), outer })
    }
}

impl Drop for BlockOnGuard {
    fn drop(&mut self) {
        swap_blocking(self.outer);
    }
}

/// Runs `f` on the runtime that was entered on this thread, if one was.
fn with_entered<O>(f: impl FnOnce(&dyn ErasedRuntime) -> O) -> Option<O> {
    /// Puts the runtime back, also when `f` unwinds.
    struct PutBack(Option<Arc<dyn ErasedRuntime>>);
    impl Drop for PutBack {
        fn drop(&mut self) {
            let entered = self.0.take();
            let _ = ENTERED.try_with(|cell| cell.set(entered));
        }
    }
    let entered = PutBack(ENTERED.try_with(Cell::take).ok().flatten());
    entered.0.as_deref().map(f)
}

/// The runtime that this thread is working for.
pub struct CurrentRuntime(Source);

enum Source {
    Task(TaskRef),
    Entered(Arc<dyn ErasedRuntime>),
}

impl CurrentRuntime {
    /// The runtime of the task that is being polled here, or whose blocking work this is.
    pub fn of_task() -> Option<Self> {
        with_nearest(TaskRef::clone).map(|task| Self(Source::Task(task)))
    }

    /// True if this thread is working for a runtime.
    #[doc(hidden)]
    pub fn is_set() -> bool {
        with_nearest(|_| ()).or_else(|| with_entered(|_| ())).is_some()
    }

    /// The time by the clock of the runtime that this thread is working for; `None` where there is none.
    #[doc(hidden)]
    pub fn clock() -> Option<Instant> {
        with_nearest(|task| task.runtime.clock()).or_else(|| with_entered(|runtime| runtime.clock()))
    }

    /// The runtime that was entered on this thread, by `block_on` or an [`EnterGuard`].
    pub fn entered() -> Option<Self> {
        let peek = |cell: &Cell<Option<Arc<dyn ErasedRuntime>>>| {
            let entered = cell.take();
            cell.set(entered.clone());
            entered
        };
        ENTERED.try_with(peek).ok().flatten().map(|runtime| Self(Source::Entered(runtime)))
    }

    fn erased(&self) -> &dyn ErasedRuntime {
        match &self.0 {
            Source::Task(task) => &task.runtime,
            Source::Entered(runtime) => runtime.as_ref(),
        }
    }

    /// This runtime, if it is an `R`.
    // The conformance case `current_runtime::a_task_knows_its_backends_runtime_however_it_was_started` needs it:
    // a backend's own `AsyncTask` stays on the runtime of the task around it.
    pub fn downcast<R: Runtime>(&self) -> Option<R> {
        self.erased().itself().downcast_ref::<R>().cloned()
    }

    /// This runtime as one type that fits all; its futures and results are boxed.
    pub fn into_dyn(self) -> DynRuntime {
        match self.0 {
            Source::Task(task) => task.runtime.to_dyn(),
            Source::Entered(runtime) => runtime.to_dyn(),
        }
    }
}

/// The time by the clock of the runtime that this thread is working for. Where there is none, it is the
/// system's: no simulation runs there.
pub(crate) fn current_time() -> Instant {
    CurrentRuntime::clock().unwrap_or_else(Instant::now)
}
