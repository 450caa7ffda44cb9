//! The handler that folds events, one value for each worker.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::run::work::call::answer::Answered;
use crate::run::work::call::attempts::one_by_one;
use crate::run::work::feed::Feed;
use crate::run::work::handlers::handler::Handler;
use crate::run::work::slot::StateSlot;
use crate::stage::chain::Chain;
use sweet_async_core::internals::Sync as Synchronous;
use sweet_async_core::task::IntoResult;

/// A handler that folds events. Each worker folds its own into a value that `init` has made.
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
    O: IntoResult<ControlFlow<()>, Answered<K>> + 'static,
    K: 'static,
{
    type Local = A;
    type End = Vec<A>;

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<A> {
        workers.iter().map(|_| (self.init)()).collect()
    }

    async fn handle<X: Chain<Out = T>>(&self, slot: &StateSlot<A>, feed: &mut Feed<'_, X>) -> bool {
        let call = |event| slot.with(|local| (self.fold)(local.get_or_insert_with(&self.init), event));
        one_by_one::<Synchronous<K>, _, _, _>(feed, call).await;
        false
    }

    fn slice<X: Chain<Out = T>>(&self, slot: &StateSlot<A>, feed: &mut Feed<'_, X>) -> Option<bool> {
        if feed.waits() {
            return None;
        }
        slot.with(|local| {
            let folded = local.get_or_insert_with(&self.init);
            feed.slice(|| (), |(), event| (self.fold)(folded, event).into_result(), |_| ())
        })
    }

    async fn close(&self, locals: Vec<A>, _: &Names) -> (DeferredRejections, Vec<A>) {
        (DeferredRejections::default(), locals)
    }
}
