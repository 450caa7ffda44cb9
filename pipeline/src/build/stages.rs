//! The stages of a pipeline, between its sender and its end.

use std::future::Future;
use std::hash::Hash;

use crate::build::sender::PipelineSender;
use crate::build::upstream::{Parts, Staged, Upstream};
use crate::source::sources::Sources;
use crate::stage::awaited::Awaited;
use crate::stage::chain::{Chain, Extend};
use crate::stage::each::Each;
use crate::stage::keyed::Keyed;
use crate::stage::many::Many;
use crate::stage::step::{Filter, FlatMap, Inspect, Map, TryMap};
use sweet_async_core::error::BoxError;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline whose last stage is a `C`.
type With<U, S, T, F, C> = PipelineSender<U, S, Staged<<F as Upstream<T>>::Sender, C>>;

/// A pipeline with one more stage that makes at most one value of a value.
type WithEach<U, S, T, F, P> = With<U, S, T, F, Each<<F as Upstream<T>>::Chain, P>>;

/// A pipeline with one more stage that is awaited.
type WithAwaited<U, S, T, F, P> = With<U, S, T, F, Awaited<<F as Upstream<T>>::Chain, P>>;

/// # Stages
///
/// Stages stand between the sender and the end of a pipeline. They take and give values. Each worker runs them
/// for its rows, right before the receiver, so they run in parallel. Every end works after stages, except
/// [`publish`](Self::publish), which publishes the text as it was read.
///
/// ```
/// # use sweet_async_core::{AsyncTaskError, Runtime};
/// # use sweet_async_pipeline::{ChunkSizeExt as _, Event, PipelineBuilder};
/// # async fn sum<R: Runtime>(runtime: R) -> Result<u64, AsyncTaskError> {
/// let (sum, _summary) = PipelineBuilder::<String, _>::new(runtime)
///     .sender(|sources| sources.of_bytes("1\n-\n2\n").lines().into_chunks(100.lines()))
///     .filter(|line| line != "-")
///     .try_map(|line| line.parse::<u64>())
///     .map(|number| number * number)
///     .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
///     .await?;
/// # Ok(sum)
/// # }
/// ```
///
/// - **Position.** Events keep position, sequence, source and id of the row that they were made of. Where
///   [`flat_map`](Self::flat_map) makes several values of a row, their events have the same.
/// - **Counts** are those of rows. A row that a stage filters out is handled. One of which several values were
///   made is handled once the receiver has succeeded for all of them.
/// - **Errors.** The error or the panic of a stage is that of its row, and so is the receiver's: the row is
///   rejected, the [`ErrorStrategy`](crate::ErrorStrategy) applies, and what a receiver has collected of the
///   row's values does not count. A value that a fold has taken stays in it.
/// - **Enough.** A receiver that returns [`ControlFlow::Break`](std::ops::ControlFlow::Break) for one value gets
///   no further value of its row, which is handled, and ends the pipeline after that row. [`take`](Self::take) is
///   refused with stages ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)).
/// - **Lists, files and sinks** ([`collect_vec`](Self::collect_vec), [`write_lines`](Self::write_lines) and its like,
///   [`forward`](Self::forward)) get the values of a row in their order: all of them or, where the row is rejected,
///   none.
/// - **Retries** begin with the row: all its stages run again, with a clone of the row.
/// - **[Event timeouts](crate::PipelineBuilder::event_timeout)** limit each attempt for a row, its stages
///   included, if a stage or the receiver is asynchronous.
/// - **Policies around calls** ([breaker](crate::PipelineBuilder::event_circuit_breaker),
///   [limiter](crate::PipelineBuilder::event_limiter), [chaos](crate::PipelineBuilder::chaos)) are around each
///   attempt for a row, its stages included.
/// - **[Source order](crate::PipelineBuilder::ordered).** With several workers, each runs the stages of its chunk
///   before the chunk's turn, so that stages run in parallel and the receiver still gets the values in source
///   order. The values of a chunk are held until its turn. The time limit of events then holds for the stages of
///   a row and for the receiver's call separately, and a rate for the stages. The same with
///   [`concurrent`](Self::concurrent). Chaos is injected before the stages, and a breaker or a limiter is refused.
/// - **[Batches](Self::batched)** are made of values. All values of one row are in one batch, which may
///   therefore be larger than its size. A stage before a batch has failed or succeeded once the value is in the
///   batch, so batches after stages cannot be retried
///   ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)), and policies around calls are around
///   that with the batch. While an asynchronous stage is
///   awaited its worker hands over no batch.
///
/// Cost: that of the closure. A chain of synchronous stages is compiled into the loop over the rows, and one of
/// asynchronous stages into one future for a row, without a box.
// The bound `Extend` is on the methods and not on the impl: behind `key_by`, the compiler then says why there is no
// further stage.
impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Passes on the result of `map` for each value.
    pub fn map<U, G>(self, map: G) -> WithEach<U, S, T, F, Map<G>>
    where
        F::Chain: Extend,
        U: Send + 'static,
        G: Fn(T) -> U + Send + Sync + 'static,
    {
        self.then(|chain| Each::new(chain, Map(map)))
    }

    /// Passes on the result of `map` for each value, or rejects the row with its error.
    pub fn try_map<U, E, G>(self, map: G) -> WithEach<U, S, T, F, TryMap<G>>
    where
        F::Chain: Extend,
        U: Send + 'static,
        E: Into<BoxError>,
        G: Fn(T) -> Result<U, E> + Send + Sync + 'static,
    {
        self.then(|chain| Each::new(chain, TryMap(map)))
    }

    /// Passes on the values for which `keeps` is true. The row of another value is handled.
    pub fn filter<G>(self, keeps: G) -> WithEach<T, S, T, F, Filter<G>>
    where
        F::Chain: Extend,
        G: Fn(&T) -> bool + Send + Sync + 'static,
    {
        self.then(|chain| Each::new(chain, Filter(keeps)))
    }

    /// Calls `inspect` with each value, and passes the value on.
    pub fn inspect<G>(self, inspect: G) -> WithEach<T, S, T, F, Inspect<G>>
    where
        F::Chain: Extend,
        G: Fn(&T) + Send + Sync + 'static,
    {
        self.then(|chain| Each::new(chain, Inspect(inspect)))
    }

    /// Passes on each value that `map` makes of a value, in their order. The iterator is advanced as its values
    /// are handled. Other tasks run between two rows, so the values of one row are handled without a pause.
    #[allow(clippy::type_complexity, reason = "a name for it would say no more, and hide what is public")]
    pub fn flat_map<I, G>(
        self,
        map: G,
    ) -> PipelineSender<I::Item, S, Staged<F::Sender, Many<F::Chain, FlatMap<G>>>>
    where
        F::Chain: Extend,
        I: IntoIterator<Item: Send + 'static, IntoIter: Send>,
        G: Fn(T) -> I + Send + Sync + 'static,
    {
        self.then(|chain| Many::new(chain, FlatMap(map)))
    }

    /// As [`map`](Self::map), with a future of the value to pass on. A worker awaits it before it goes on to
    /// its next row: a stage that mostly waits needs more [workers](crate::PipelineBuilder::workers).
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, Event, FinalEvent, PipelineBuilder};
    /// # async fn fetch(id: u64) -> Result<String, std::io::Error> { Ok(id.to_string()) }
    /// # async fn all<R: Runtime>(runtime: R) -> Result<FinalEvent, AsyncTaskError> {
    /// PipelineBuilder::<u64, _>::new(runtime)
    ///     .workers(16)
    ///     .sender(|sources| sources.of(0..1000).into_chunks(10.items()))
    ///     .try_map_async(fetch)
    ///     .map(|page| page.len())
    ///     .for_each(|event: Event<usize>| drop(event))
    ///     .await
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// The future is dropped at its next await when the pipeline is killed, or at the time limit of the event.
    pub fn map_async<O, G>(self, map: G) -> WithAwaited<O::Output, S, T, F, Map<G>>
    where
        F::Chain: Extend,
        O: Future<Output: Send + 'static> + Send,
        G: Fn(T) -> O + Send + Sync + 'static,
    {
        self.then(|chain| Awaited::new(chain, Map(map)))
    }

    /// As [`try_map`](Self::try_map), with a future: see [`map_async`](Self::map_async).
    pub fn try_map_async<U, E, O, G>(self, map: G) -> WithAwaited<U, S, T, F, TryMap<G>>
    where
        F::Chain: Extend,
        U: Send + 'static,
        E: Into<BoxError>,
        O: Future<Output = Result<U, E>> + Send,
        G: Fn(T) -> O + Send + Sync + 'static,
    {
        self.then(|chain| Awaited::new(chain, TryMap(map)))
    }

    /// As [`filter`](Self::filter), with a future, which cannot borrow the value: see
    /// [`map_async`](Self::map_async).
    pub fn filter_async<O, G>(self, keeps: G) -> WithAwaited<T, S, T, F, Filter<G>>
    where
        F::Chain: Extend,
        O: Future<Output = bool> + Send,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.then(|chain| Awaited::new(chain, Filter(keeps)))
    }

    /// As [`inspect`](Self::inspect), with a future, which cannot borrow the value: see
    /// [`map_async`](Self::map_async).
    pub fn inspect_async<O, G>(self, inspect: G) -> WithAwaited<T, S, T, F, Inspect<G>>
    where
        F::Chain: Extend,
        O: Future<Output = ()> + Send,
        G: Fn(&T) -> O + Send + Sync + 'static,
    {
        self.then(|chain| Awaited::new(chain, Inspect(inspect)))
    }

    /// As [`flat_map`](Self::flat_map), with a future of the values: see [`map_async`](Self::map_async).
    #[allow(clippy::type_complexity, reason = "a name for it would say no more, and hide what is public")]
    pub fn flat_map_async<I, O, G>(
        self,
        map: G,
    ) -> PipelineSender<I::Item, S, Staged<F::Sender, Many<Awaited<F::Chain, Map<G>>, FlatMap<fn(I) -> I>>>>
    where
        F::Chain: Extend,
        I: IntoIterator<Item: Send + 'static, IntoIter: Send> + Send + 'static,
        O: Future<Output = I> + Send,
        G: Fn(T) -> O + Send + Sync + 'static,
    {
        let same: fn(I) -> I = std::convert::identity;
        self.then(|chain| Many::new(Awaited::new(chain, Map(map)), FlatMap(same)))
    }

    /// Gives events keys: the receiver gets the events of one key in source order, one at a time, and those of
    /// different keys in parallel. So what happens to one account, say, happens in its order. It comes after
    /// all stages, which run in parallel for events of one key as well. The key cannot borrow from the value: of
    /// a text, for example, it is a clone.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, Event, FinalEvent, PipelineBuilder};
    /// # async fn apply(account: u64, amount: i64) -> Result<(), std::io::Error> { Ok(()) }
    /// # async fn all<R: Runtime>(runtime: R, bookings: Vec<(u64, i64)>) -> Result<FinalEvent, AsyncTaskError> {
    /// PipelineBuilder::<(u64, i64), _>::new(runtime)
    ///     .sender(|sources| sources.of(bookings).into_chunks(100.items()))
    ///     .key_by(|(account, _)| *account)
    ///     .for_each(|event: Event<(u64, i64)>| {
    ///         let (account, amount) = event.take_data();
    ///         apply(account, amount)
    ///     })
    ///     .await
    /// # }
    /// ```
    ///
    /// A row of which [`flat_map`](Self::flat_map) made several values waits for the rows before it that have
    /// one of its keys. A row whose receiver is retried keeps its keys meanwhile. The receiver gets values of a
    /// chunk once the stages of all its rows have run, and its worker waits where the next row of the chunk must
    /// wait. Chunks of several sources come in the order of the sources. About one in four thousand other keys is
    /// handled in order with a key, as if it were the same.
    ///
    /// It is refused with [`ordered`](crate::PipelineBuilder::ordered), which orders all events, with batches,
    /// and, for several workers, with a breaker or a limiter of events
    /// ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)).
    ///
    /// A row whose stages have failed at first, where events are tried again, may be of any key: it waits for all
    /// rows before it, and the rows after it wait for it. The stages must give a row the same keys each time.
    ///
    /// Cost: some allocations for each row.
    pub fn key_by<K, G>(self, key: G) -> With<T, S, T, F, Keyed<F::Chain, G>>
    where
        F::Chain: Extend,
        K: Hash,
        G: Fn(&T) -> K + Send + Sync + 'static,
    {
        self.then(|chain| Keyed::new(chain, key))
    }

    /// Adds a stage to the chain.
    fn then<C>(self, add: impl FnOnce(F::Chain) -> C) -> With<C::Out, S, T, F, C>
    where
        C: Chain<Row = F::Row>,
    {
        let Self { source, settings, retrying, sender } = self;
        let Parts { sender, chain, retrying } = sender.split(retrying);
        let sender = Staged(Parts { sender, chain: add(chain), retrying });
        PipelineSender { source, settings, retrying: None, sender }
    }
}

