//! A pipeline whose receiver keeps nothing.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::AsyncTaskError;
use crate::pipeline::engine::{Each, Outcome, Receiving};
use crate::pipeline::progress::Counters;
use crate::pipeline::receiver::{Delivery, Receive};
use crate::pipeline::{EmittingTask, FinalEvent, Sources};
use crate::runtime::RuntimeSource;
use crate::task::Sync;

/// A pipeline that collects nothing; await it for its summary. Its receiver is handed an `A`.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct ForEach<T, S, F, G, O, M, A> {
    pub(super) from: PipelineSender<T, S, F>,
    pub(super) receiver: G,
    pub(super) marker: PhantomData<fn(A) -> (O, M)>,
}

impl<T, S, F, G, O, K, A> ForEach<T, S, F, G, O, Sync<K>, A> {
    /// As [`Pipeline::blocking`](super::Pipeline::blocking).
    pub fn blocking(mut self) -> Self {
        self.from.settings.blocking = true;
        self
    }
}

impl<T, S, F, G, O, M, A> ForEach<T, S, F, G, O, M, A>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    G: Fn(A) -> O + Send + std::marker::Sync + 'static,
    O: 'static,
    M: Receive<O>,
    A: Delivery<T> + 'static,
{
    async fn run(self, counters: Arc<Counters>) -> Result<FinalEvent, AsyncTaskError> {
        let Self { from, receiver, .. } = self;
        let each = Receiving::<_, A>::new(Each::<G, O, M> { receiver, marker: PhantomData });
        let Outcome { ended, summary, .. } = from.run(counters, each).await?;
        ended.told(&summary.into())
    }

    /// Starts the pipeline now, as a task of its own, whose handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        let (source, named) = (self.from.source.clone(), self.from.settings.whole());
        let counters = Arc::<Counters>::default();
        spawn_whole(source, named, counters.clone(), self.run(counters))
    }
}

impl<T, S, F, G, O, M, A> IntoFuture for ForEach<T, S, F, G, O, M, A>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    G: Fn(A) -> O + Send + std::marker::Sync + 'static,
    O: 'static,
    M: Receive<O>,
    A: Delivery<T> + 'static,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name to put here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run(Arc::default()))
    }
}
