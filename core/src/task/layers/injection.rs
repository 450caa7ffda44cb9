//! The faults that chaos injects before the work of one attempt.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::body::{Body, Clear, clear_then};
use crate::chaos::{Chaos, Fault, Faults};
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::runtime::Runtime;
use crate::time::Sleep;

pin_project! {
    /// The injected faults of one attempt, which are drawn at its first poll. It is ready once the work may
    /// begin, or with the error that takes the place of the work.
    pub(crate) struct Injection<R: Runtime> {
        chaos: Arc<Chaos>,
        runtime: R,
        is_drawn: bool,
        #[pin]
        latency: Option<Sleep<R>>,
        fault: Option<Fault>,
    }
}

/// An injection in a box: chaos is the exception, and work without it does not grow by the size of one.
pub(crate) type BoxedInjection<R> = Pin<Box<Injection<R>>>;

impl<R: Runtime> Injection<R> {
    pub(crate) fn boxed(chaos: Arc<Chaos>, runtime: R) -> BoxedInjection<R> {
        Box::pin(Self { chaos, runtime, is_drawn: false, latency: None, fault: None })
    }
}

impl<R: Runtime> Future for Injection<R> {
    type Output = Result<(), AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.is_drawn {
            *this.is_drawn = true;
            let (chaos, runtime) = (&**this.chaos, &*this.runtime);
            let Faults { latency, fault } = caught(|| draw(chaos, runtime))?;
            *this.fault = fault;
            if let Some(latency) = latency {
                this.latency.set(Some(Sleep::silent(runtime, runtime.now().checked_add(latency))));
            }
        }
        if let Some(latency) = this.latency.as_mut().as_pin_mut() {
            ready!(latency.poll(cx))?;
            this.latency.set(None);
        }
        Poll::Ready(this.fault.take().map_or(Ok(()), |fault| this.chaos.strike(fault)))
    }
}

fn draw<R: Runtime>(chaos: &Chaos, runtime: &R) -> Faults {
    let faults = chaos.draw(|| runtime.entropy());
    if faults != Faults::default() {
        let Faults { latency, fault } = faults;
        tracing::warn!(?latency, ?fault, "chaos is injected into an attempt");
    }
    faults
}

/// The work of an attempt after its injected faults, as one body. `injection` is `None` once the work may
/// begin.
pub(crate) struct Injected<'a, R: Runtime> {
    pub(crate) injection: &'a mut Option<BoxedInjection<R>>,
    pub(crate) body: Pin<&'a mut dyn Body>,
}

impl<R: Runtime> Body for Injected<'_, R> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), AsyncTaskError>> {
        let Self { injection, body } = self.get_mut();
        if let Some(faults) = &mut **injection {
            let result = ready!(faults.as_mut().poll(cx));
            **injection = None;
            if let Err(error) = result {
                // The destructor of the work may panic: that is then the error.
                caught(|| body.as_mut().clear())?;
                return Poll::Ready(Err(error));
            }
        }
        body.as_mut().poll(cx)
    }
}

impl<R: Runtime> Clear for Injected<'_, R> {
    fn clear(self: Pin<&mut Self>) {
        let Self { injection, body } = self.get_mut();
        clear_then(body.as_mut(), || **injection = None);
    }
}
