//! The state of the current thread: the task that is being polled, and the runtime that was entered.
//!
//! A task's [`Frame`] is moved into a thread-local for the length of a poll and moved back after it, so a
//! poll touches no reference count and takes no lock.
//!
//! The frame of an in-place task may have no record yet. Most in-place tasks are over after their first poll,
//! and nothing has asked for them; a record is made for the others only ([`Unregistered`]).

use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use crate::error::AsyncTaskError;
use crate::runtime::Runtime;
use crate::runtime::erased::{DynRuntime, ErasedRuntime};
use crate::tree::node::TaskRef;
use crate::tree::root::RootScope;

thread_local! {
    static FRAME: Cell<Option<Frame>> = const { Cell::new(None) };
    static SPARES: Cell<Vec<Box<Unregistered<dyn Register>>>> = const { Cell::new(Vec::new()) };
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

/// The task that is being polled.
pub(crate) struct Frame {
    /// `None` before it is registered.
    task: Option<TaskRef>,
    /// Kept until the end of the poll in which the task is registered.
    unregistered: Option<Box<Unregistered<dyn Register>>>,
}

/// An in-place task that is not registered yet.
pub(crate) struct Unregistered<Z: ?Sized> {
    /// The frame around it, for the length of a poll: the task in it is to be the parent.
    outer: Option<Frame>,
    request: Z,
}

/// The request for the record of an in-place task.
pub(crate) trait Register: Any + Send {
    /// Registers the task below `parent`, as one whose poll is in progress; `None` if there is no runtime.
    fn register(&mut self, parent: Option<TaskRef>) -> Option<TaskRef>;

    /// True if the task runs where its caller does: its runtime is that of the task around it.
    fn follows_caller(&self) -> bool;

    /// The name that the task will have.
    fn name(&self) -> Option<&Arc<str>>;

    /// Notes the source location of an await of the library.
    fn note(&mut self, location: &'static Location<'static>);

    /// Drops what it holds.
    fn clear(&mut self);
}

/// The most boxes that a thread keeps for requests: as many as in-place tasks are usually nested, and more.
const SPARE: usize = 16;

impl Unregistered<dyn Register> {
    /// Puts `request` into a box that an earlier one of its type has left on this thread, or into a new one.
    pub(crate) fn boxed<Z: Register>(request: Z) -> Box<Self> {
        let spare = SPARES.try_with(|cell| {
            let mut spares = cell.take();
            let spare = spares.pop();
            cell.set(spares);
            spare
        });
        match spare {
            Ok(Some(mut spare)) => match (&mut spare.request as &mut dyn Any).downcast_mut::<Z>() {
                Some(last) => {
                    *last = request;
                    spare
                }
                None => Box::new(Unregistered { outer: None, request }),
            },
            _ => Box::new(Unregistered { outer: None, request }),
        }
    }

    /// Leaves the box for a later request.
    pub(crate) fn spare(mut self: Box<Self>) {
        // What it holds of the user's is dropped now.
        self.request.clear();
        let _ = SPARES.try_with(|cell| {
            let mut spares = cell.take();
            if spares.len() < SPARE {
                spares.push(self);
            }
            cell.set(spares);
        });
    }
}

impl Frame {
    pub(crate) fn new(task: TaskRef) -> Self {
        Self { task: Some(task), unregistered: None }
    }

    pub(crate) fn unregistered(request: Box<Unregistered<dyn Register>>) -> Self {
        Self { task: None, unregistered: Some(request) }
    }

    /// The task, if it is registered.
    pub(crate) fn registered(&self) -> Option<&TaskRef> {
        self.task.as_ref()
    }

    /// The task, for its end.
    pub(crate) fn into_registered(self) -> Option<TaskRef> {
        self.task
    }

    /// The task of the current frame, which is registered now if it was not; `None` without a runtime.
    fn task(&mut self) -> Option<&TaskRef> {
        if self.task.is_none()
            && let Some(Unregistered { outer, request }) = self.unregistered.as_deref_mut()
        {
            let parent = outer.as_mut().and_then(Frame::task).cloned();
            // The rule that finds the runtime may look for that of the task around, as it did at the begin.
            let mut around = parent.clone().map(Frame::new);
            self.task = in_frame(&mut around, || request.register(parent));
        }
        self.task.as_ref()
    }

    /// The nearest task that is registered, of this one and those around it. It has the runtime and the
    /// urgency of this one, unless this one runs elsewhere: then it is registered now.
    fn nearest(&mut self) -> Option<&TaskRef> {
        let follows = |request: &Box<Unregistered<dyn Register>>| request.request.follows_caller();
        if self.task.is_none() && self.unregistered.as_ref().is_some_and(follows) {
            return self.unregistered.as_deref_mut()?.outer.as_mut()?.nearest();
        }
        self.task()
    }

    /// Registers the task after a poll of it, if it is not registered by now and there is a runtime.
    pub(crate) fn register(&mut self) {
        if let (None, Some(unregistered)) = (&self.task, self.unregistered.as_deref_mut()) {
            self.task = unregistered.request.register(current_task());
        }
    }

    /// Takes the request of a task that is registered by now.
    pub(crate) fn take_request(&mut self) -> Option<Box<Unregistered<dyn Register>>> {
        self.unregistered.take_if(|_| self.task.is_some())
    }

    /// Takes the request of a task that is not registered, and need not be.
    pub(crate) fn take_unused_request(&mut self) -> Option<Box<Unregistered<dyn Register>>> {
        self.unregistered.take_if(|_| self.task.is_none())
    }

    /// Notes the source location of an await of the library, also for a record that is made later.
    fn note(&mut self, location: &'static Location<'static>) {
        match (&self.task, &mut self.unregistered) {
            (Some(task), _) => task.control.note(location),
            (None, Some(unregistered)) => unregistered.request.note(location),
            (None, None) => {}
        }
    }

    /// The name that an unregistered task would have.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        self.unregistered.as_ref()?.request.name()
    }
}

