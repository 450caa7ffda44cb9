//! What is done with events: collect, fold, or just call.

use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::collect::Collector;
use crate::collect::calls::Calls;
use crate::collect::collection::Collection;
use crate::collect::deferred_rejections::Late;
use crate::collect::installed::{Erased, with_installed};
use crate::collect::store::Home;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::attempts::one_by_one;
use crate::run::work::caller::Caller;
use crate::run::work::delivery::{Delivery, Sequenced};
use crate::run::work::feed::{Desk, Feed};
use crate::run::work::receive::Receive;
use crate::run::work::slot::Slot;
use crate::text::decode::Decoded;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::Runtime;
use sweet_async_core::task::{IntoResult, Sync as Synchronous};

/// What is done with the rows of a pipeline; one value serves all workers.
pub(crate) trait Handler<T>: Send + Sync + 'static {
    /// What each worker has for itself.
    type Local: Send + 'static;
    /// What there is of it in the end.
    type End: Send;

    /// What each of the workers starts with. Called once.
    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local>;

    /// Handles rows until there are no more, and returns false; or until a batch was handed over, and returns true: to be called
    /// again, once the messages are settled whose rows are now handled.
    fn handle<R, I>(
        &self,
        slot: &Slot<Self::Local>,
        pace: &mut TimeSlice,
        feed: &mut Feed<'_, T, R, I>,
    ) -> impl Future<Output = bool> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send;

    /// Handles what was gathered, whole or not.
    fn finish<R: Runtime>(
        &self,
        slot: &Slot<Self::Local>,
        desk: &mut Desk<'_, T, R>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (slot, desk);
        std::future::ready(())
    }

    /// Hands over what a worker still holds, at its end, but for what others are in the way of.
    ///
    /// # Errors
    ///
    /// A panic of user code.
    fn hand_over(&self, _: &mut Self::Local) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    /// The earliest row so far that is known to be rejected once all is there.
    fn rejected(&self) -> u64 {
        u64::MAX
    }

    /// True if places of rows are told at the end.
    fn keeps_places(&self) -> bool {
        false
    }

    /// True if what was handled once is handled for good.
    fn is_final(&self) -> bool {
        true
    }

    /// True if a call for an event can be given up when its time is over.
    fn can_be_timed(&self) -> bool {
        false
    }

    /// Values that were collected under a key that was there already.
    fn duplicates(_: &Self::End) -> u64 {
        0
    }

    /// Waits until nobody wants what comes.
    fn unwanted(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Called once, when all workers are gone, with what they had for themselves and the sources' names.
    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (Late, Self::End)> + Send;
}

/// A user's receiver of events or of batches, whatever it does with them.
pub(crate) trait Reception<A>: Send + Sync + 'static {
    type Output: 'static;
    type Kind: Receive<Self::Output>;
    /// See [`Handler`], as for what follows.
    type Local: Send + 'static;
    type End: Send;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local>;

    /// Begins the next of the worker's calls.
    fn call(&self, calls: &Calls, argument: A) -> Self::Output;

    /// Runs the user's code with the worker's own state at hand.
    fn within(&self, slot: &Slot<Self::Local>, run: &mut dyn FnMut());

    /// Ends the call that was begun last.
    fn end(&self, calls: &Calls, succeeded: bool);

    fn hand_over(&self, _: &mut Self::Local) -> Result<(), AsyncTaskError> {
        Ok(())
    }

    fn rejected(&self) -> u64 {
        u64::MAX
    }

    fn keeps_places(&self) -> bool {
        false
    }

    fn duplicates(_: &Self::End) -> u64 {
        0
    }

    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &Names,
    ) -> impl Future<Output = (Late, Self::End)> + Send;
}

/// Calls a receiver.
pub(crate) struct Receiving<H, A> {
    reception: H,
    argument: PhantomData<fn(A)>,
}

impl<H, A> Receiving<H, A> {
    pub(crate) fn new(reception: H) -> Self {
        Self { reception, argument: PhantomData }
    }
}

/// A receiver as one worker calls it.
struct AtWorker<'r, 's, H, A, L> {
    receiving: &'r Receiving<H, A>,
    slot: &'s Slot<L>,
}

impl<H: Reception<A>, A> Caller<A, H::Output> for AtWorker<'_, '_, H, A, H::Local> {
    #[inline]
    fn call(&self, argument: A) -> H::Output {
        self.receiving.reception.call(self.slot.calls(), argument)
    }

