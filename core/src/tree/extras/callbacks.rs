//! Callbacks for the graceful cancellation of a task.

use std::future::Future;
use std::pin::Pin;

/// A callback of `on_cancel`.
pub struct Callback(pub(crate) Kind);

pub(crate) enum Kind {
    Now(Box<dyn FnOnce() + Send>),
    Later(Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>),
}

/// Marker: the callback is a synchronous closure.
pub struct Sync(());

/// Marker: the callback is a closure that returns a future.
pub struct Async(());

/// A closure that `on_cancel` takes: `FnOnce()`, or `FnOnce()` that returns a future of `()`. `M` is picked
/// by inference.
#[diagnostic::on_unimplemented(
    message = "this is not a cancellation callback",
    label = "`on_cancel` cannot call this",
    note = "a callback is a `Send + 'static` closure without arguments that returns `()`, or a future of `()`"
)]
pub trait IntoCallback<M> {
    /// Boxes the callback.
    fn into_callback(self) -> Callback;
}

impl<F: FnOnce() + Send + 'static> IntoCallback<Sync> for F {
    fn into_callback(self) -> Callback {
        Callback(Kind::Now(Box::new(self)))
    }
}

impl<F, U> IntoCallback<Async> for F
where
    F: FnOnce() -> U + Send + 'static,
    U: Future<Output = ()> + Send + 'static,
{
    fn into_callback(self) -> Callback {
        Callback(Kind::Later(Box::new(|| Box::pin(self()))))
    }
}
