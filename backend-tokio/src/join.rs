//! Tokio's join handle, as a [`Join`] of core.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use sweet_async_core::Join;
use tokio::task::JoinHandle;

/// Tokio's own join handle; it gives `None` once the runtime has dropped the task.
pub struct TokioJoin<T>(pub(crate) JoinHandle<T>);

impl<T> Future for TokioJoin<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        // An error means that the runtime has shut down: core catches panics, and nothing here aborts.
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

impl<T: Send + 'static> Join<T> for TokioJoin<T> {
    fn detach(self) {
        // Dropping a Tokio join handle detaches it.
    }
}
