//! Tokio's timer, without its panics.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::coop::{Unconstrained, unconstrained};
use tokio::time::Sleep;

pin_project! {
    /// A Tokio timer. On a runtime that has shut down, where Tokio would panic, it is ready at once: nothing
    /// else would ever happen there.
    pub struct TokioSleep {
        // `None` where it is ready.
        #[pin]
        timer: Option<Unconstrained<Sleep>>,
    }
}

/// A margin for deadlines: Tokio rounds them up, and panics where its clock cannot count the result.
const ROUNDING: Duration = Duration::from_secs(1);

impl TokioSleep {
    pub(crate) fn until(handle: &Handle, deadline: Instant) -> Self {
        let room = deadline.checked_add(ROUNDING).is_some();
        // At the end of what can be counted, a second less is as far away.
        let deadline = if room { Some(deadline) } else { deadline.checked_sub(ROUNDING) };
        let deadline = deadline.unwrap_or_else(Instant::now);
        let make = || {
            let _context = handle.enter();
            // Tokio rounds up to its next millisecond, and would wait for that.
            if deadline <= tokio::time::Instant::now().into_std() {
                return None;
            }
            // Not under Tokio's cooperative budget: work that has used up its share of a poll must still see
            // its own deadline.
            Some(unconstrained(tokio::time::sleep_until(tokio::time::Instant::from_std(deadline))))
        };
        Self { timer: catch_unwind(AssertUnwindSafe(make)).ok().flatten() }
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
