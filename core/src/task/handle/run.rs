//! The future of work in place.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pin_project! {
    /// Work that runs when awaited, as part of the caller.
    #[must_use = "nothing runs until it is awaited"]
    pub struct Run<G> {
        #[pin]
        governed: G,
    }
}

impl<G> Run<G> {
    /// `governed` is the work, with its policies around it.
    #[doc(hidden)]
    pub fn new(governed: G) -> Self {
        Self { governed }
    }
}

impl<G: Future> Future for Run<G> {
    type Output = G::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<G::Output> {
        self.project().governed.poll(cx)
    }
}
