//! A pipeline whose receiver may collect.

use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::{AsyncTaskError, BoxError};
use crate::pipeline::collector::Home;
use crate::pipeline::engine::{Collecting, Outcome, Receiving};
use crate::pipeline::event::Summary;
use crate::pipeline::progress::Counters;
use crate::pipeline::receiver::{Delivery, Receive};
use crate::pipeline::{Collection, Collector, EmittingTask, FinalEvent, OnDuplicate, Sources};
use crate::runtime::RuntimeSource;
use crate::task::Sync;

/// A pipeline that is ready to run.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct Pipeline<T, S, F, G> {
    pub(super) from: PipelineSender<T, S, F>,
    pub(super) receiver: G,
}

/// A receiver that may collect, with the types that inference found for it; it is handed an `A`.
pub struct Receiver<G, O, M, K, V, A> {
    receiver: G,
    rule: OnDuplicate<V>,
    kind: PhantomData<fn(A) -> (O, M)>,
    keys: PhantomData<fn() -> K>,
}

impl<G, O, M, K, V, A> Receiver<G, O, M, K, V, A> {
    pub(super) fn new(receiver: G) -> Self {
        Self { receiver, rule: OnDuplicate::KeepLast, kind: PhantomData, keys: PhantomData }
    }
}

impl<G: Clone, O, M, K, V, A> Clone for Receiver<G, O, M, K, V, A> {
    fn clone(&self) -> Self {
        Self { rule: self.rule.clone(), ..Self::new(self.receiver.clone()) }
    }
}

impl<T, S, F, G, O, X, K, V, A> Pipeline<T, S, F, Receiver<G, O, Sync<X>, K, V, A>> {
    /// Runs the receiver, which is synchronous, on the blocking pool, a chunk at a time: it may block, or compute for
    /// long, and the executor's threads stay free. A thread is taken only once a chunk is there, and it is its turn.
    ///
    /// A kill stops it between two events, and waits for the one under way.
    pub fn blocking(mut self) -> Self {
        self.from.settings.blocking = true;
        self
    }
}

impl<T, S, F, G, O, M, K, V, A> Pipeline<T, S, F, Receiver<G, O, M, K, V, A>>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>),
    G: Fn(A, Collector<K, V>) -> O + Send + std::marker::Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    A: Delivery<T> + 'static,
{
    /// What is done about a key that is collected more than once; by default, the value that is last in source order
    /// stays.
    pub fn on_duplicate(mut self, rule: OnDuplicate<V>) -> Self {
        self.receiver.rule = rule;
        self
    }

    /// Runs the pipeline to its end and gives what `handler` makes of it: of the summary, or of the error that ended
    /// it, and of everything that was collected until then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills sender and workers; the task around it, if there is one, does not end before them.
    pub async fn await_final_event<U>(
        self,
        handler: impl FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> U,
    ) -> U {
        self.run(Arc::default(), handler).await
    }

    async fn run<U>(
        self,
        counters: Arc<Counters>,
        handler: impl FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> U,
    ) -> U {
        let Receiver { receiver, rule, .. } = self.receiver;
        let home = Home::open(rule, self.from.settings.max_errors);
        let collecting = Collecting::<G, O, M, K, V> { receiver, home, marker: PhantomData };
        match self.from.run(counters, Receiving::<_, A>::new(collecting)).await {
            Ok(Outcome { ended, summary, end: collection }) => {
                let summary = FinalEvent::from(Summary { duplicates: collection.duplicates(), ..summary });
                handler(ended.told(&summary), collection.with_summary(summary))
            }
            Err(error) => handler(Err(error), Collection::nothing()),
        }
    }

    /// Starts the pipeline now, as a task of its own: its handle is a future of what `handler` makes of its end, which is
    /// as for [`await_final_event`](Self::await_final_event).
    #[track_caller]
    pub fn spawn<U, E, H>(self, handler: H) -> EmittingTask<U, S::Runtime>
    where
        U: Send + 'static,
        E: Into<BoxError>,
        F: Send + 'static,
        H: FnOnce(Result<FinalEvent, AsyncTaskError>, Collection<K, V>) -> Result<U, E> + Send + 'static,
    {
        let (source, named) = (self.from.source.clone(), self.from.settings.whole());
        let counters = Arc::<Counters>::default();
        let counts = counters.clone();
        let body = async move {
            let handler = |event, collection| handler(event, collection).map_err(AsyncTaskError::failure);
            self.run(counts, handler).await
        };
        spawn_whole(source, named, counters, body)
    }
}
