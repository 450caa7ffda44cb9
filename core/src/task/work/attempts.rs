//! The makers of the work of attempts, for work that is tried again.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::error::AsyncTaskError;
use crate::runtime::RuntimeSource;
use crate::task::view::context::TaskContext;
use crate::task::work::blocking::OnPool;
use crate::task::work::in_place::{InPlace, Inline};
use crate::task::work::kinds::{Again, Async, Call, Here, Input, IntoResult, Pool, Sync, sealed};

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

/// The maker of work that attempts share: attempts of hedged work run beside each other, and blocking work
/// that was given up may still run.
pub struct Shared<F, I> {
    work: Arc<F>,
    input: PhantomData<fn() -> I>,
}

impl<F, I: Input> Shared<F, I> {
    pub(crate) fn new(work: F) -> Self {
        Self { work: Arc::new(work), input: PhantomData }
    }

    /// One call of the work; `None` without the context that it needs.
    fn call(&self, context: Option<TaskContext>) -> Option<Again<F, I>> {
        I::of_attempt(context).map(|input| Again { work: self.work.clone(), input })
    }
}

impl<F, I: Input, O, S, T, K> MakeAttempt<S, InPlace<Again<F, I>, O, T, K>> for Shared<F, I> {
    const NEEDS_CONTEXT: bool = I::NEEDS_CONTEXT;

    fn make(&self, _: &S, context: Option<TaskContext>) -> Option<InPlace<Again<F, I>, O, T, K>> {
        self.call(context).map(InPlace::new)
    }
}

impl<F, I: Input, S, T, K> MakeAttempt<S, Inline<Again<F, I>, T, K>> for Shared<F, I> {
    const NEEDS_CONTEXT: bool = I::NEEDS_CONTEXT;

    fn make(&self, _: &S, context: Option<TaskContext>) -> Option<Inline<Again<F, I>, T, K>> {
        self.call(context).map(Inline::new)
    }
}

impl<F, I: Input, S: RuntimeSource, T, K> MakeAttempt<S, OnPool<Again<F, I>, T, K, S>> for Shared<F, I> {
    const NEEDS_CONTEXT: bool = I::NEEDS_CONTEXT;

    fn make(&self, source: &S, context: Option<TaskContext>) -> Option<OnPool<Again<F, I>, T, K, S>> {
        self.call(context).map(|call| OnPool::new(call, source.clone()))
    }
}

/// A kind of work that can be tried again. Implemented by the markers, for all work that they fit.
#[diagnostic::on_unimplemented(
    message = "this work cannot run here",
    note = "a synchronous closure runs on the blocking pool and must be `Send + Sync + 'static`; add `.inline()` to run \
            a cheap one where it is"
)]
pub trait Repeats<F, I, O, T, S, W>: sealed::Sealed {
    /// The future that gives the result of an attempt.
    type Body: Future<Output = Result<T, AsyncTaskError>>;

    /// The maker of that.
    type Maker: MakeAttempt<S, Self::Body>;

    #[doc(hidden)]
    fn maker(work: F) -> Self::Maker;
}

impl<F, O, T, S, W, K> Repeats<F, (), O, T, S, W> for Async<K>
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

impl<F, O, T, S, W, K> Repeats<F, TaskContext, O, T, S, W> for Async<K>
where
    F: Fn(TaskContext) -> O,
    O: Future<Output: IntoResult<T, K>>,
{
    type Body = InPlace<Again<F, TaskContext>, O, T, K>;
    type Maker = Shared<F, TaskContext>;

    fn maker(work: F) -> Self::Maker {
        Shared::new(work)
    }
}

impl<F, I, O, T, S, K> Repeats<F, I, O, T, S, Here> for Sync<K>
where
    I: Input,
    Again<F, I>: Call<Output = O>,
    O: IntoResult<T, K>,
{
    type Body = Inline<Again<F, I>, T, K>;
    type Maker = Shared<F, I>;

    fn maker(work: F) -> Self::Maker {
        Shared::new(work)
    }
}

impl<F, I, O, T, S, K> Repeats<F, I, O, T, S, Pool> for Sync<K>
where
    F: Send + std::marker::Sync + 'static,
    I: Input,
    Again<F, I>: Call<Output = O>,
    O: IntoResult<T, K>,
    T: Send + 'static,
    S: RuntimeSource,
    K: 'static,
{
    type Body = OnPool<Again<F, I>, T, K, S>;
    type Maker = Shared<F, I>;

    fn maker(work: F) -> Self::Maker {
        Shared::new(work)
    }
}
