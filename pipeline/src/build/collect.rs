//! A pipeline whose receiver may collect.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

use crate::build::boxed::BoxedPipeline;
use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::build::whole::{End, Start, Whole};
use crate::collect::Collector;
use crate::collect::collection::Collection;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::key::Key;
use crate::collect::store::CollectionStore;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::call::delivery::Delivery;
use crate::run::work::call::receive::Receive;
use crate::run::work::handlers::collecting::Collecting;
use crate::run::work::handlers::receiving::Receiving;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::internals::Sync;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline that is ready to run.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct Pipeline<T, S, F, G> {
    pub(crate) from: PipelineSender<T, S, F>,
    pub(crate) receiver: G,
}

/// A receiver that may collect, with the types that inference found for it. Its argument is an `A`.
pub struct Receiver<G, O, M, K, V, A> {
    receiver: G,
    rule: OnDuplicate<V>,
    kind: PhantomData<fn(A) -> (O, M)>,
    keys: PhantomData<fn() -> K>,
}

impl<G, O, M, K, V, A> Receiver<G, O, M, K, V, A> {
    pub(crate) fn new(receiver: G) -> Self {
        Self { receiver, rule: OnDuplicate::KeepLast, kind: PhantomData, keys: PhantomData }
    }
}

impl<G: Clone, O, M, K, V, A> Clone for Receiver<G, O, M, K, V, A> {
    fn clone(&self) -> Self {
        Self { rule: self.rule.clone(), ..Self::new(self.receiver.clone()) }
    }
}

impl<T, S, F, G, O, X, K, V, A> Pipeline<T, S, F, Receiver<G, O, Sync<X>, K, V, A>> {
    /// Runs the receiver, which is synchronous, on the blocking pool, one chunk at a time. The receiver may
    /// block or compute for long, and the executor's threads stay free. A thread is taken only once a chunk
    /// is there, and it is the chunk's turn.
    ///
    /// A kill stops the receiver between two events, and waits for the call under way. A time limit does not
    /// wait; its error says that the call still runs.
    pub fn blocking(mut self) -> Self {
        self.from.settings.blocking = true;
        self
    }
}

impl<T, S, F, G, O, M, K, V, A> Pipeline<T, S, F, Receiver<G, O, M, K, V, A>>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: Upstream<T>,
    G: Fn(A, Collector<K, V>) -> O + Send + std::marker::Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Key,
    V: Send + 'static,
    A: Delivery<T> + 'static,
{
    /// Sets the rule for a key that is collected more than once. By default the value that is last in source
    /// order stays.
    pub fn on_duplicate(mut self, rule: OnDuplicate<V>) -> Self {
        self.receiver.rule = rule;
        self
    }

    /// Runs the pipeline to its end and returns the value that `handler` makes of it: of the summary or the
    /// error that ended the pipeline, and of all that was collected until then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the sender and the workers. The task around it, if there is one, does not
    /// end before them.
    #[track_caller]
    pub fn await_final_event<U>(
        self,
        handler: impl FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> U,
    ) -> impl Future<Output = U> {
        let spawn_site = Location::caller();
        async move {
            let (event, collection) = collected(self.whole().in_place(spawn_site).await);
            handler(event, collection)
        }
    }

    /// Starts the pipeline now, as a task of its own. The handle is a future of the value that `handler`
    /// makes of the end, as in [`await_final_event`](Self::await_final_event).
    #[track_caller]
    pub fn spawn<U, E, H>(self, handler: H) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        E: Into<BoxError>,
        F: Send + 'static,
        H: FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> Result<U, E> + Send + 'static,
    {
        self.whole().spawn(move |end| {
            let (event, collection) = collected(end);
            handler(event, collection).map_err(AsyncTaskError::failure)
        })
    }

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
    pub fn boxed(self) -> BoxedPipeline<S, K, V>
    where
        F: Send + 'static,
    {
        let whole = self.whole();
        let (source, task) = (whole.source.clone(), whole.settings.task.clone());
        let start: Start<S::Runtime> =
            Box::new(|runtime, task, counters| whole.start(runtime, task, counters));
        BoxedPipeline { source, task, start, entries: PhantomData }
    }

    #[allow(clippy::type_complexity, reason = "a name for it would say no more")]
    fn whole(self) -> Whole<T, S, F, Receiving<Collecting<G, O, M, K, V>, A>> {
        let Receiver { receiver, rule, .. } = self.receiver;
        let store = CollectionStore::open(rule, self.from.settings.max_errors);
        let collecting = Collecting::<G, O, M, K, V> { receiver, store, marker: PhantomData };
        self.from.whole(Receiving::<_, A>::new(collecting))
    }
}

/// The arguments of a final handler.
pub(crate) fn collected<K: 'static, V>(
    end: End<Collection<K, V>>,
) -> (Result<FinalEvent, AsyncTaskError>, Collection<K, V>) {
    match end {
        (event, Some((summary, collection))) => (event, collection.with_summary(summary)),
        (event, None) => (event, Collection::nothing()),
    }
}
