//! The part of a task beside its work: it keeps the deadline and the grace period, passes a cancellation on,
//! and runs the callbacks.
//!
//! Made for a task that has a deadline or is cancelled; other tasks never have one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::Runtime;
use crate::task::work::body::as_part_of;
use crate::time::Sleep;
use crate::tree::children::{cancel, pass_on};
use crate::tree::extras::callbacks::{Callback, Kind};
use crate::tree::node::TaskRef;
use crate::tree::state::ORCHESTRAL;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// The default grace period: that of a worker of an Erlang/OTP supervisor.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// The result of a check of cancellation and clock.
pub(crate) enum Verdict {
    /// It goes on; its waker is registered for the next change.
    Wait,
    /// It was killed, or its grace period is over.
    Killed,
    /// Its deadline has passed.
    Overdue,
    /// Its timers have ended, and so its runtime has.
    Shutdown,
}

/// A timer that can be set again, on a runtime whose type its owner does not know.
pub(crate) trait Timer: Send {
    fn now(&self) -> Instant;
    /// Sets the timer for `at`, or turns it off.
    fn set(self: Pin<&mut Self>, at: Option<Instant>);
    /// Ready at the time, or with an error if the runtime has ended; pending while the timer is off.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>>;
}

pin_project! {
    pub(crate) struct TimerOf<R: Runtime> {
        runtime: R,
        #[pin]
        sleep: Option<Sleep<R>>,
    }
}

impl<R: Runtime> Timer for TimerOf<R> {
    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn set(self: Pin<&mut Self>, at: Option<Instant>) {
        let mut this = self.project();
        this.sleep.set(at.map(|at| Sleep::silent(this.runtime, Some(at))));
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        self.project().sleep.as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(cx))
    }
}

/// The function that makes the [`Grace`] of a task, for runtimes of one type.
pub(crate) type MakeGrace = fn(&TaskRef) -> Option<Pin<Box<Grace<dyn Timer>>>>;

/// Makes the [`Grace`] of a task of an `R`; `None` for a task of another runtime.
pub(crate) fn make_grace<R: Runtime>(task: &TaskRef) -> Option<Pin<Box<Grace<dyn Timer>>>> {
    let runtime = task.runtime.own().downcast_ref::<R>()?.clone();
    Some(Grace::new(TimerOf { runtime, sleep: None }))
}

pin_project! {
    pub(crate) struct Grace<Z: ?Sized> {
        armed_for: Option<Instant>,
        // The time at which the graceful cancellation was seen. `passed_on` is true once it was passed on to
        // all children.
        asked_at: Option<Instant>,
        passed_on: bool,
        // The last registered is at the end, and runs first.
        callbacks: Vec<Callback>,
        running: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        panic: Option<AsyncTaskError>,
        #[pin]
        timer: Z,
    }
}

impl<Z> Grace<Z> {
    fn new(timer: Z) -> Pin<Box<Self>> {
        Box::pin(Self {
            timer,
            armed_for: None,
            asked_at: None,
            passed_on: false,
            callbacks: Vec::new(),
            running: None,
            panic: None,
        })
    }
}

impl Grace<dyn Timer> {
    /// Checks the cancellation of `task` and then the clock.
    pub(crate) fn check(self: Pin<&mut Self>, task: &TaskRef, cx: &mut Context<'_>) -> Verdict {
        let mut this = self.project();
        let control = &task.control;
        loop {
            if control.is_killed() {
                return Verdict::Killed;
            }
            let (shielded, now) = (control.is_shielded(), this.timer.now());
            let mut next = None;
            if let Some((CancelLevel::Graceful, cause)) = control.asked() {
                let since = *this.asked_at.get_or_insert(now);
                // Within a shielded region the request does not reach all children, nor those that are
                // spawned in it: it is passed on again after the region.
                *this.passed_on &= !shielded;
                if !*this.passed_on {
                    *this.passed_on = !shielded;
                    pass_on(task, CancelLevel::Graceful, cause.passed_on());
                }
                let polled = run_callbacks(task, this.callbacks, this.running, cx);
                if let Err(panic) = polled {
                    this.panic.get_or_insert(panic);
                }
                next = grace_ends(task, cause, since);
                if next.is_some_and(|end| now >= end) {
                    cancel(task, CancelLevel::Kill, cause);
                    // In a shielded region the task goes on; the end of the region wakes it for another
                    // check.
                    next = None;
                    if !shielded {
                        continue;
                    }
                }
            }
            if let Some(deadline) = control.own_deadline()
                && !control.is_limit_released()
            {
                match (now >= deadline, shielded) {
                    (true, false) => return Verdict::Overdue,
                    (true, true) => {}
                    (false, _) => next = next.into_iter().chain([deadline]).min(),
                }
            }
            if *this.armed_for != next {
                *this.armed_for = next;
                this.timer.as_mut().set(next);
            }
            match this.timer.as_mut().poll(cx) {
                Poll::Pending => return Verdict::Wait,
                Poll::Ready(Err(_)) => return Verdict::Shutdown,
                Poll::Ready(Ok(())) => {
                    *this.armed_for = None;
                    this.timer.as_mut().set(None);
                }
            }
        }
    }

