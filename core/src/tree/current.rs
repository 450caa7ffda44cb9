//! The task that the current thread is polling.
//!
//! A task's [`Frame`] is moved into a thread-local for the length of a poll and moved back after it, so a
//! poll touches no reference count and takes no lock.
//!
//! The frame of an in-place task may have no record yet. Most in-place tasks are over after their first poll,
//! and nothing has asked for them; a record is made for the others only ([`Unregistered`]).

use std::any::Any;
use std::cell::Cell;
use std::panic::Location;
use std::sync::Arc;

use crate::tree::node::TaskRef;

thread_local! {
    static FRAME: Cell<Option<Frame>> = const { Cell::new(None) };
    static SPARES: Cell<Vec<Box<Unregistered<dyn Register>>>> = const { Cell::new(Vec::new()) };
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

    /// The nearest task that is registered, of this one and those around it. It has the urgency of this one
    /// and, if `here`, also its runtime: where this one runs elsewhere it is registered for that.
    fn nearest(&mut self, here: bool) -> Option<&TaskRef> {
        let may_skip = |request: &Unregistered<dyn Register>| !here || request.request.follows_caller();
        if self.task.is_none() && self.unregistered.as_deref().is_some_and(may_skip) {
            return self.unregistered.as_deref_mut()?.outer.as_mut()?.nearest(here);
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

/// Runs `f` on the nearest registered task that has the runtime of the task that is being polled here.
pub(crate) fn with_nearest<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame| frame.nearest(true).map(f)).flatten()
}

/// Runs `f` on the nearest registered task that has the urgency of the task that is being polled here.
pub(crate) fn with_urgent<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame| frame.nearest(false).map(f)).flatten()
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

/// True inside the poll of a task, and inside its blocking work.
pub(crate) fn is_in_task() -> bool {
    with_frame(|_| ()).is_some()
}

/// The task that is being polled here, or whose blocking work this is.
pub fn current_task() -> Option<TaskRef> {
    with_task(TaskRef::clone)
}

/// Notes the source location of an await of the library, for reports of tasks that are stuck.
pub(crate) fn note(location: &'static Location<'static>) {
    with_frame(|frame| frame.note(location));
}
