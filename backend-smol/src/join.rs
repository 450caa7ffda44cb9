//! smol's task handle, as a [`Join`] of core.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_executor::{FallibleTask, Task};
use sweet_async_core::Join;

/// smol's own task handle; it gives `None` once the executor has dropped the task.
pub struct SmolJoin<T>(FallibleTask<T>);

impl<T> SmolJoin<T> {
    pub(crate) fn new(task: Task<T>) -> Self {
        // A plain handle panics when its executor is dropped; a fallible one gives `None`.
        Self(task.fallible())
    }
}

impl<T> Future for SmolJoin<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T: Send + 'static> Join<T> for SmolJoin<T> {
    fn detach(self) {
        self.0.detach();
    }
}
