//! What a task does beside its work: keeps its deadline, and answers a cancellation.
//!
//! Made for a task that has a deadline or was asked to stop gracefully; the others never have one.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::Runtime;
use crate::time::Sleep;
use crate::tree::callbacks::{Callback, Kind};
use crate::tree::children::{cancel, pass_on};
use crate::tree::current::{Frame, in_frame};
use crate::tree::node::TaskRef;
use crate::tree::span::within;
use crate::tree::state::ORCHESTRAL;
use crate::vocabulary::cancel::{CancelCause, CancelLevel};

/// How long a task has after a graceful cancellation, where nobody has said otherwise: as long as a worker of an
/// Erlang/OTP supervisor.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(5);

/// What is to become of the task.
pub(crate) enum Verdict {
    /// It goes on; the waker is registered for what may change that.
    Wait,
    /// It was killed, or its grace period is over.
    Killed,
    /// Its deadline has passed.
    Overdue,
    /// Its timers have ended, and so its runtime has.
    Shutdown,
}

pin_project! {
    pub(crate) struct Grace<R: Runtime> {
        runtime: R,
        #[pin]
        timer: Option<Sleep<R>>,
        armed_for: Option<Instant>,
        // When the graceful cancellation was seen, and whether the children know.
        asked_at: Option<Instant>,
        passed_on: bool,
        // The last registered is at the end, and runs first.
        callbacks: Vec<Callback>,
        running: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        panic: Option<AsyncTaskError>,
    }
}

impl<R: Runtime> Grace<R> {
    pub(crate) fn new(runtime: R) -> Pin<Box<Self>> {
        Box::pin(Self {
            runtime,
            timer: None,
            armed_for: None,
            asked_at: None,
            passed_on: false,
            callbacks: Vec::new(),
            running: None,
            panic: None,
        })
    }

    /// Looks at cancellation and clock, in this order. `slot` holds the task's frame.
    pub(crate) fn tend(self: Pin<&mut Self>, slot: &mut Option<Frame>, cx: &mut Context<'_>) -> Verdict {
        let mut this = self.project();
        let Some(task) = slot.as_ref().map(|frame| frame.task.clone()) else { return Verdict::Wait };
        let control = &task.control;
        loop {
            if control.is_killed() {
                return Verdict::Killed;
            }
            let (shielded, now) = (control.is_shielded(), this.runtime.now());
            let mut next = None;
            if let Some((CancelLevel::Graceful, cause)) = control.asked() {
                let since = *this.asked_at.get_or_insert(now);
                // Not all are told within a shielded region, and what is born in it is told after it.
                *this.passed_on &= !shielded;
                if !*this.passed_on {
                    *this.passed_on = !shielded;
                    pass_on(&task, CancelLevel::Graceful, cause.passed_on());
                }
                let polled = call_back(&task, this.callbacks, this.running, slot, cx);
                if let Err(panic) = polled {
                    this.panic.get_or_insert(panic);
                }
                next = grace_ends(&task, cause, since);
                if next.is_some_and(|end| now >= end) {
                    cancel(&task, CancelLevel::Kill, cause);
                    // In a shielded region it goes on; its end looks again.
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
                this.timer.set(next.map(|at| Sleep::silent(this.runtime, Some(at))));
            }
            match this.timer.as_mut().as_pin_mut().map(|timer| timer.poll(cx)) {
                None | Some(Poll::Pending) => return Verdict::Wait,
                Some(Poll::Ready(Err(_))) => return Verdict::Shutdown,
                Some(Poll::Ready(Ok(()))) => {
                    *this.armed_for = None;
                    this.timer.set(None);
                }
            }
        }
    }

    /// True if a callback is under way.
    pub(crate) fn calls_back(&self) -> bool {
        self.running.is_some()
    }

    /// Drops the callbacks that have not ended. To be called in the task's frame.
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

/// When the grace period of a task is over that was asked at `since`. One that was only told what another was asked, or a
/// shutdown, is killed with the others; unless it has a grace period of its own. Each task of an orchestra has one, since
/// that waits for each of them.
fn grace_ends(task: &TaskRef, cause: CancelCause, since: Instant) -> Option<Instant> {
    let grace = match (task.control.grace(), cause) {
        (Some(grace), _) => grace,
        (None, CancelCause::Requested) => DEFAULT_GRACE,
        (None, CancelCause::ParentCancelled) if is_of_one_asked(task) => DEFAULT_GRACE,
        (None, _) => return None,
    };
    since.checked_add(grace)
}

/// True for a task of an orchestra that was itself asked to stop, and was not only told what another was asked.
fn is_of_one_asked(task: &TaskRef) -> bool {
    if !task.control.state().has(ORCHESTRAL) {
        return false;
    }
    let mut above = task.parent();
    // In place are the parts of the orchestra's own task.
    while let Some(part) = above.take_if(|above| above.control.is_in_place()) {
        above = part.parent();
    }
    let asked = above.and_then(|orchestra| orchestra.control.asked());
    matches!(asked, Some((_, CancelCause::Requested)))
}

/// Runs callbacks, the last registered first, each to its end before the next. Returns when none is left, or one waits.
fn call_back(
    task: &TaskRef,
    callbacks: &mut Vec<Callback>,
    running: &mut Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    slot: &mut Option<Frame>,
    cx: &mut Context<'_>,
) -> Result<(), AsyncTaskError> {
    let span = task.control.span();
    let mut result = Ok(());
    let mut run =
        |f: &mut dyn FnMut() -> Poll<()>| match in_frame(slot, || within(span.as_deref(), || caught(f))) {
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
