//! The two kinds of receivers: one may collect, the other keeps nothing.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::collect::collection::Collection;
use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::store::CollectionStore;
use crate::collect::worker::calls::Calls;
use crate::collect::worker::installed::{Erased, with_installed};
use crate::collect::{CallId, Collector};
use crate::outcome::names::Names;
use crate::run::work::call::receive::Receive;
use crate::run::work::call::sequenced::Sequenced;
use crate::run::work::handlers::receiving::ReceiverCalls;
use crate::run::work::slot::StateSlot;
use sweet_async_core::error::AsyncTaskError;

/// A receiver that may collect, and the store of its pipeline.
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
    type Attempt = CallId;
    type Local = Erased;
    type End = Collection<K, V>;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Erased> {
        self.store.shards(workers)
    }

    #[inline]
    fn begin(&self, calls: &Calls) -> CallId {
        calls.begin()
    }

    #[inline]
    fn call(&self, attempt: CallId, argument: A) -> O {
        let collector = Collector::of(self.store.pipeline, attempt, argument.first_event());
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
    type Attempt = ();
    type Local = ();
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<()> {
        vec![(); workers.len()]
    }

    fn begin(&self, _: &Calls) {}

    fn call(&self, (): (), argument: A) -> O {
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
