//! The kinds of work, and the future that each of them becomes.
//!
//! Work is a closure that returns `T`, `Result<T, E>`, or a future of either. The kind is carried by a marker
//! type that inference picks, so that each kind requires only what it needs: a future that runs in place may
//! borrow and need not be `Send`; a synchronous closure goes to the blocking pool and must be `Send +
//! 'static`.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::error::{AsyncTaskError, BoxError};
use crate::runtime::RuntimeSource;
use crate::task::view::context::TaskContext;
use crate::task::work::blocking::OnPool;
use crate::task::work::in_place::{InPlace, Inline};

/// Marker: the work gives the value itself.
pub struct Plain(());

/// Marker: the work gives a `Result` with error `E`.
pub struct Fallible<E>(PhantomData<fn() -> E>);

/// Marker: the work is a synchronous closure.
pub struct Sync<K>(PhantomData<fn() -> K>);

/// Marker: the work gives a future.
pub struct Async<K>(PhantomData<fn() -> K>);

/// Marker: a synchronous closure runs on the blocking pool.
#[derive(Clone, Copy, Debug)]
pub struct Pool;

/// Marker: a synchronous closure runs in the poll itself.
#[derive(Clone, Copy, Debug)]
pub struct Here;

/// The output of work: a `T`, or a `Result<T, E>`.
#[diagnostic::on_unimplemented(
    message = "this work does not give a `{T}`",
    label = "gives `{Self}`",
    note = "work for `to::<{T}>()` gives `{T}`, or `Result<{T}, E>` where `E` converts into `Box<dyn Error + Send + Sync>`"
)]
pub trait IntoResult<T, K> {
    /// The value, or the work's own error.
    fn into_result(self) -> Result<T, AsyncTaskError>;
}

impl<T> IntoResult<T, Plain> for T {
    fn into_result(self) -> Result<T, AsyncTaskError> {
        Ok(self)
    }
}

impl<T, E: Into<BoxError>> IntoResult<T, Fallible<E>> for Result<T, E> {
    fn into_result(self) -> Result<T, AsyncTaskError> {
        self.map_err(AsyncTaskError::failure)
    }
}

/// The output of work that a policy alone is put around: a `Result`. The type of its value is not named
/// beforehand, as that of a task is by `to::<T>()`, so that a `Result` could otherwise be meant as a plain
/// value.
#[diagnostic::on_unimplemented(
    message = "work that a policy is applied to gives a `Result`, and this does not",
    label = "gives `{Self}`",
    note = "it is to be a future of `Result<T, E>` where `E` converts into `Box<dyn Error + Send + Sync>`",
    note = "for work that cannot fail: `async {{ Ok::<_, std::convert::Infallible>(..) }}`; or use a task, whose work may give a \
            plain value: `AsyncTask::to::<T>().limiter(&limiter).run(..)`"
)]
pub trait Attempted: IntoResult<<Self as Attempted>::Value, Fallible<<Self as Attempted>::Error>> {
    /// The value.
    type Value;
    /// The error.
    type Error: Into<BoxError>;
}

impl<T, E: Into<BoxError>> Attempted for Result<T, E> {
    type Value = T;
    type Error = E;
}

/// The value of work that gives a `Result`.
pub type ValueOf<O> = <<O as Future>::Output as Attempted>::Value;

/// Marker: work that gives a `Result`, as [`Attempted`] knows it.
pub type AttemptOf<O> = Fallible<<<O as Future>::Output as Attempted>::Error>;

/// The output of a work closure: a `T`, a `Result<T, E>`, or a future of either. `M` is picked by inference.
#[diagnostic::on_unimplemented(
    message = "this work does not give a `{T}`",
    label = "returns `{Self}`",
    note = "it is to return `{T}`, `Result<{T}, E>` where `E` converts into `Box<dyn Error + Send + Sync>`, or a future \
            of one of them; with `.hedge`, always a future",
    note = "a body that uses `?` and names no error type: use `try_run` or `try_spawn`"
)]
pub trait IntoAsyncResult<T, M> {}

impl<T> IntoAsyncResult<T, Sync<Plain>> for T {}
impl<T, E: Into<BoxError>> IntoAsyncResult<T, Sync<Fallible<E>>> for Result<T, E> {}
impl<T, F: Future<Output = T>> IntoAsyncResult<T, Async<Plain>> for F {}
impl<T, E: Into<BoxError>, F: Future<Output = Result<T, E>>> IntoAsyncResult<T, Async<Fallible<E>>> for F {}

