//! A timer on the virtual clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::clock::Moment;
use crate::executor::Executor;
use crate::schedule::{Alarm, Event};

/// A timer on the virtual clock. It is ready at once when the simulation has ended.
pub struct SimSleep {
    executor: Arc<Executor>,
    /// `None` for a moment that the clock cannot count.
    at: Option<Moment>,
    set: Option<(Alarm, Waker)>,
}

impl SimSleep {
    pub(crate) fn until(executor: Arc<Executor>, at: Option<Moment>) -> Self {
        Self { executor, at, set: None }
    }
}

impl Future for SimSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.executor.has_ended() {
            return Poll::Ready(());
        }
        let Some(at) = this.at else { return Poll::Pending };
        if this.executor.clock.moment() >= at {
            // It has fired, or is about to.
            this.set = None;
            return Poll::Ready(());
        }
        let alarm = match &this.set {
            Some((_, waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
            Some((alarm, _)) => *alarm,
            None => Alarm { at, number: this.executor.next_number() },
        };
        this.set = Some((alarm, cx.waker().clone()));
        // If it is refused, the simulation has ended; if it is taken, the timer fires at its time or at the
        // end.
        match this.executor.send(Event::TimerSet(alarm, cx.waker().clone())) {
            Ok(()) => Poll::Pending,
            Err(_) => Poll::Ready(()),
        }
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        if let Some((alarm, _)) = self.set.take() {
            let _ = self.executor.send(Event::TimerDropped(alarm));
        }
    }
}
