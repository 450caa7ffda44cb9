//! Tokio's timer, without its panics.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::Sleep;

pin_project! {
    /// A Tokio timer. On a runtime that has shut down, where Tokio would panic, it is ready at once: nothing else
    /// there will ever be.
    pub struct TokioSleep {
        #[pin]
        timer: Option<Unconstrained<Sleep>>,
    }
}

impl TokioSleep {
    pub(crate) fn until(handle: &Handle, deadline: Instant) -> Self {
        let make = || {
            let _context = handle.enter();
            // Work that has used up its share of a poll must not keep its own deadline from being looked at.
            unconstrained(tokio::time::sleep_until(tokio::time::Instant::from_std(deadline)))
        };
        Self { timer: catch_unwind(AssertUnwindSafe(make)).ok() }
    }
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(timer) = this.timer.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        catch_unwind(AssertUnwindSafe(|| timer.poll(cx))).unwrap_or(Poll::Ready(()))
    }
}