/// Runs `f` with the frame in `slot` as the current one, and puts it back, also when `f` unwinds.
pub(crate) fn in_frame<O>(slot: &mut Option<Frame>, f: impl FnOnce() -> O) -> O {
    struct Restore<'a> {
        slot: &'a mut Option<Frame>,
        outer: Option<Frame>,
    }
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            let outer = self.outer.take();
            // On a thread whose thread-locals are destroyed, the frame was never put in, and is still in its
            // slot.
            let _ = FRAME.try_with(|cell| {
                let mut frame = cell.take();
                let kept = frame.as_mut().and_then(|frame| frame.unregistered.as_mut());
                cell.set(kept.map_or(outer, |unregistered| unregistered.outer.take()));
                *self.slot = frame;
            });
        }
    }
    let enter = |cell: &Cell<Option<Frame>>| {
        let (mut frame, mut outer) = (slot.take(), cell.take());
        if let Some(unregistered) = frame.as_mut().and_then(|frame| frame.unregistered.as_mut()) {
            unregistered.outer = outer.take();
        }
        cell.set(frame);
        outer
    };
    let outer = FRAME.try_with(enter).unwrap_or(None);
    let restore = Restore { slot, outer };
    let output = f();
    drop(restore);
    output
}

/// Runs `f` on the task that is being polled here, if there is one, which is registered for that.
pub(crate) fn with_task<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame| frame.task().map(f)).flatten()
}

/// Runs `f` on the nearest registered task that has the runtime and the urgency of the task that is being
/// polled here.
pub(crate) fn with_nearest<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame| frame.nearest().map(f)).flatten()
}

/// Runs `f` on the task that is being polled here, if it is registered.
pub(crate) fn with_registered<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame| frame.registered().map(f)).flatten()
}

/// Runs `f` on the current frame, if there is one.
fn with_frame<O>(f: impl FnOnce(&mut Frame) -> O) -> Option<O> {
    /// Puts the frame back, also when `f` unwinds.
    struct PutBack(Option<Frame>);
    impl Drop for PutBack {
        fn drop(&mut self) {
            let frame = self.0.take();
            let _ = FRAME.try_with(|cell| cell.set(frame));
        }
    }
    let mut current = PutBack(FRAME.try_with(Cell::take).ok().flatten());
    let frame = current.0.as_mut()?;
    Some(f(frame))
}

/// The task that is being polled here, or whose blocking work this is.
pub fn current_task() -> Option<TaskRef> {
    with_task(TaskRef::clone)
}

/// Notes the source location of an await of the library, for reports of tasks that are stuck.
pub(crate) fn note(location: &'static Location<'static>) {
    with_frame(|frame| frame.note(location));
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
            Blocking::Unknown if with_frame(|_| ()).is_some() => {
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

    /// The time by the clock of the runtime that this thread is working for; `None` where there is none.
    #[doc(hidden)]
    pub fn clock() -> Option<Instant> {
        let of_entered = |cell: &Cell<Option<Arc<dyn ErasedRuntime>>>| {
            let entered = cell.take();
            let now = entered.as_ref().map(|runtime| runtime.clock());
            cell.set(entered);
            now
        };
        with_nearest(|task| task.runtime.clock()).or_else(|| ENTERED.try_with(of_entered).ok().flatten())
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
