//! The answer of a receiver: its event was handled or refused, and whether more events are wanted.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use crate::stage::chain::{Answer, MORE};
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::internals::{Async, Fallible, Plain, Sync};
use sweet_async_core::task::IntoResult;

/// Marker: the receiver says whether more events are wanted.
pub struct Flow(());

/// Marker: the output of kind `K` is taken as an [`Answer`].
pub struct Answered<K>(PhantomData<fn() -> K>);

impl IntoResult<ControlFlow<()>, Answered<Plain>> for () {
    #[inline]
    fn into_result(self) -> Answer {
        Ok(MORE)
    }
}

impl<E: Into<BoxError>> IntoResult<ControlFlow<()>, Answered<Fallible<E>>> for Result<(), E> {
    #[inline]
    fn into_result(self) -> Answer {
        self.map(|()| MORE).map_err(AsyncTaskError::failure)
    }
}

impl IntoResult<ControlFlow<()>, Answered<Flow>> for ControlFlow<()> {
    #[inline]
    fn into_result(self) -> Answer {
        Ok(self)
    }
}

/// The output of a receiver: `()`, `Result<(), E>`, `ControlFlow<()>`, or a future of one of them. `M` is
/// picked by inference.
#[diagnostic::on_unimplemented(
    message = "a receiver does not return this",
    label = "returns `{Self}`",
    note = "it is to return `()`, `Result<(), E>` where `E` converts into `Box<dyn Error + Send + Sync>`, `ControlFlow<()>`, or a \
            future of one of them",
    note = "a body that uses `?` and names no error type: use `try_receiver` or `try_for_each`"
)]
pub trait IntoAnswer<M> {}

impl IntoAnswer<Sync<Plain>> for () {}
impl<E: Into<BoxError>> IntoAnswer<Sync<Fallible<E>>> for Result<(), E> {}
impl IntoAnswer<Sync<Flow>> for ControlFlow<()> {}
impl<F: Future<Output = ()>> IntoAnswer<Async<Plain>> for F {}
impl<E: Into<BoxError>, F: Future<Output = Result<(), E>>> IntoAnswer<Async<Fallible<E>>> for F {}
impl<F: Future<Output = ControlFlow<()>>> IntoAnswer<Async<Flow>> for F {}