    fn run(&self, code: &mut dyn FnMut()) {
        self.receiving.reception.within(self.slot, code);
    }

    #[inline]
    fn end(&self, succeeded: bool) {
        self.receiving.reception.end(self.slot.calls(), succeeded);
    }
}

impl<T, H, A> Handler<T> for Receiving<H, A>
where
    T: Send + 'static,
    A: Delivery<T> + 'static,
    H: Reception<A>,
{
    type Local = H::Local;
    type End = H::End;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Self::Local> {
        self.reception.locals(workers)
    }

    fn handle<R, I>(
        &self,
        slot: &Slot<Self::Local>,
        pace: &mut TimeSlice,
        feed: &mut Feed<'_, T, R, I>,
    ) -> impl Future<Output = bool> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        A::drive::<H::Kind, _, _, _, _>(feed, pace, AtWorker { receiving: self, slot })
    }

    fn finish<R: Runtime>(
        &self,
        slot: &Slot<Self::Local>,
        desk: &mut Desk<'_, T, R>,
    ) -> impl Future<Output = ()> + Send {
        A::finish::<H::Kind, _, _, _>(desk, AtWorker { receiving: self, slot })
    }

    fn hand_over(&self, local: &mut Self::Local) -> Result<(), AsyncTaskError> {
        self.reception.hand_over(local)
    }

    fn rejected(&self) -> u64 {
        self.reception.rejected()
    }

    fn keeps_places(&self) -> bool {
        self.reception.keeps_places()
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
    ) -> impl Future<Output = (Late, Self::End)> + Send {
        self.reception.close(locals, names)
    }
}

/// Calls a receiver that may collect.
pub(crate) struct Collecting<F, O, M, K, V> {
    pub(crate) receiver: F,
    pub(crate) home: Home<K, V>,
    pub(crate) marker: PhantomData<fn() -> (O, M)>,
}

impl<A, F, O, M, K, V> Reception<A> for Collecting<F, O, M, K, V>
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
        self.home.shards(workers)
    }

    #[inline]
    fn call(&self, calls: &Calls, argument: A) -> O {
        let collector = Collector::of(self.home.pipeline, calls.begin(), argument.first_event());
        (self.receiver)(argument, collector)
    }

    fn within(&self, slot: &Slot<Self::Local>, run: &mut dyn FnMut()) {
        slot.with(|shard| with_installed(shard, run));
    }

    #[inline]
    fn end(&self, calls: &Calls, succeeded: bool) {
        self.home.end(calls, succeeded);
    }

    fn hand_over(&self, local: &mut Self::Local) -> Result<(), AsyncTaskError> {
        self.home.flush(local)
    }

    fn rejected(&self) -> u64 {
        self.home.rejected()
    }

    fn duplicates(end: &Collection<K, V>) -> u64 {
        end.duplicates()
    }

    fn keeps_places(&self) -> bool {
        true
    }

    async fn close(&self, locals: Vec<Self::Local>, names: &Names) -> (Late, Collection<K, V>) {
        self.home.close(locals, names).await
    }
}

/// Calls a receiver that keeps nothing.
pub(crate) struct Each<F, O, M> {
    pub(crate) receiver: F,
    pub(crate) marker: PhantomData<fn() -> (O, M)>,
}

impl<A, F, O, M> Reception<A> for Each<F, O, M>
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

    fn within(&self, _: &Slot<()>, run: &mut dyn FnMut()) {
        run();
    }

    fn end(&self, _: &Calls, _: bool) {}

    async fn close(&self, _: Vec<()>, _: &Names) -> (Late, ()) {
        (Late::default(), ())
    }
}

/// Folds events into one value for each worker.
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

    async fn handle<R, I>(&self, slot: &Slot<A>, pace: &mut TimeSlice, feed: &mut Feed<'_, T, R, I>) -> bool
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        if feed.desk.retrying.is_some() {
            let call = |event| slot.with(|local| (self.fold)(local.get_or_insert_with(&self.init), event));
            one_by_one::<Synchronous<K>, _, _, _, _, _>(feed, pace, call).await;
            return false;
        }
        loop {
            let more = slot.with(|local| {
                let folded = local.get_or_insert_with(&self.init);
                feed.slice(pace, |event| (self.fold)(folded, event).into_result(), |_| ())
            });
            feed.rest(pace).await;
            if !more {
                return false;
            }
        }
    }

    async fn close(&self, locals: Vec<A>, _: &Names) -> (Late, Vec<A>) {
        (Late::default(), locals)
    }
}
