//! A pipeline that folds its events.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::AsyncTaskError;
use crate::pipeline::engine::{Folding, Outcome};
use crate::pipeline::{EmittingTask, Event, FinalEvent, Sources};
use crate::runtime::RuntimeSource;
use crate::task::{IntoResult, caught};

/// A pipeline that folds its events; await it for the value and the summary.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Fold<T, S, F, I, G, O, K, J> {
    pub(super) from: PipelineSender<T, S, F>,
    pub(super) init: I,
    pub(super) fold: G,
    pub(super) merge: J,
    pub(super) marker: PhantomData<fn() -> (O, K)>,
}

impl<T, A, S, F, I, G, O, K, J> IntoFuture for Fold<T, S, F, I, G, O, K, J>
where
    T: Send + 'static,
    A: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    I: Fn() -> A + Clone + Send + Sync + 'static,
    G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
    O: IntoResult<(), K> + 'static,
    K: 'static,
    J: Fn(A, A) -> A + Send + 'static,
{
    type Output = Result<(A, FinalEvent), AsyncTaskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { from, init, fold, merge, .. } = self;
        Box::pin(async move {
            let first = init.clone();
            let Outcome { result, end } =
                from.run(Folding::<I, G, O, K> { init, fold, marker: PhantomData }).await?;
            let summary = result?;
            let value = caught(|| end.into_iter().reduce(merge).unwrap_or_else(first))?;
            Ok((value, summary))
        })
    }
}

impl<T, A, S, F, I, G, O, K, J> Fold<T, S, F, I, G, O, K, J>
where
    Self: IntoFuture<Output = Result<(A, FinalEvent), AsyncTaskError>, IntoFuture: Send + 'static>,
    A: Send + 'static,
    S: RuntimeSource,
{
    /// Starts the pipeline now, as a task of its own, whose handle is a future of the value and the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<(A, FinalEvent), S::Runtime> {
        let (source, settings) = (self.from.source.clone(), self.from.settings.clone());
        spawn_whole(source, &settings, self.into_future())
    }
}