/// Work that can be called once.
pub trait Call {
    /// The type that it returns.
    type Output;

    #[doc(hidden)]
    fn call(self) -> Self::Output;
}

impl<F: FnOnce() -> O, O> Call for F {
    type Output = O;

    fn call(self) -> O {
        self()
    }
}

/// The input of work: `()`, or the context of its task. Work that is tried again is given that of its attempt.
pub trait Input: Send + 'static + sealed::Input + Sized {
    /// True if an attempt must be registered before its work is made.
    #[doc(hidden)]
    const NEEDS_CONTEXT: bool;

    /// The input of the work of a task.
    #[doc(hidden)]
    fn of_task(context: impl FnOnce() -> TaskContext) -> Self;

    /// The input of the work of an attempt; `None` without the context that it needs.
    #[doc(hidden)]
    fn of_attempt(context: Option<TaskContext>) -> Option<Self>;
}

impl Input for () {
    const NEEDS_CONTEXT: bool = false;

    fn of_task(_: impl FnOnce() -> TaskContext) -> Self {}

    fn of_attempt(_: Option<TaskContext>) -> Option<Self> {
        Some(())
    }
}

impl Input for TaskContext {
    const NEEDS_CONTEXT: bool = true;

    fn of_task(context: impl FnOnce() -> TaskContext) -> Self {
        context()
    }

    fn of_attempt(context: Option<TaskContext>) -> Option<Self> {
        context
    }
}

/// Work that is called once, and its input.
pub struct WithInput<F, I> {
    pub(crate) work: F,
    pub(crate) input: I,
}

impl<F: FnOnce() -> O, O> Call for WithInput<F, ()> {
    type Output = O;

    fn call(self) -> O {
        (self.work)()
    }
}

impl<F: FnOnce(TaskContext) -> O, O> Call for WithInput<F, TaskContext> {
    type Output = O;

    fn call(self) -> O {
        (self.work)(self.input)
    }
}

/// Work that can be called again, and the input of one call.
pub struct Again<F, I> {
    pub(crate) work: Arc<F>,
    pub(crate) input: I,
}

impl<F: Fn() -> O, O> Call for Again<F, ()> {
    type Output = O;

    fn call(self) -> O {
        (self.work)()
    }
}

impl<F: Fn(TaskContext) -> O, O> Call for Again<F, TaskContext> {
    type Output = O;

    fn call(self) -> O {
        (self.work)(self.input)
    }
}

/// A kind of work, and the future that it becomes. Implemented by the markers, for all work that they fit.
#[diagnostic::on_unimplemented(
    message = "this work cannot run here",
    note = "a synchronous closure runs on the blocking pool and must be `Send + 'static`; add `.inline()` to run a \
            cheap one where it is"
)]
pub trait Work<F, O, T, S, W>: sealed::Sealed {
    /// The future that gives the work's result.
    type Body: Future<Output = Result<T, AsyncTaskError>>;

    /// Wraps the work; nothing of it runs yet.
    fn body(work: F, source: &S) -> Self::Body;
}

impl<F, O, T, S, W, K> Work<F, O, T, S, W> for Async<K>
where
    F: Call<Output = O>,
    O: Future,
    O::Output: IntoResult<T, K>,
{
    type Body = InPlace<F, O, T, K>;

    fn body(work: F, _: &S) -> Self::Body {
        InPlace::new(work)
    }
}

impl<F, O, T, S, K> Work<F, O, T, S, Here> for Sync<K>
where
    F: Call<Output = O>,
    O: IntoResult<T, K>,
{
    type Body = Inline<F, T, K>;

    fn body(work: F, _: &S) -> Self::Body {
        Inline::new(work)
    }
}

impl<F, O, T, S, K> Work<F, O, T, S, Pool> for Sync<K>
where
    F: Call<Output = O> + Send + 'static,
    O: IntoResult<T, K>,
    T: Send + 'static,
    S: RuntimeSource,
    K: 'static,
{
    type Body = OnPool<F, T, K, S>;

    fn body(work: F, source: &S) -> Self::Body {
        OnPool::new(work, source.clone())
    }
}

pub(crate) mod sealed {
    #[allow(unnameable_types, reason = "a seal")]
    pub trait Sealed {}
    impl<K> Sealed for crate::task::work::kinds::Sync<K> {}
    impl<K> Sealed for crate::task::work::kinds::Async<K> {}

    #[allow(unnameable_types, reason = "a seal")]
    pub trait Input {}
    impl Input for () {}
    impl Input for crate::task::view::context::TaskContext {}
}
