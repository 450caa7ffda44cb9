//! A pipeline whose sources are named, and whose receiver is not yet set.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::build::collect::{Pipeline, Receiver};
use crate::build::fold::Fold;
use crate::build::for_each::ForEach;
use crate::build::upstream::Upstream;
use crate::build::whole::Whole;
use crate::collect::Collector;
use crate::collect::key::Key;
use crate::event::batch::Batch;
use crate::event::single::Event;
use crate::policy::RetryEvents;
use crate::run::shared::control::{Batches, Settings};
use crate::run::work::call::answer::{Answered, IntoAnswer};
use crate::run::work::call::receive::{Receive, Tries};
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::IntoResult;

/// A pipeline whose sources are named. Its methods add stages and set the receiver of its events.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct PipelineSender<T, S, F> {
    pub(crate) source: S,
    pub(crate) settings: Settings,
    pub(crate) retrying: Option<RetryEvents<T>>,
    pub(crate) sender: F,
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

    /// As [`for_each`](Self::for_each), for a body that uses `?` and names no error type.
    pub fn try_for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Event<T>>
    where
        G: Fn(Event<T>) -> O + Send + Sync + 'static,
        O: Tries<M> + IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        self.for_each(receiver)
    }

    /// Sets the receiver of each event, which collects nothing. Await the pipeline for the summary.
    pub fn for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Event<T>>
    where
        G: Fn(Event<T>) -> O + Send + Sync + 'static,
        O: IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        ForEach { from: self, receiver, marker: PhantomData }
    }

    /// Ends the pipeline, as a success, once `events` events were handed out: to the receiver, or to an end
    /// without one. Rows that cannot be parsed do not count. Events that the receiver refuses count. All events that were
    /// handed out are handled to their end, however often they are retried. Zero hands out none.
    ///
    /// The events are the first in source order under [`ordered`](crate::PipelineBuilder::ordered),
    /// [`sequence`](crate::PipelineBuilder::sequence) and with one worker. Otherwise they are those that the
    /// workers come to first. More rows are read than are handed out, and count as dropped. A source that
    /// fails, and a row that is rejected, after the last event in source order are ignored.
    ///
    /// It is refused ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)) with
    /// [stages](Self::map), which make other events of those of rows. There, a receiver can return
    /// [`ControlFlow::Break`](std::ops::ControlFlow::Break).
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, PipelineBuilder};
    /// # async fn first<R: Runtime>(runtime: R) -> Result<Vec<u64>, AsyncTaskError> {
    /// let (first, _summary) = PipelineBuilder::<u64, _>::new(runtime)
    ///     .ordered()
    ///     .sender(|sources| sources.of(0..).into_chunks(100.items()))
    ///     .take(10)
    ///     .collect_vec()
    ///     .await?;
    /// # Ok(first)
    /// # }
    /// ```
    ///
    /// Cost: a shared counter for each event.
    pub fn take(mut self, events: u64) -> Self {
        self.settings.take = Some(events);
        self
    }

    /// Passes events to the receiver in batches. Each worker gathers until it has `size` events, or until
    /// `delay` has passed since the first of them came, or until there are no more. If the receiver fails for
    /// a batch, all of its rows are rejected with one error, at the first of them.
    ///
    /// Gathered events are held in addition to the chunks of the queue: up to `size` events for each worker.
    ///
    /// Events of a [queue](crate::Sources::of_queue) hold their messages. So a batch with such events is also handed
    /// over when their queue has given nothing for 50 ms, and when no more is read from it. A message is
    /// settled once the batch with its last row is handled.
    pub fn batched(mut self, size: usize, delay: Duration) -> BatchedSender<T, S, F> {
        self.settings.batches = Some(Batches { size, delay });
        BatchedSender(self)
    }

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

    /// The whole pipeline, with the handler of its events.
    pub(crate) fn whole<H>(self, handler: H) -> Whole<T, S, F, H> {
        let Self { source, settings, retrying, sender } = self;
        Whole { source, settings, retrying, sender, handler }
    }
}

/// A pipeline that passes several events at a time to its receiver; see [`PipelineSender::batched`].
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct BatchedSender<T, S, F>(PipelineSender<T, S, F>);

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

    /// As [`PipelineSender::try_for_each`], with a batch in place of an event.
    pub fn try_for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Batch<T>>
    where
        G: Fn(Batch<T>) -> O + Send + Sync + 'static,
        O: Tries<M> + IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        self.for_each(receiver)
    }

    /// As [`PipelineSender::for_each`], with a batch in place of an event.
    pub fn for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M, Batch<T>>
    where
        G: Fn(Batch<T>) -> O + Send + Sync + 'static,
        O: IntoAnswer<M> + 'static,
        M: Receive<O>,
    {
        ForEach { from: self.0, receiver, marker: PhantomData }
    }
}