    /// True if a callback is under way.
    pub(crate) fn runs_callback(&self) -> bool {
        self.running.is_some()
    }

    /// Drops the callbacks that have not ended. It must be called in the task's frame.
    pub(crate) fn drop_callbacks(self: Pin<&mut Self>) {
        let this = self.project();
        let (running, callbacks) = (this.running.take(), std::mem::take(this.callbacks));
        if let Err(panic) = caught(|| drop((running, callbacks))) {
            this.panic.get_or_insert(panic);
        }
    }

    /// The first panic of a callback.
    pub(crate) fn take_panic(self: Pin<&mut Self>) -> Option<AsyncTaskError> {
        self.project().panic.take()
    }
}

/// The end of the grace period of a task that has seen its cancellation at `since`; `None` if it has none. A
/// task to which the cancellation was passed on, or that is cancelled by a shutdown, has none and is killed
/// with the others, unless a grace period was set for it. Each task of a cancelled orchestra has one, since
/// the orchestra waits for each of them.
fn grace_ends(task: &TaskRef, cause: CancelCause, since: Instant) -> Option<Instant> {
    let grace = match (task.control.grace(), cause) {
        (Some(grace), _) => grace,
        (None, CancelCause::Requested | CancelCause::ScopeEnded) => DEFAULT_GRACE,
        (None, CancelCause::ParentCancelled) if is_of_cancelled_orchestra(task) => DEFAULT_GRACE,
        (None, _) => return None,
    };
    since.checked_add(grace)
}

/// True for a task of an orchestra whose own cancellation was requested, and not only passed on to it.
fn is_of_cancelled_orchestra(task: &TaskRef) -> bool {
    if !task.control.state().has(ORCHESTRAL) {
        return false;
    }
    let mut above = task.parent();
    // The in-place tasks in between are parts of the orchestra's own task.
    while let Some(part) = above.take_if(|above| above.control.is_in_place()) {
        above = part.parent();
    }
    let asked = above.and_then(|orchestra| orchestra.control.asked());
    matches!(asked, Some((_, CancelCause::Requested)))
}

/// Runs callbacks, the last registered first, each to its end before the next. Returns when none is left or
/// one is pending, with the first panic.
fn run_callbacks(
    task: &TaskRef,
    callbacks: &mut Vec<Callback>,
    running: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    cx: &mut Context<'_>,
) -> Result<(), AsyncTaskError> {
    let mut result = Ok(());
    let mut run = |f: &mut dyn FnMut() -> Poll<()>| match as_part_of(task, || caught(f)) {
        Ok(polled) => polled,
        Err(panic) => {
            if result.is_ok() {
                result = Err(panic);
            }
            Poll::Ready(())
        }
    };
    loop {
        if let Some(future) = running {
            if run(&mut || future.as_mut().poll(cx)).is_pending() {
                break;
            }
            let mut ended = running.take();
            let _ = run(&mut || {
                drop(ended.take());
                Poll::Ready(())
            });
        }
        while let Some(callback) = task.control.pop_callback() {
            callbacks.push(callback);
        }
        match callbacks.pop().map(|callback| callback.0) {
            None => break,
            Some(Kind::Now(f)) => {
                let mut f = Some(f);
                let _ = run(&mut || {
                    if let Some(f) = f.take() {
                        f();
                    }
                    Poll::Ready(())
                });
            }
            Some(Kind::Later(f)) => {
                let mut f = Some(f);
                let _ = run(&mut || {
                    *running = f.take().map(|f| f());
                    Poll::Ready(())
                });
            }
        }
    }
    result
}
