//! The contract of a chain of stages, and the chain without a stage.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use crate::policy::RetryEvents;
use sweet_async_core::error::AsyncTaskError;

/// The answer to one value. [`ControlFlow::Break`]: it was handled, and none after it is wanted.
pub type Answer = Result<ControlFlow<()>, AsyncTaskError>;

/// The flow of an [`Answer`] after which more values are wanted.
pub(crate) const MORE: ControlFlow<()> = ControlFlow::Continue(());

/// Stages, one after the other: they make any number of values of a row. One chain serves all workers.
pub trait Chain: Send + Sync + 'static {
    /// The value of a row.
    type Row: Send + 'static;
    /// The value that the last stage passes on.
    type Out: Send + 'static;
    /// The chain as a function; [`Never`] where one of its stages is awaited.
    #[doc(hidden)]
    type Synchronous<'a>: SyncChain<Row = Self::Row, Out = Self::Out>
    where
        Self: 'a;
    /// True if there is a stage.
    #[doc(hidden)]
    const HAS_STAGES: bool = true;
    /// True if the values have keys.
    #[doc(hidden)]
    const HAS_KEYS: bool = false;

    /// The chain as a function; `None` where one of its stages is awaited.
    #[doc(hidden)]
    fn synchronous(&self) -> Option<Self::Synchronous<'_>>;

    /// Passes the values of a row to `next`, one after the other, until one is refused or is the last one
    /// that is wanted.
    #[doc(hidden)]
    fn run<N: Next<Self::Out>>(&self, row: Self::Row, next: N) -> impl Future<Output = Answer> + Send;

    /// True if the attempt at the row has begun: its stages have run.
    #[doc(hidden)]
    fn has_begun(_: &Self::Row) -> bool {
        false
    }

    /// The hash of the key of a value, where values have keys.
    #[doc(hidden)]
    fn hash_of(&self, _: &Self::Out) -> u64 {
        0
    }

    /// The retries of rows as those of values, for batches. `None` where stages make the values: they cannot
    /// be cloned.
    #[doc(hidden)]
    fn retries_of_values(_: &RetryEvents<Self::Row>) -> Option<&RetryEvents<Self::Out>> {
        None
    }
}

/// A chain that another stage can follow.
#[diagnostic::on_unimplemented(
    message = "no stage can follow `key_by`",
    note = "the key is that of the values which the receiver gets: `key_by` comes after all stages"
)]
pub trait Extend: Chain {}

impl<T: Send + 'static> Extend for Unstaged<T> {}

/// A chain of stages none of which is awaited.
pub trait SyncChain {
    /// As in [`Chain`].
    type Row;
    /// As in [`Chain`].
    type Out;

    /// Passes the values of a row to `next`, one after the other, until one is refused or is the last one
    /// that is wanted.
    fn push(&self, row: Self::Row, next: &mut impl FnMut(Self::Out) -> Answer) -> Answer;
}

/// The destination of a value: the next stage, or the end of the chain.
pub trait Next<T>: Send {
    /// Takes a value.
    fn take(&mut self, value: T) -> impl Future<Output = Answer> + Send;
}

/// The chain without a stage: the row is the value.
pub struct Unstaged<T>(PhantomData<fn(T) -> T>);

impl<T> Unstaged<T> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Clone for Unstaged<T> {
    fn clone(&self) -> Self {
        Self::new()
    }
}

impl<T: Send + 'static> Chain for Unstaged<T> {
    type Row = T;
    type Out = T;
    type Synchronous<'a> = Self;
    const HAS_STAGES: bool = false;

    #[inline]
    fn synchronous(&self) -> Option<Self> {
        Some(Self::new())
    }

    async fn run<N: Next<T>>(&self, row: T, mut next: N) -> Answer {
        next.take(row).await
    }

    fn retries_of_values(retries: &RetryEvents<T>) -> Option<&RetryEvents<T>> {
        Some(retries)
    }
}

impl<T> SyncChain for Unstaged<T> {
    type Row = T;
    type Out = T;

    #[inline]
    fn push(&self, row: T, next: &mut impl FnMut(T) -> Answer) -> Answer {
        next(row)
    }
}

/// A synchronous chain that does not exist.
pub struct Never<Row, Out>(Infallible, PhantomData<fn(Row) -> Out>);

impl<Row, Out> SyncChain for Never<Row, Out> {
    type Row = Row;
    type Out = Out;

    fn push(&self, _: Row, _: &mut impl FnMut(Out) -> Answer) -> Answer {
        match self.0 {}
    }
}
