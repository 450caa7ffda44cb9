//! A pipeline whose type names none of its closures.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

use crate::build::collect::{Pipeline, Receiver, collected};
use crate::build::upstream::Upstream;
use crate::build::whole::{Start, in_place, spawn};
use crate::collect::Collector;
use crate::collect::collection::Collection;
use crate::collect::key::Key;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::call::delivery::Delivery;
use crate::run::work::call::receive::Receive;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::Configured;
use sweet_async_core::runtime::RuntimeSource;

/// Not covariant: the end is found by the exact types of its keys and values.
type Entries<K, V> = fn((K, V)) -> (K, V);

/// A pipeline whose type names none of its closures, for functions that return one and structs that hold one.
/// It is made by [`Pipeline::boxed`](crate::Pipeline::boxed), and runs as a [`Pipeline`](crate::Pipeline)
/// does.
#[must_use = "a pipeline does nothing until its end is awaited"]
pub struct BoxedPipeline<S: RuntimeSource, K, V> {
    source: S,
    task: Configured,
    start: Start<S::Runtime>,
    entries: PhantomData<Entries<K, V>>,
}

impl<T, S, F, G, O, M, K, V, A> Pipeline<T, S, F, Receiver<G, O, M, K, V, A>>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    G: Fn(A, Collector<K, V>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Key,
    V: Send + 'static,
    A: Delivery<T> + 'static,
{
    /// Returns the same pipeline with a type that names none of its closures, so that a function can return
    /// it and a struct can hold it.
    ///
    /// ```
    /// # use sweet_async_core::DynRuntime;
    /// # use sweet_async_pipeline::{BoxedPipeline, ChunkSizeExt as _, Event, PipelineBuilder};
    /// fn squares(runtime: &DynRuntime, most: u64) -> BoxedPipeline<DynRuntime, u64, u64> {
    ///     PipelineBuilder::<u64, _>::new(runtime.clone())
    ///         .sender(move |sources| sources.of(0..most).into_chunks(100.items()))
    ///         .receiver(|event: Event<u64>, collector| collector.collect(*event.data(), event.data().pow(2)))
    ///         .boxed()
    /// }
    /// ```
    ///
    /// Cost: one box for the whole pipeline, and nothing for its events.
    pub fn boxed(self) -> BoxedPipeline<S, K, V> {
        let whole = self.whole();
        let (source, task) = (whole.source.clone(), whole.settings.task.clone());
        BoxedPipeline { source, task, start: whole.boxed(), entries: PhantomData }
    }
}

impl<S: RuntimeSource, K: Key, V: Send + 'static> BoxedPipeline<S, K, V> {
    /// As [`Pipeline::await_final_event`](crate::Pipeline::await_final_event).
    ///
    /// # Cancel safety
    ///
    /// The same as there.
    #[track_caller]
    pub fn await_final_event<U>(
        self,
        handler: impl FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> U,
    ) -> impl Future<Output = U> {
        let spawn_site = Location::caller();
        async move {
            let (event, collection) =
                collected(in_place(self.source, self.task, self.start, spawn_site).await);
            handler(event, collection)
        }
    }

    /// As [`Pipeline::spawn`](crate::Pipeline::spawn).
    #[track_caller]
    pub fn spawn<U, E, H>(self, handler: H) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        E: Into<BoxError>,
        H: FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> Result<U, E> + Send + 'static,
    {
        let finish = move |end| {
            let (event, collection) = collected(end);
            handler(event, collection).map_err(AsyncTaskError::failure)
        };
        spawn(self.source, self.task, self.start, Box::new(finish))
    }
}

impl<S: RuntimeSource, K, V> fmt::Debug for BoxedPipeline<S, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedPipeline").field("name", &self.task.name()).finish_non_exhaustive()
    }
}
