//! smol's timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use smol::Timer;

/// A smol timer.
pub struct SmolSleep(Timer);

impl SmolSleep {
    pub(crate) fn until(deadline: Instant) -> Self {
        Self(Timer::at(deadline))
    }
}

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|_| ())
    }
}
