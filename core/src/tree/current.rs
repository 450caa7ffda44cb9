//! The task that the current thread is polling.
//!
//! A task's [`Frame`] is referred to by a thread-local for the length of a poll, so a poll moves nothing,
//! touches no reference count and takes no lock. Polls nest, and so do frames: a thread has one reference for
//! each depth.
//!
//! The frame of an in-place task may have no record yet. Most in-place tasks are over after their first poll,
//! and nothing has asked for them; a record is made for the others only. The first attempt at the work of such
//! a task has no frame of its own either: it shares that of its task ([`share_frame`]).

use std::cell::Cell;
use std::panic::Location;

use scoped_tls_hkt::{ScopedKey, scoped_thread_local};

use crate::tree::node::TaskRef;

/// A task that is being polled.
pub(crate) trait Frame {
    /// The task, if it is registered. While an attempt shares the frame, it is that of the attempt.
    fn registered(&self) -> Option<&TaskRef>;

    /// Registers the task below `parent`, if there is a runtime and it is not registered by now.
    fn register(&self, parent: Option<TaskRef>);

    /// True if the task runs where its caller does: its runtime is that of the task around it.
    fn follows_caller(&self) -> bool;

    /// Notes the source location of an await of the library, also for a record that is made later.
    fn note(&self, location: &'static Location<'static>);

    /// See [`share_frame`].
    fn share(&self, location: &'static Location<'static>) -> bool;

    /// See [`unshare_frame`].
    fn unshare(&self) -> Option<(&'static Location<'static>, Option<WithAttempt>)>;
}

/// A task, and its attempt that is under way.
pub(crate) struct WithAttempt {
    pub(crate) whole: TaskRef,
    pub(crate) attempt: TaskRef,
}

impl Frame for TaskRef {
    fn registered(&self) -> Option<&TaskRef> {
        Some(self)
    }

    fn register(&self, _: Option<TaskRef>) {}

    fn follows_caller(&self) -> bool {
        false
    }

    fn note(&self, location: &'static Location<'static>) {
        self.control.note(location);
    }

    fn share(&self, _: &'static Location<'static>) -> bool {
        false
    }

    fn unshare(&self) -> Option<(&'static Location<'static>, Option<WithAttempt>)> {
        None
    }
}

thread_local! {
    /// The number of frames that the thread is in.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

macro_rules! frames {
    ($($name:ident)*) => {
        $(scoped_thread_local!(static $name: dyn Frame);)*

        /// The frames that the thread is in, the outermost first. A frame knows nothing of the one around it,
        /// which lives shorter than a key's type could say.
        static FRAMES: &[&ScopedKey<dyn Frame>] = &[$(&$name),*];
    };
}

frames!(FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH);

/// A depth for a while: the one before comes back at the drop.
struct AtDepth(usize);

impl AtDepth {
    fn set(depth: usize) -> Self {
        Self(DEPTH.replace(depth))
    }
}

impl Drop for AtDepth {
    fn drop(&mut self) {
        DEPTH.set(self.0);
    }
}

/// True if a task that is not registered can have a frame here. At the greatest depth a frame hides the one
/// before it, which an unregistered task would need.
pub(crate) fn has_room() -> bool {
    DEPTH.get() < FRAMES.len()
}

/// Runs `f` with `frame` as the current one: that of a registered task, or where there is room.
pub(crate) fn in_frame<O>(frame: &(dyn Frame + 'static), f: impl FnOnce() -> O) -> O {
    let index = DEPTH.get().min(FRAMES.len() - 1);
    let Some(key) = FRAMES.get(index) else { return f() };
    key.set(frame, || {
        let _inside = AtDepth::set(index + 1);
        f()
    })
}

/// Runs `f` as if no task were polled here.
pub(crate) fn outside<O>(f: impl FnOnce() -> O) -> O {
    let _outside = AtDepth::set(0);
    f()
}

/// Runs `f` on the current frame and its depth, if there is one.
fn with_frame<O>(f: impl FnOnce(&dyn Frame, usize) -> O) -> Option<O> {
    at_depth(DEPTH.get(), f)
}

fn at_depth<O>(depth: usize, f: impl FnOnce(&dyn Frame, usize) -> O) -> Option<O> {
    let key = FRAMES.get(depth.checked_sub(1)?)?;
    Some(key.with(|frame| f(frame, depth)))
}

/// The task of the frame at `depth`, which is registered now if it was not; `None` without a runtime.
fn task(frame: &dyn Frame, depth: usize) -> Option<&TaskRef> {
    if frame.registered().is_none() {
        // Outside of its frame: the rule that finds the runtime may look for that of the task around, as it did
        // at the begin.
        let _around = AtDepth::set(depth - 1);
        frame.register(current_task());
    }
    frame.registered()
}

/// Runs `f` on the task that is being polled here, if there is one, which is registered for that.
pub(crate) fn with_task<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame, depth| task(frame, depth).map(f)).flatten()
}

/// Runs `f` on the nearest registered task that has the runtime of the task that is being polled here.
pub(crate) fn with_nearest<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    nearest(true, f)
}

/// Runs `f` on the nearest registered task that has the urgency of the task that is being polled here.
pub(crate) fn with_urgent<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    nearest(false, f)
}

/// Runs `f` on the nearest task that is registered, of the current one and those around it. It has the urgency
/// of the current one and, if `here`, also its runtime: where that runs elsewhere it is registered for that.
fn nearest<O>(here: bool, f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    let mut at = DEPTH.get();
    let is_passed_over =
        |frame: &dyn Frame, _| frame.registered().is_none() && (!here || frame.follows_caller());
    while at_depth(at, is_passed_over)? {
        at -= 1;
    }
    at_depth(at, |frame, depth| task(frame, depth).map(f)).flatten()
}

/// Runs `f` on the task that is being polled here, if it is registered.
pub(crate) fn with_registered<O>(f: impl FnOnce(&TaskRef) -> O) -> Option<O> {
    with_frame(|frame, _| frame.registered().map(f)).flatten()
}

/// Lets an attempt of the task that is polled here share the frame of that task, for the poll that follows.
/// False if the task is registered: the attempt then has a frame of its own.
pub(crate) fn share_frame(location: &'static Location<'static>) -> bool {
    with_frame(|frame, _| frame.share(location)) == Some(true)
}

/// Ends the sharing after the poll. Returns the source location of the last await of the library in the
/// attempt, and its task, if that is registered by now.
pub(crate) fn unshare_frame() -> Option<(&'static Location<'static>, Option<WithAttempt>)> {
    with_frame(|frame, _| frame.unshare()).flatten()
}

/// True inside the poll of a task, and inside its blocking work.
pub(crate) fn is_in_task() -> bool {
    DEPTH.get() > 0
}

/// The task that is being polled here, or whose blocking work this is.
pub fn current_task() -> Option<TaskRef> {
    with_task(TaskRef::clone)
}

/// Notes the source location of an await of the library, for reports of tasks that are stuck.
pub(crate) fn note(location: &'static Location<'static>) {
    with_frame(|frame, _| frame.note(location));
}
