//! The function of one stage on one value.

use std::future::Future;

use sweet_async_core::error::{AsyncTaskError, BoxError};

/// A synchronous stage that makes at most one value of a value.
pub trait Step<In>: Send + Sync + 'static {
    /// The value that is passed on.
    type Out: Send + 'static;

    /// Returns the value to pass on, or `None` if nothing is.
    fn step(&self, value: In) -> Result<Option<Self::Out>, AsyncTaskError>;
}

/// A synchronous stage that makes any number of values of a value.
pub trait Spread<In>: Send + Sync + 'static {
    /// A value that is passed on.
    type Out: Send + 'static;

    /// Returns the values to pass on.
    fn spread(&self, value: In) -> impl Iterator<Item = Self::Out> + Send;
}

/// An asynchronous stage that makes at most one value of a value.
pub trait AsyncStep<In>: Send + Sync + 'static {
    /// The value that is passed on.
    type Out: Send + 'static;

    /// Returns the value to pass on, or `None` if nothing is.
    fn step(&self, value: In) -> impl Future<Output = Result<Option<Self::Out>, AsyncTaskError>> + Send;
}

/// The stage of [`map`](crate::PipelineSender::map) and `map_async`.
#[derive(Clone)]
pub struct Map<G>(pub(crate) G);

/// The stage of [`try_map`](crate::PipelineSender::try_map) and `try_map_async`.
#[derive(Clone)]
pub struct TryMap<G>(pub(crate) G);

/// The stage of [`filter`](crate::PipelineSender::filter) and `filter_async`.
#[derive(Clone)]
pub struct Filter<G>(pub(crate) G);

/// The stage of [`inspect`](crate::PipelineSender::inspect) and `inspect_async`.
#[derive(Clone)]
pub struct Inspect<G>(pub(crate) G);

/// The stage of [`flat_map`](crate::PipelineSender::flat_map).
#[derive(Clone)]
pub struct FlatMap<G>(pub(crate) G);

impl<In, Out, G> Step<In> for Map<G>
where
    Out: Send + 'static,
    G: Fn(In) -> Out + Send + Sync + 'static,
{
    type Out = Out;

    #[inline]
    fn step(&self, value: In) -> Result<Option<Out>, AsyncTaskError> {
        Ok(Some((self.0)(value)))
    }
}

impl<In, Out, E, G> Step<In> for TryMap<G>
where
    Out: Send + 'static,
    E: Into<BoxError>,
    G: Fn(In) -> Result<Out, E> + Send + Sync + 'static,
{
    type Out = Out;

    #[inline]
    fn step(&self, value: In) -> Result<Option<Out>, AsyncTaskError> {
        (self.0)(value).map(Some).map_err(AsyncTaskError::failure)
    }
}

impl<In, G> Step<In> for Filter<G>
where
    In: Send + 'static,
    G: Fn(&In) -> bool + Send + Sync + 'static,
{
    type Out = In;

    #[inline]
    fn step(&self, value: In) -> Result<Option<In>, AsyncTaskError> {
        Ok((self.0)(&value).then_some(value))
    }
}

impl<In, G> Step<In> for Inspect<G>
where
    In: Send + 'static,
    G: Fn(&In) + Send + Sync + 'static,
{
    type Out = In;

    #[inline]
    fn step(&self, value: In) -> Result<Option<In>, AsyncTaskError> {
        (self.0)(&value);
        Ok(Some(value))
    }
}

impl<In, I, G> Spread<In> for FlatMap<G>
where
    I: IntoIterator<Item: Send + 'static, IntoIter: Send>,
    G: Fn(In) -> I + Send + Sync + 'static,
{
    type Out = I::Item;

    #[inline]
    fn spread(&self, value: In) -> impl Iterator<Item = I::Item> + Send {
        (self.0)(value).into_iter()
    }
}

impl<In, O, G> AsyncStep<In> for Map<G>
where
    In: Send + 'static,
    O: Future<Output: Send + 'static> + Send,
    G: Fn(In) -> O + Send + Sync + 'static,
{
    type Out = O::Output;

    async fn step(&self, value: In) -> Result<Option<O::Output>, AsyncTaskError> {
        Ok(Some((self.0)(value).await))
    }
}

impl<In, Out, E, O, G> AsyncStep<In> for TryMap<G>
where
    In: Send + 'static,
    Out: Send + 'static,
    E: Into<BoxError>,
    O: Future<Output = Result<Out, E>> + Send,
    G: Fn(In) -> O + Send + Sync + 'static,
{
    type Out = Out;

    async fn step(&self, value: In) -> Result<Option<Out>, AsyncTaskError> {
        (self.0)(value).await.map(Some).map_err(AsyncTaskError::failure)
    }
}

impl<In, O, G> AsyncStep<In> for Filter<G>
where
    In: Send + 'static,
    O: Future<Output = bool> + Send,
    G: Fn(&In) -> O + Send + Sync + 'static,
{
    type Out = In;

    async fn step(&self, value: In) -> Result<Option<In>, AsyncTaskError> {
        let keeps = (self.0)(&value);
        Ok(keeps.await.then_some(value))
    }
}

impl<In, O, G> AsyncStep<In> for Inspect<G>
where
    In: Send + 'static,
    O: Future<Output = ()> + Send,
    G: Fn(&In) -> O + Send + Sync + 'static,
{
    type Out = In;

    async fn step(&self, value: In) -> Result<Option<In>, AsyncTaskError> {
        let seen = (self.0)(&value);
        seen.await;
        Ok(Some(value))
    }
}
