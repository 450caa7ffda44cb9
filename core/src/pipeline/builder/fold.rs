//! A pipeline that folds its events.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::AsyncTaskError;
use crate::pipeline::engine::{Folding, Outcome};
use crate::pipeline::progress::Counters;
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

impl<T, S, F, I, G, O, K, J> Fold<T, S, F, I, G, O, K, J> {
    /// As [`Pipeline::blocking`](super::Pipeline::blocking).
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
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    I: Fn() -> A + Clone + Send + Sync + 'static,
    G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
    O: IntoResult<(), K> + 'static,
    K: 'static,
    J: Fn(A, A) -> A + Send + 'static,
{
    async fn run(self, counters: Arc<Counters>) -> Result<(A, FinalEvent), AsyncTaskError> {
        let Self { from, init, fold, merge, .. } = self;
        let first = init.clone();
        let folding = Folding::<I, G, O, K> { init, fold, marker: PhantomData };
        let Outcome { ended, summary, end } = from.run(counters, folding).await?;
        let summary = ended.told(&summary.into())?;
        let value = caught(|| end.into_iter().reduce(merge).unwrap_or_else(first))?;
        Ok((value, summary))
    }

    /// Starts the pipeline now, as a task of its own, whose handle is a future of the value and the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<(A, FinalEvent), S::Runtime> {
        let (source, named) = (self.from.source.clone(), self.from.settings.whole());
        let counters = Arc::<Counters>::default();
        spawn_whole(source, named, counters.clone(), self.run(counters))
    }
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
        Box::pin(self.run(Arc::default()))
    }
}
