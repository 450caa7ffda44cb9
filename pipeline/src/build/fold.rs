//! A pipeline that folds its events.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::Location;
use std::pin::Pin;

use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::build::whole::{End, Whole};
use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::call::answer::Answered;
use crate::run::work::handlers::folding::Folding;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::IntoResult;

/// A pipeline that folds its events. Await it for the value and the summary.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event).
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Fold<T, S, F, I, G, O, K, J> {
    from: PipelineSender<T, S, F>,
    init: I,
    fold: G,
    merge: J,
    marker: PhantomData<fn() -> (O, K)>,
}

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Folds events into one value and holds no rows. As a [receiver](Self::receiver), `fold` may refuse an
    /// event, and may end the pipeline. Each worker starts with `init()` and folds its events
    /// into that; at the end the workers' values are merged. Await the pipeline for the value and the
    /// summary.
    ///
    /// The events of a worker are not fixed, so `merge` should not depend on their order.
    pub fn fold<A, I, G, O, K, J>(self, init: I, fold: G, merge: J) -> Fold<T, S, F, I, G, O, K, J>
    where
        A: Send + 'static,
        I: Fn() -> A + Clone + Send + Sync + 'static,
        G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
        O: IntoResult<ControlFlow<()>, Answered<K>> + 'static,
        J: Fn(A, A) -> A + Send + 'static,
    {
        Fold { from: self, init, fold, merge, marker: PhantomData }
    }
}

impl<T, S, F, I, G, O, K, J> Fold<T, S, F, I, G, O, K, J> {
    /// As [`Pipeline::blocking`](crate::Pipeline::blocking).
    pub fn blocking(mut self) -> Self {
        self.from.settings.blocking = true;
        self
    }
}

impl<T, A, S, F, I, G, O, K, J> Fold<T, S, F, I, G, O, K, J>
where
    T: Send + 'static,
    A: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    I: Fn() -> A + Clone + Send + Sync + 'static,
    G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
    O: IntoResult<ControlFlow<()>, Answered<K>> + 'static,
    K: 'static,
    J: Fn(A, A) -> A + Send + 'static,
{
    /// The whole pipeline, and the function that merges the workers' values into one.
    #[allow(clippy::type_complexity, reason = "a name for it would say no more")]
    fn whole(
        self,
    ) -> (
        Whole<T, S, F, Folding<I, G, O, K>>,
        impl FnOnce(End<Vec<A>>) -> Result<(A, FinalEvent), AsyncTaskError>
        + Send
        + use<T, A, S, F, I, G, O, K, J>,
    ) {
        let Self { from, init, fold, merge, .. } = self;
        let first = init.clone();
        let merged = move |(event, end): End<Vec<A>>| {
            let summary = event?;
            let values = end.into_iter().flat_map(|(_, values)| values);
            let value = caught(|| values.reduce(merge).unwrap_or_else(first))?;
            Ok((value, summary))
        };
        (from.whole(Folding::<I, G, O, K> { init, fold, marker: PhantomData }), merged)
    }

    /// Starts the pipeline now, as a task of its own. The handle is a future of the value and the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<(A, FinalEvent), S::Runtime> {
        let (whole, merged) = self.whole();
        whole.spawn(merged)
    }
}

impl<T, A, S, F, I, G, O, K, J> IntoFuture for Fold<T, S, F, I, G, O, K, J>
where
    T: Send + 'static,
    A: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    I: Fn() -> A + Clone + Send + Sync + 'static,
    G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
    O: IntoResult<ControlFlow<()>, Answered<K>> + 'static,
    K: 'static,
    J: Fn(A, A) -> A + Send + 'static,
{
    type Output = Result<(A, FinalEvent), AsyncTaskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move {
            let (whole, merged) = self.whole();
            merged(whole.in_place(spawn_site).await)
        })
    }
}
