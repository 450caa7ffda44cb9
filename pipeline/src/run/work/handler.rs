//! The handlers of events: they collect, fold, or only call the receiver.

use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::collect::Collector;
use crate::collect::calls::Calls;
use crate::collect::collection::Collection;
use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::installed::{Erased, with_installed};
use crate::collect::store::CollectionStore;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::attempts::one_by_one;
use crate::run::work::caller::Caller;
use crate::run::work::delivery::{Delivery, Sequenced};
use crate::run::work::feed::{Feed, WorkerState};
use crate::run::work::receive::Receive;
use crate::run::work::slot::StateSlot;
use crate::text::decode::Decoded;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::internals::Sync as Synchronous;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::IntoResult;

/// The handler of a pipeline's rows. One value serves all workers.
pub(crate) trait Handler<T>: Send + Sync + 'static {
    /// The state of one worker.
    type Local: Send + 'static;
    /// The result of the handler at the end.
    type End: Send;

    /// The initial states of the workers. Called once.
    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local>;

    /// Handles rows. Returns false when there are no more, and true after each batch: to be called again,
    /// once the messages whose rows are now handled were settled.
    fn handle<R, I>(
        &self,
        slot: &StateSlot<Self::Local>,
        time_slice: &mut TimeSlice,
        feed: &mut Feed<'_, T, R, I>,
    ) -> impl Future<Output = bool> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send;

    /// Handles the gathered events, whether the batch is full or not.
    fn finish<R: Runtime>(
        &self,
        slot: &StateSlot<Self::Local>,
        state: &mut WorkerState<'_, T, R>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (slot, state);
        std::future::ready(())
    }

    /// Hands over the results that a worker still holds at its end. Results stay with it where another worker
    /// uses their destination.
    ///
    /// # Errors
    ///
    /// A panic of user code.
    fn hand_over(&self, _: &mut Self::Local) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    /// The earliest row so far that will be rejected once all rows are there.
    fn rejected(&self) -> u64 {
        u64::MAX
    }

    /// True if positions of rows are reported at the end.
    fn reports_positions(&self) -> bool {
        false
    }

    /// True if an event that was handled once is handled for good.
    fn is_final(&self) -> bool {
        true
    }

    /// True if the call for an event can be dropped at its time limit.
    fn can_be_timed(&self) -> bool {
        false
    }

    /// The number of values that were collected under a key that was there already.
    fn duplicates(_: &Self::End) -> u64 {
        0
    }

    /// Waits until no more events are wanted.
    fn unwanted(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Called once, after all workers have ended, with their states and the names of the sources.
    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (DeferredRejections, Self::End)> + Send;
}

/// A user's receiver of events or of batches, whatever it does with them. Methods without a doc are as in
/// [`Handler`].
pub(crate) trait ReceiverCalls<A>: Send + Sync + 'static {
    type Output: 'static;
    type Kind: Receive<Self::Output>;
    /// The state of one worker: see [`Handler`].
    type Local: Send + 'static;
    type End: Send;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local>;

    /// Starts the next call of the worker.
    fn call(&self, calls: &Calls, argument: A) -> Self::Output;

    /// Runs user code with the worker's state installed.
    fn within(&self, slot: &StateSlot<Self::Local>, run: &mut dyn FnMut());

    /// Ends the call that was started last.
    fn end(&self, calls: &Calls, succeeded: bool);

    fn hand_over(&self, _: &mut Self::Local) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    fn rejected(&self) -> u64 {
        u64::MAX
    }

    fn reports_positions(&self) -> bool {
        false
    }

    fn duplicates(_: &Self::End) -> u64 {
        0
    }

    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (DeferredRejections, Self::End)> + Send;
}

/// A handler that calls a receiver.
pub(crate) struct Receiving<H, A> {
    receiver: H,
    argument: PhantomData<fn(A)>,
}

impl<H, A> Receiving<H, A> {
    pub(crate) fn new(receiver: H) -> Self {
        Self { receiver, argument: PhantomData }
    }
}

/// A receiver, as one worker calls it.
struct WorkerCaller<'r, 's, H, A, L> {
    receiving: &'r Receiving<H, A>,
    slot: &'s StateSlot<L>,
}

impl<H: ReceiverCalls<A>, A> Caller<A, H::Output> for WorkerCaller<'_, '_, H, A, H::Local> {
    #[inline]
    fn call(&self, argument: A) -> H::Output {
        self.receiving.receiver.call(self.slot.calls(), argument)
    }

    fn run(&self, code: &mut dyn FnMut()) {
        self.receiving.receiver.within(self.slot, code);
    }

    #[inline]
    fn end(&self, succeeded: bool) {
        self.receiving.receiver.end(self.slot.calls(), succeeded);
    }
}

