//! The makers of the work of attempts, for work that is tried again.

use std::future::Future;
use std::sync::Arc;

use crate::error::AsyncTaskError;
use crate::runtime::RuntimeSource;
use crate::task::view::context::TaskContext;
use crate::task::work::blocking::OnPool;
use crate::task::work::in_place::{InPlace, Inline};
use crate::task::work::kinds::{Again, Async, Here, IntoResult, Pool, Sync, sealed};

/// The maker of the work of attempts.
pub trait MakeAttempt<S, B> {
    /// True if the work is given the context of its attempt, which is registered for that.
    #[doc(hidden)]
    const NEEDS_CONTEXT: bool = false;

    /// Makes the work of one attempt; `None` without the context that it needs, and for work that is made in
    /// the first poll of its attempt. Nothing of it runs yet.
    #[doc(hidden)]
    fn make(&self, source: &S, context: Option<TaskContext>) -> Option<B>;

    /// Makes the work of one attempt in its first poll, if it was not made before.
    #[doc(hidden)]
    fn make_in_poll(&self) -> Option<B> {
        None
    }
}

/// The maker of work that needs no context.
pub(crate) struct Plain<F>(pub(crate) F);

impl<F: Fn(&S) -> B, S, B> MakeAttempt<S, B> for Plain<F> {
    fn make(&self, source: &S, _: Option<TaskContext>) -> Option<B> {
        Some((self.0)(source))
    }
}

/// The maker of work that is given the context of its attempt.
pub struct Informed<F>(pub(crate) F);

impl<F: Fn(&S, TaskContext) -> B, S, B> MakeAttempt<S, B> for Informed<F> {
    const NEEDS_CONTEXT: bool = true;

    fn make(&self, source: &S, context: Option<TaskContext>) -> Option<B> {
        context.map(|context| (self.0)(source, context))
    }
}

/// The maker of asynchronous work: it calls the closure in the poll, where that may stay where it is.
pub struct InPoll<F>(F);

/// The future of asynchronous work whose closure was called before.
pub(crate) type Called<O, T, K> = InPlace<fn() -> O, O, T, K>;

impl<F, O, S, T, K> MakeAttempt<S, Called<O, T, K>> for InPoll<F>
where
    F: Fn() -> O,
{
    fn make(&self, _: &S, _: Option<TaskContext>) -> Option<Called<O, T, K>> {
        None
    }

    fn make_in_poll(&self) -> Option<Called<O, T, K>> {
        Some(InPlace::running((self.0)()))
    }
}

/// The maker of synchronous work, which attempts share: one that was given up may still run.
pub struct Shared<F>(Arc<F>);

impl<F, O, S, T, K> MakeAttempt<S, Inline<Again<F>, T, K>> for Shared<F>
where
    F: Fn() -> O,
    O: IntoResult<T, K>,
{
    fn make(&self, _: &S, _: Option<TaskContext>) -> Option<Inline<Again<F>, T, K>> {
        Some(Inline::new(Again(self.0.clone())))
    }
}

impl<F, O, S, T, K> MakeAttempt<S, OnPool<Again<F>, T, K, S>> for Shared<F>
where
    F: Fn() -> O,
    O: IntoResult<T, K>,
    S: RuntimeSource,
{
    fn make(&self, source: &S, _: Option<TaskContext>) -> Option<OnPool<Again<F>, T, K, S>> {
        Some(OnPool::new(Again(self.0.clone()), source.clone()))
    }
}

/// A kind of work that can be tried again. Implemented by the markers, for all work that they fit.
#[diagnostic::on_unimplemented(
    message = "this work cannot run here",
    note = "a synchronous closure runs on the blocking pool and must be `Send + Sync + 'static`; add `.inline()` to run \
            a cheap one where it is"
)]
pub trait Repeats<F, O, T, S, W>: sealed::Sealed {
    /// The future that gives the result of an attempt.
    type Body: Future<Output = Result<T, AsyncTaskError>>;

    /// The maker of that.
    type Maker: MakeAttempt<S, Self::Body>;

    #[doc(hidden)]
    fn maker(work: F) -> Self::Maker;
}

impl<F, O, T, S, W, K> Repeats<F, O, T, S, W> for Async<K>
where
    F: Fn() -> O,
    O: Future<Output: IntoResult<T, K>>,
{
    type Body = Called<O, T, K>;
    type Maker = InPoll<F>;

    fn maker(work: F) -> InPoll<F> {
        InPoll(work)
    }
}

impl<F, O, T, S, K> Repeats<F, O, T, S, Here> for Sync<K>
where
    F: Fn() -> O,
    O: IntoResult<T, K>,
{
    type Body = Inline<Again<F>, T, K>;
    type Maker = Shared<F>;

    fn maker(work: F) -> Shared<F> {
        Shared(Arc::new(work))
    }
}

impl<F, O, T, S, K> Repeats<F, O, T, S, Pool> for Sync<K>
where
    F: Fn() -> O + Send + std::marker::Sync + 'static,
    O: IntoResult<T, K>,
    T: Send + 'static,
    S: RuntimeSource,
    K: 'static,
{
    type Body = OnPool<Again<F>, T, K, S>;
    type Maker = Shared<F>;

    fn maker(work: F) -> Shared<F> {
        Shared(Arc::new(work))
    }
}
