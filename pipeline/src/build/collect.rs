//! A pipeline whose receiver may collect.

use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;

use crate::build::sender::{BatchedSender, PipelineSender};
use crate::build::upstream::Upstream;
use crate::build::whole::{End, Whole};
use crate::collect::Collector;
use crate::collect::collection::Collection;
use crate::collect::duplicate::OnDuplicate;
use crate::collect::key::Key;
use crate::collect::store::CollectionStore;
use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::call::answer::IntoAnswer;
use crate::run::work::call::delivery::Delivery;
use crate::run::work::call::receive::{Receive, Tries};
use crate::run::work::handlers::collecting::Collecting;
use crate::run::work::handlers::receiving::Receiving;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::internals;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline that is ready to run.
#[must_use = "a pipeline does nothing until its end is awaited"]
pub struct Pipeline<T, S, F, G> {
    from: PipelineSender<T, S, F>,
    receiver: G,
}

clonable! { Pipeline<T, S, F, G> { from, receiver } }

/// A receiver that may collect, with the types that inference found for it. Its argument is an `A`.
pub struct Receiver<G, O, M, K, V, A> {
    receiver: G,
    rule: OnDuplicate<V>,
    kind: PhantomData<fn(A) -> (O, M)>,
    keys: PhantomData<fn() -> K>,
}

impl<G, O, M, K, V, A> Receiver<G, O, M, K, V, A> {
    fn new(receiver: G) -> Self {
        Self { receiver, rule: OnDuplicate::KeepLast, kind: PhantomData, keys: PhantomData }
    }
}

impl<G: Clone, O, M, K, V, A> Clone for Receiver<G, O, M, K, V, A> {
    fn clone(&self) -> Self {
        Self { rule: self.rule.clone(), ..Self::new(self.receiver.clone()) }
    }
}

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Sets the receiver of each event. It is synchronous or asynchronous, and may return a `Result`. An
    /// error or a panic is the error of that event. Several workers call the receiver at the same time.
    ///
    /// A receiver may also return a [`ControlFlow`]. [`ControlFlow::Break`] ends the pipeline as a
    /// success: its event is handled, and no event after it, in source order, is handed out any more. Events
    /// before it still are, as for a row whose error ends the pipeline. So of several such events the
    /// earliest is the end, and a row that is rejected before it can still fail the pipeline. Events after it
    /// that workers have already are handled and count; rows that were read and not handed out count as
    /// dropped. A source that fails after the end is ignored.
    ///
    /// A synchronous receiver runs on the executor's threads in slices of about 200 us, or on the blocking
    /// pool if [`blocking`](Pipeline::blocking) is set.
    ///
    /// [`ControlFlow`]: std::ops::ControlFlow
    /// [`ControlFlow::Break`]: std::ops::ControlFlow::Break
    #[allow(clippy::type_complexity, reason = "a name for it would say no more, and hide what is public")]
    pub fn receiver<G, O, M, K, V>(self, receiver: G) -> Pipeline<T, S, F, Receiver<G, O, M, K, V, Event<T>>>
    where
        G: Fn(Event<T>, Collector<K, V>) -> O + Send + Sync + 'static,
        O: IntoAnswer<M> + 'static,
        M: Receive<O>,
        K: Key,
        V: Send + 'static,
    {
        Pipeline { from: self, receiver: Receiver::new(receiver) }
    }

    /// As [`receiver`](Self::receiver), for a body that uses `?` and names no error type.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, Collector, Event, PipelineBuilder};
    /// # async fn lengths<R: Runtime>(runtime: R) -> Result<usize, AsyncTaskError> {
    /// PipelineBuilder::<String, _>::new(runtime)
    ///     .sender(|sources| sources.of_bytes("1\n22\n").lines().into_chunks(100.lines()))
    ///     .try_receiver(|event: Event<String>, collector: Collector<u32, usize>| {
    ///         collector.collect(event.data().parse()?, event.data().len());
    ///         Ok(())
    ///     })
    ///     .await_final_event(|event, collector| event.map(|_| collector.len()))
    ///     .await
    /// # }
    /// ```
    #[allow(clippy::type_complexity, reason = "a name for it would say no more, and hide what is public")]
    pub fn try_receiver<G, O, M, K, V>(
        self,
        receiver: G,
    ) -> Pipeline<T, S, F, Receiver<G, O, M, K, V, Event<T>>>
    where
        G: Fn(Event<T>, Collector<K, V>) -> O + Send + Sync + 'static,
        O: Tries<M> + IntoAnswer<M> + 'static,
        M: Receive<O>,
        K: Key,
        V: Send + 'static,
    {
        self.receiver(receiver)
    }
}

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> BatchedSender<T, S, F> {
    /// As [`PipelineSender::receiver`], with a batch in place of an event.
    ///
    /// Collected values have the position of their batch in source order, which is that of its first event.
    #[allow(clippy::type_complexity, reason = "a name for it would say no more, and hide what is public")]
    pub fn receiver<G, O, M, K, V>(self, receiver: G) -> Pipeline<T, S, F, Receiver<G, O, M, K, V, Batch<T>>>
    where
        G: Fn(Batch<T>, Collector<K, V>) -> O + Send + Sync + 'static,
        O: IntoAnswer<M> + 'static,
        M: Receive<O>,
        K: Key,
        V: Send + 'static,
    {
        Pipeline { from: self.0, receiver: Receiver::new(receiver) }
    }

    /// As [`PipelineSender::try_receiver`], with a batch in place of an event.
    #[allow(clippy::type_complexity, reason = "a name for it would say no more, and hide what is public")]
    pub fn try_receiver<G, O, M, K, V>(
        self,
        receiver: G,
    ) -> Pipeline<T, S, F, Receiver<G, O, M, K, V, Batch<T>>>
    where
        G: Fn(Batch<T>, Collector<K, V>) -> O + Send + Sync + 'static,
        O: Tries<M> + IntoAnswer<M> + 'static,
        M: Receive<O>,
        K: Key,
        V: Send + 'static,
    {
        self.receiver(receiver)
    }
}

impl<T, S, F, G, O, X, K, V, A> Pipeline<T, S, F, Receiver<G, O, internals::Sync<X>, K, V, A>> {
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
    G: Fn(A, Collector<K, V>) -> O + Send + Sync + 'static,
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
    /// # Errors
    ///
    /// `handler` gets the error that ended the pipeline:
    ///
    /// - [`AsyncTaskError::InvalidConfig`] for a setting that is refused, before anything is read
    /// - [`AsyncTaskError::Io`] for a source that cannot be read, unless such sources are
    ///   [skipped](crate::PipelineBuilder::on_source_error)
    /// - the error of the first rejected row, where the [strategy](crate::ErrorStrategy) ends at it
    /// - [`TooManyErrors`](crate::TooManyErrors), as an [`AsyncTaskError::Failure`]
    /// - the time limit, the cancellation or the end of the runtime, as for any task
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
            let (event, collection) = collected(self.whole().in_place_unboxed(spawn_site).await);
            handler(event, collection)
        }
    }

    /// Starts the pipeline now, as a task of its own. The handle is a future of the value that `handler`
    /// makes of the end, as in [`await_final_event`](Self::await_final_event).
    ///
    /// # Errors
    ///
    /// The handle gives the error of `handler`, which gets that of the pipeline as there. A panic of `handler`
    /// is an [`AsyncTaskError::Panic`].
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

    #[allow(clippy::type_complexity, reason = "a name for it would say no more")]
    pub(crate) fn whole(self) -> Whole<T, S, F, Receiving<Collecting<G, O, M, K, V>, A>> {
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