impl<T, H, A> Handler<T> for Receiving<H, A>
where
    T: Send + 'static,
    A: Delivery<T> + 'static,
    H: ReceiverCalls<A>,
{
    type Local = H::Local;
    type End = H::End;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local> {
        self.receiver.locals(workers)
    }

    fn handle<R, I>(
        &self,
        slot: &StateSlot<Self::Local>,
        time_slice: &mut TimeSlice,
        feed: &mut Feed<'_, T, R, I>,
    ) -> impl Future<Output = bool> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        A::drive::<H::Kind, _, _, _, _>(feed, time_slice, WorkerCaller { receiving: self, slot })
    }

    fn finish<R: Runtime>(
        &self,
        slot: &StateSlot<Self::Local>,
        state: &mut WorkerState<'_, T, R>,
    ) -> impl Future<Output = ()> + Send {
        A::finish::<H::Kind, _, _, _>(state, WorkerCaller { receiving: self, slot })
    }

    fn hand_over(&self, local: &mut Self::Local) -> Result<(), AsyncTaskError> {
        self.receiver.hand_over(local)
    }

    fn rejected(&self) -> u64 {
        self.receiver.rejected()
    }

    fn reports_positions(&self) -> bool {
        self.receiver.reports_positions()
    }

    fn can_be_timed(&self) -> bool {
        H::Kind::CAN_BE_TIMED
    }

    fn duplicates(end: &H::End) -> u64 {
        H::duplicates(end)
    }

    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (DeferredRejections, Self::End)> + Send {
        self.receiver.close(locals, names)
    }
}

/// A receiver that may collect.
pub(crate) struct Collecting<F, O, M, K, V> {
    pub(crate) receiver: F,
    pub(crate) store: CollectionStore<K, V>,
    pub(crate) marker: PhantomData<fn() -> (O, M)>,
}

impl<A, F, O, M, K, V> ReceiverCalls<A> for Collecting<F, O, M, K, V>
where
    A: Sequenced,
    F: Fn(A, Collector<K, V>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    type Output = O;
    type Kind = M;
    type Local = Erased;
    type End = Collection<K, V>;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Erased> {
        self.store.shards(workers)
    }

    #[inline]
    fn call(&self, calls: &Calls, argument: A) -> O {
        let collector = Collector::of(self.store.pipeline, calls.begin(), argument.first_event());
        (self.receiver)(argument, collector)
    }

    fn within(&self, slot: &StateSlot<Self::Local>, run: &mut dyn FnMut()) {
        slot.with(|shard| with_installed(shard, run));
    }

    #[inline]
    fn end(&self, calls: &Calls, succeeded: bool) {
        self.store.end(calls, succeeded);
    }

    fn hand_over(&self, local: &mut Self::Local) -> Result<(), AsyncTaskError> {
        self.store.flush(local)
    }

    fn rejected(&self) -> u64 {
        self.store.rejected()
    }

    fn duplicates(end: &Collection<K, V>) -> u64 {
        end.duplicates()
    }

    fn reports_positions(&self) -> bool {
        true
    }

    async fn close(&self, locals: Vec<Self::Local>, names: &Names) -> (DeferredRejections, Collection<K, V>) {
        self.store.close(locals, names).await
    }
}

/// A receiver that keeps nothing.
pub(crate) struct Each<F, O, M> {
    pub(crate) receiver: F,
    pub(crate) marker: PhantomData<fn() -> (O, M)>,
}

impl<A, F, O, M> ReceiverCalls<A> for Each<F, O, M>
where
    F: Fn(A) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
{
    type Output = O;
    type Kind = M;
    type Local = ();
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<()> {
        vec![(); workers.len()]
    }

    fn call(&self, _: &Calls, argument: A) -> O {
        (self.receiver)(argument)
    }

    fn within(&self, _: &StateSlot<()>, run: &mut dyn FnMut()) {
        run();
    }

    fn end(&self, _: &Calls, _: bool) {}

    async fn close(&self, _: Vec<()>, _: &Names) -> (DeferredRejections, ()) {
        (DeferredRejections::default(), ())
    }
}

/// A handler that folds events into one value for each worker.
pub(crate) struct Folding<Init, F, O, K> {
    pub(crate) init: Init,
    pub(crate) fold: F,
    pub(crate) marker: PhantomData<fn() -> (O, K)>,
}

impl<T, A, Init, F, O, K> Handler<T> for Folding<Init, F, O, K>
where
    T: Send + 'static,
    A: Send + 'static,
    Init: Fn() -> A + Send + Sync + 'static,
    F: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
    O: IntoResult<(), K> + 'static,
    K: 'static,
{
    type Local = A;
    type End = Vec<A>;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<A> {
        workers.iter().map(|_| (self.init)()).collect()
    }

    async fn handle<R, I>(
        &self,
        slot: &StateSlot<A>,
        time_slice: &mut TimeSlice,
        feed: &mut Feed<'_, T, R, I>,
    ) -> bool
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        if feed.state.retrying.is_some() {
            let call = |event| slot.with(|local| (self.fold)(local.get_or_insert_with(&self.init), event));
            one_by_one::<Synchronous<K>, _, _, _, _, _>(feed, time_slice, call).await;
            return false;
        }
        loop {
            let more = slot.with(|local| {
                let folded = local.get_or_insert_with(&self.init);
                feed.slice(time_slice, |event| (self.fold)(folded, event).into_result(), |_| ())
            });
            feed.rest(time_slice).await;
            if !more {
                return false;
            }
        }
    }

    async fn close(&self, locals: Vec<A>, _: &Names) -> (DeferredRejections, Vec<A>) {
        (DeferredRejections::default(), locals)
    }
}