impl<T, S, F, C> PipelineSender<T, S, Staged<F, C>>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<C::Row>),
    C: Chain<Out = T>,
{
    /// Lets each worker run the stages of up to `rows` rows of its chunk at the same time, instead of one row
    /// after the other. So a few workers keep many requests under way, without a task for each. It holds for all
    /// stages, also for those that are added later. By default it is 1.
    ///
    /// The receiver is called as before, for one event at a time in each worker. It gets the values of a chunk
    /// once the stages of all its rows have run, in the order of the rows. So a chunk should have about `rows`
    /// rows, or a few times as many. Further attempts for an event are made one after the other.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, Event, FinalEvent, PipelineBuilder};
    /// # async fn fetch(id: u64) -> Result<String, std::io::Error> { Ok(id.to_string()) }
    /// # async fn all<R: Runtime>(runtime: R) -> Result<FinalEvent, AsyncTaskError> {
    /// PipelineBuilder::<u64, _>::new(runtime)
    ///     .sender(|sources| sources.of(0..10_000).into_chunks(256.items()))
    ///     .try_map_async(fetch)
    ///     .concurrent(64)
    ///     .for_each(|event: Event<String>| drop(event))
    ///     .await
    /// # }
    /// ```
    ///
    /// From 1 to 65,536; another number, and a pipeline without an asynchronous stage, is refused
    /// ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)).
    ///
    /// Cost: one allocation for each row.
    pub fn concurrent(mut self, rows: usize) -> Self {
        self.settings.concurrent = Some(rows);
        self
    }
}
