//! What is done with events: collect, fold, or just call.

use std::any::Any;
use std::future::Future;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use super::batch::Batch;
use super::pace::Pace;
use crate::pipeline::collector::{Home, with_installed};
use crate::pipeline::late::Late;
use crate::pipeline::receiver::Receive;
use crate::pipeline::rows::Decoded;
use crate::pipeline::{Collection, Collector, Event};
use crate::runtime::Runtime;
use crate::task::IntoResult;

/// A worker's own state, in a slot that outlives the worker: what it holds when a worker is killed is not lost.
pub(crate) struct Slot<L>(ConcurrentQueue<L>);

impl<L> Slot<L> {
    pub(crate) fn new(local: L) -> Self {
        let slot = ConcurrentQueue::bounded(1);
        let _ = slot.push(local);
        Self(slot)
    }

    /// Runs `f` on the state, which is back in its slot afterwards, also when `f` unwinds.
    pub(crate) fn with<O>(&self, f: impl FnOnce(&mut Option<L>) -> O) -> O {
        struct Back<'a, L>(&'a ConcurrentQueue<L>, Option<L>);
        impl<L> Drop for Back<'_, L> {
            fn drop(&mut self) {
                if let Some(local) = self.1.take() {
                    let _ = self.0.push(local);
                }
            }
        }
        f(&mut Back(&self.0, self.0.pop().ok()).1)
    }

    pub(crate) fn take(&self) -> Option<L> {
        self.0.pop().ok()
    }
}

/// What is done with the events of a pipeline; one value serves all workers.
pub(crate) trait Handler<T>: Send + Sync + 'static {
    /// What each worker has for itself.
    type Local: Send + 'static;
    /// What there is of it in the end.
    type End: Send;

    fn local(&self) -> Self::Local;

    fn handle<R, I>(
        &self,
        slot: &Slot<Self::Local>,
        pace: &mut Pace,
        batch: &mut Batch<'_, T, R, I>,
    ) -> impl Future<Output = ()> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send;

    /// Hands over what a worker still holds, at its end. False if it must be called again.
    fn flush(&self, _: &mut Self::Local) -> bool {
        true
    }

    /// The earliest row so far that is known to be rejected once all is there.
    fn rejected(&self) -> u64 {
        u64::MAX
    }

    /// True if rows may be rejected once all is there.
    fn rejects_late(&self) -> bool {
        false
    }

    /// Called once, when all workers are gone, with what they had for themselves and the sources' names.
    fn close(
        &self,
        locals: Vec<Self::Local>,
        names: &[Arc<str>],
    ) -> impl Future<Output = (Late, Self::End)> + Send;
}

/// Calls a receiver that may collect.
pub(crate) struct Collecting<F, O, M, K, V> {
    pub(crate) receiver: F,
    pub(crate) home: Home<K, V>,
    pub(crate) marker: PhantomData<fn() -> (O, M)>,
}

impl<T, F, O, M, K, V> Handler<T> for Collecting<F, O, M, K, V>
where
    T: Send + 'static,
    F: Fn(Event<T>, Collector<K, V>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    type Local = Box<dyn Any + Send>;
    type End = Collection<K, V>;

    fn local(&self) -> Box<dyn Any + Send> {
        self.home.shard()
    }

    fn handle<R, I>(
        &self,
        slot: &Slot<Self::Local>,
        pace: &mut Pace,
        batch: &mut Batch<'_, T, R, I>,
    ) -> impl Future<Output = ()> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        let call = |event: Event<T>| {
            let collector = Collector::new(self.home.pipeline, &event);
            (self.receiver)(event, collector)
        };
        M::drive(batch, pace, call, |run: &mut dyn FnMut()| slot.with(|shard| with_installed(shard, run)))
    }

    fn flush(&self, local: &mut Self::Local) -> bool {
        self.home.flush(local)
    }

    fn rejected(&self) -> u64 {
        self.home.rejected()
    }

    fn rejects_late(&self) -> bool {
        self.home.rejects()
    }

    async fn close(&self, locals: Vec<Self::Local>, names: &[Arc<str>]) -> (Late, Collection<K, V>) {
        self.home.close(locals, names).await
    }
}

/// Calls a receiver that keeps nothing.
pub(crate) struct Each<F, O, M> {
    pub(crate) receiver: F,
    pub(crate) marker: PhantomData<fn() -> (O, M)>,
}

impl<T, F, O, M> Handler<T> for Each<F, O, M>
where
    T: Send + 'static,
    F: Fn(Event<T>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
{
    type Local = ();
    type End = ();

    fn local(&self) {}

    fn handle<R, I>(
        &self,
        _: &Slot<()>,
        pace: &mut Pace,
        batch: &mut Batch<'_, T, R, I>,
    ) -> impl Future<Output = ()> + Send
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        M::drive(batch, pace, &self.receiver, |run: &mut dyn FnMut()| run())
    }

    async fn close(&self, _: Vec<()>, _: &[Arc<str>]) -> (Late, ()) {
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

    fn local(&self) -> A {
        (self.init)()
    }

    async fn handle<R, I>(&self, slot: &Slot<A>, pace: &mut Pace, batch: &mut Batch<'_, T, R, I>)
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        loop {
            let more = slot.with(|local| {
                let folded = local.get_or_insert_with(&self.init);
                batch.slice(pace, |event| (self.fold)(folded, event).into_result())
            });
            pace.rest(batch.runtime()).await;
            if !more {
                return;
            }
        }
    }

    async fn close(&self, locals: Vec<A>, _: &[Arc<str>]) -> (Late, Vec<A>) {
        (Late::default(), locals)
    }
}
