//! The task that the current thread is polling.
//!
//! A task's [`Frame`] is moved into a thread-local for the length of a poll and moved back after it, so a
//! poll touches no reference count and takes no lock.
//!
//! The frame of an in-place task may have no record yet. Most in-place tasks are over after their first poll,
//! and nothing has asked for them; a record is made for the others only ([`Unregistered`]). The first attempt
//! at the work of such a task has no frame of its own either: it shares that of its task ([`share_frame`]).

use std::any::Any;
use std::cell::Cell;
use std::panic::Location;
use std::sync::Arc;

use crate::tree::node::TaskRef;

thread_local! {
    static FRAME: Cell<Option<Frame>> = const { Cell::new(None) };
    static SPARE: Cell<Option<Box<Unregistered<dyn Register>>>> = const { Cell::new(None) };
}

/// The task that is being polled.
pub(crate) enum Frame {
    Registered(TaskRef),
    /// An in-place task that was not registered when its poll began.
    Unregistered(Box<Unregistered<dyn Register>>),
}

/// An in-place task that is registered when something asks for it.
pub(crate) struct Unregistered<Z: ?Sized> {
    /// The task, from its registration to the end of the poll in which that comes. While an attempt shares
    /// the frame, it is that of the attempt.
    task: Option<TaskRef>,
    /// The frame around it, for the length of a poll: the task in it is to be the parent.
    outer: Option<Frame>,
    /// The attempt that shares the frame.
    attempt: Option<Attempt>,
    /// The next spare box, while this one is spare.
    next: Option<Box<Unregistered<dyn Register>>>,
    /// The number of spare boxes after this one.
    spares: usize,
    request: Z,
}

/// An attempt of a task that is not registered, in the frame of that task: most attempts are over after their
/// first poll, and nothing has asked for them.
struct Attempt {
    /// The source location of the call of the builder, or of the last await of the library in the attempt.
    location: &'static Location<'static>,
    /// The task that it is an attempt of, once both are registered.
    whole: Option<TaskRef>,
}

/// A task, and its attempt that is under way.
pub(crate) struct WithAttempt {
    pub(crate) whole: TaskRef,
    pub(crate) attempt: TaskRef,
}

/// The request for the record of an in-place task.
pub(crate) trait Register: Any + Send {
    /// Registers the task below `parent`, as one whose poll is in progress; `None` if there is no runtime.
    fn register(&mut self, parent: Option<TaskRef>) -> Option<TaskRef>;

    /// As [`register`](Self::register), together with the attempt that is under way, whose last await was at
    /// `location`.
    fn register_with_attempt(
        &mut self,
        parent: Option<TaskRef>,
        location: &'static Location<'static>,
    ) -> Option<WithAttempt>;

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
const SPARES: usize = 16;

impl Unregistered<dyn Register> {
    /// Puts `request` into a box that an earlier one of its type has left on this thread, or into a new one.
    #[inline]
    pub(crate) fn boxed<Z: Register>(request: Z) -> Box<Self> {
        if let Some(mut spare) = take_spare()
            && let Some(last) = (&mut spare.request as &mut dyn Any).downcast_mut::<Z>()
        {
            *last = request;
            return spare;
        }
        Box::new(Unregistered { task: None, outer: None, attempt: None, next: None, spares: 0, request })
    }

    /// Leaves the box for a later request.
    pub(crate) fn spare(mut self: Box<Self>) {
        // What it holds of the user's is dropped now.
        self.request.clear();
        self.attempt = None;
        let _ = SPARE.try_with(|cell| {
            let next = cell.take();
            self.spares = next.as_ref().map_or(0, |next| next.spares + 1);
            if self.spares < SPARES {
                self.next = next;
                cell.set(Some(self));
            } else {
                cell.set(next);
            }
        });
    }

    /// The task, which is registered now if it was not: during its poll. `None` without a runtime.
    fn task(&mut self) -> Option<&TaskRef> {
        if self.task.is_none() {
            let parent = self.outer.as_mut().and_then(Frame::task).cloned();
            // The rule that finds the runtime may look for that of the task around, as it did at the begin.
            let mut around = parent.clone().map(Frame::Registered);
            in_frame(&mut around, || self.register_below(parent));
        }
        self.task.as_ref()
    }

    fn register_below(&mut self, parent: Option<TaskRef>) {
        self.task = match &mut self.attempt {
            None => self.request.register(parent),
            Some(own) => self.request.register_with_attempt(parent, own.location).map(
                |WithAttempt { whole, attempt }| {
                    own.whole = Some(whole);
                    attempt
                },
            ),
        };
    }
}

fn take_spare() -> Option<Box<Unregistered<dyn Register>>> {
    let take = |cell: &Cell<Option<Box<Unregistered<dyn Register>>>>| {
        let mut spare = cell.take()?;
        cell.set(spare.next.take());
        Some(spare)
    };
    SPARE.try_with(take).ok().flatten()
}

impl Frame {
    pub(crate) fn new(task: TaskRef) -> Self {
        Self::Registered(task)
    }

    pub(crate) fn unregistered(request: Box<Unregistered<dyn Register>>) -> Self {
        Self::Unregistered(request)
    }

