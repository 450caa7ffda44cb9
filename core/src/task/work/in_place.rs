//! Work that runs where it is awaited: no spawn, no allocation, panics caught.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::body::Clear;
use crate::error::AsyncTaskError;
use crate::panic::caught;
use crate::task::work::kinds::{Call, IntoResult};

const ENDED: AsyncTaskError = AsyncTaskError::InvalidState("this future was polled after it had ended");

pin_project! {
    #[project = StageProj]
    enum Stage<F, O> {
        Start { work: Option<F> },
        Running { #[pin] future: O },
        Done,
    }
}

pin_project! {
    /// A future made by the work's closure, at the first poll.
    pub struct InPlace<F, O, T, K> {
        #[pin]
        stage: Stage<F, O>,
        marker: PhantomData<fn() -> (T, K)>,
    }
}

impl<F, O, T, K> InPlace<F, O, T, K> {
    #[doc(hidden)]
    pub fn new(work: F) -> Self {
        Self { stage: Stage::Start { work: Some(work) }, marker: PhantomData }
    }

    /// As [`new`](Self::new), where the closure was called before.
    pub(crate) fn running(future: O) -> Self {
        Self { stage: Stage::Running { future }, marker: PhantomData }
    }
}

impl<F, O, T, K> Future for InPlace<F, O, T, K>
where
    F: Call<Output = O>,
    O: Future,
    O::Output: IntoResult<T, K>,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        // One catch around making, polling and dropping: whichever of them panics, the work is over.
        let polled = caught(|| {
            if let StageProj::Start { work } = stage.as_mut().project() {
                let Some(work) = work.take() else { return Poll::Ready(Err(ENDED)) };
                stage.set(Stage::Running { future: work.call() });
            }
            let StageProj::Running { future } = stage.as_mut().project() else {
                return Poll::Ready(Err(ENDED));
            };
            let output = std::task::ready!(future.poll(cx)).into_result();
            stage.set(Stage::Done);
            Poll::Ready(output)
        });
        match polled {
            Ok(polled) => polled,
            Err(panic) => {
                // The rest of a panicking poll is dropped here, before the end is reported. A second panic,
                // from a destructor, adds nothing to the first.
                clear(stage);
                Poll::Ready(Err(panic))
            }
        }
    }
}

impl<F, O> Clear for Stage<F, O> {
    fn clear(mut self: Pin<&mut Self>) {
        self.set(Self::Done);
    }
}

/// Drops the rest after a panic. Compiled once for all work.
#[cold]
fn clear(left: Pin<&mut dyn Clear>) {
    let _ = caught(|| left.clear());
}

/// A synchronous closure that runs in the poll itself.
pub struct Inline<F, T, K> {
    work: Option<F>,
    marker: PhantomData<fn() -> (T, K)>,
}

// The closure is moved out before it is called, never pinned.
impl<F, T, K> Unpin for Inline<F, T, K> {}

impl<F, T, K> Inline<F, T, K> {
    pub(crate) fn new(work: F) -> Self {
        Self { work: Some(work), marker: PhantomData }
    }
}

impl<F, T, K> Future for Inline<F, T, K>
where
    F: Call<Output: IntoResult<T, K>>,
{
    type Output = Result<T, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = self.work.take() else { return Poll::Ready(Err(ENDED)) };
        Poll::Ready(caught(|| work.call().into_result()).and_then(|result| result))
    }
}
