//! A pipeline whose receiver keeps nothing.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::AsyncTaskError;
use crate::pipeline::engine::Each;
use crate::pipeline::receiver::Receive;
use crate::pipeline::{EmittingTask, Event, FinalEvent, Sources};
use crate::runtime::RuntimeSource;

/// A pipeline that collects nothing; await it for its summary.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct ForEach<T, S, F, G, O, M> {
    pub(super) from: PipelineSender<T, S, F>,
    pub(super) receiver: G,
    pub(super) marker: PhantomData<fn() -> (O, M)>,
}

impl<T, S, F, G, O, M> IntoFuture for ForEach<T, S, F, G, O, M>
where
    T: Send + 'static,
    S: RuntimeSource<Runtime: Send> + 'static,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    G: Fn(Event<T>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name to put here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { from, receiver, .. } = self;
        Box::pin(async move { from.run(Each::<G, O, M> { receiver, marker: PhantomData }).await?.result })
    }
}

impl<T, S, F, G, O, M> ForEach<T, S, F, G, O, M>
where
    Self: IntoFuture<Output = Result<FinalEvent, AsyncTaskError>, IntoFuture: Send + 'static>,
    S: RuntimeSource,
{
    /// Starts the pipeline now, as a task of its own, whose handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        let (source, settings) = (self.from.source.clone(), self.from.settings.clone());
        spawn_whole(source, &settings, self.into_future())
    }
}