    /// The task, if it is registered.
    pub(crate) fn registered(&self) -> Option<&TaskRef> {
        match self {
            Self::Registered(task) => Some(task),
            Self::Unregistered(own) => own.task.as_ref(),
        }
    }

    /// The task, for its end.
    pub(crate) fn into_registered(self) -> Option<TaskRef> {
        match self {
            Self::Registered(task) => Some(task),
            Self::Unregistered(mut own) => own.task.take(),
        }
    }

    /// The task of the current frame, which is registered now if it was not; `None` without a runtime.
    fn task(&mut self) -> Option<&TaskRef> {
        match self {
            Self::Registered(task) => Some(task),
            Self::Unregistered(own) => own.task(),
        }
    }

    /// The nearest task that is registered, of this one and those around it. It has the urgency of this one
    /// and, if `here`, also its runtime: where this one runs elsewhere it is registered for that.
    fn nearest(&mut self, here: bool) -> Option<&TaskRef> {
        let is_passed_over = match self {
            Self::Registered(_) => false,
            Self::Unregistered(own) => own.task.is_none() && (!here || own.request.follows_caller()),
        };
        if !is_passed_over {
            return self.task();
        }
        match self {
            Self::Registered(task) => Some(task),
            Self::Unregistered(own) => own.outer.as_mut()?.nearest(here),
        }
    }

    /// Registers the task after a poll of it, if it is not registered by now and there is a runtime.
    pub(crate) fn register(&mut self) {
        if let Self::Unregistered(own) = self
            && own.task.is_none()
        {
            // A panic at the begin of the attempt has left its mark.
            own.attempt = None;
            own.register_below(current_task());
        }
    }

    /// Takes the request of a task that is registered by now.
    pub(crate) fn take_request(&mut self) -> Option<Box<Unregistered<dyn Register>>> {
        let Self::Unregistered(own) = self else { return None };
        let task = own.task.take()?;
        match std::mem::replace(self, Self::Registered(task)) {
            Self::Unregistered(request) => Some(request),
            Self::Registered(_) => None,
        }
    }

    /// Takes the request of a task that is not registered, and need not be.
    pub(crate) fn into_unused_request(self) -> Result<Box<Unregistered<dyn Register>>, Self> {
        match self {
            Self::Unregistered(request) if request.task.is_none() => Ok(request),
            frame => Err(frame),
        }
    }

    /// Notes the source location of an await of the library, also for a record that is made later.
    fn note(&mut self, location: &'static Location<'static>) {
        match self {
            Self::Registered(task) => task.control.note(location),
            Self::Unregistered(own) => match (&own.task, &mut own.attempt) {
                (Some(task), _) => task.control.note(location),
                (None, Some(attempt)) => attempt.location = location,
                (None, None) => own.request.note(location),
            },
        }
    }

    /// The name that an unregistered task would have.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Registered(_) => None,
            Self::Unregistered(own) => own.request.name(),
        }
    }
}

/// Lets an attempt of the task that is polled here share the frame of that task, for the poll that follows.
/// False if the task is registered: the attempt then has a frame of its own.
pub(crate) fn share_frame(location: &'static Location<'static>) -> bool {
    let share = |frame: &mut Frame| match frame {
        Frame::Unregistered(own) if own.task.is_none() => {
            own.attempt = Some(Attempt { location, whole: None });
            true
        }
        _ => false,
    };
    with_frame(share) == Some(true)
}

/// Ends the sharing after the poll. Returns the source location of the last await of the library in the
/// attempt, and its task, if that is registered by now.
pub(crate) fn unshare_frame() -> Option<(&'static Location<'static>, Option<WithAttempt>)> {
    let unshare = |frame: &mut Frame| {
        let Frame::Unregistered(own) = frame else { return None };
        let Attempt { location, whole } = own.attempt.take()?;
        let registered = whole.and_then(|whole| {
            let attempt = own.task.replace(whole.clone())?;
            Some(WithAttempt { whole, attempt })
        });
        Some((location, registered))
    };
    with_frame(unshare).flatten()
}

/// Runs `f` with the frame in `slot` as the current one, and puts it back, also when `f` unwinds.
pub(crate) fn in_frame<O>(slot: &mut Option<Frame>, f: impl FnOnce() -> O) -> O {
    struct Restore<'a> {
        slot: &'a mut Option<Frame>,
        outer: Option<Frame>,
    }
    impl Drop for Restore<'_> {
        #[inline]
        fn drop(&mut self) {
            let outer = self.outer.take();
            // On a thread whose thread-locals are destroyed, the frame was never put in, and is still in its
            // slot.
            let _ = FRAME.try_with(|cell| {
                let mut frame = cell.take();
                cell.set(match &mut frame {
                    Some(Frame::Unregistered(own)) => own.outer.take(),
                    _ => outer,
                });
                *self.slot = frame;
            });
        }
    }
    let enter = |cell: &Cell<Option<Frame>>| {
        let mut frame = slot.take();
        match &mut frame {
            Some(Frame::Unregistered(own)) => {
                own.outer = cell.take();
                cell.set(frame);
                None
            }
            _ => cell.replace(frame),
        }
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
        #[inline]
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
