//! A pipeline whose receiver may collect.

use std::hash::Hash;
use std::marker::PhantomData;

use super::PipelineSender;
use super::whole::spawn_whole;
use crate::error::{AsyncTaskError, BoxError};
use crate::pipeline::collector::Home;
use crate::pipeline::engine::{Collecting, Outcome};
use crate::pipeline::receiver::Receive;
use crate::pipeline::{Collection, Collector, EmittingTask, Event, FinalEvent, OnDuplicate, Sources};
use crate::runtime::RuntimeSource;

/// A pipeline that is ready to run.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct Pipeline<T, S, F, G> {
    pub(super) from: PipelineSender<T, S, F>,
    pub(super) receiver: G,
}

/// A receiver that may collect, with the types that inference found for it.
pub struct Receiver<G, O, M, K, V> {
    receiver: G,
    rule: OnDuplicate<V>,
    kind: PhantomData<fn() -> (O, M)>,
    keys: PhantomData<fn() -> K>,
}

impl<G, O, M, K, V> Receiver<G, O, M, K, V> {
    pub(super) fn new(receiver: G) -> Self {
        Self { receiver, rule: OnDuplicate::KeepLast, kind: PhantomData, keys: PhantomData }
    }
}

impl<G: Clone, O, M, K, V> Clone for Receiver<G, O, M, K, V> {
    fn clone(&self) -> Self {
        Self { rule: self.rule.clone(), ..Self::new(self.receiver.clone()) }
    }
}

impl<T, S, F, G, O, M, K, V> Pipeline<T, S, F, Receiver<G, O, M, K, V>>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>),
    G: Fn(Event<T>, Collector<K, V>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
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
        let Receiver { receiver, rule, .. } = self.receiver;
        let home = Home::open(rule, self.from.settings.max_errors);
        let collecting = Collecting::<G, O, M, K, V> { receiver, home, marker: PhantomData };
        let (result, collection) = match self.from.run(collecting).await {
            Ok(Outcome { result, end }) => (result, end),
            Err(error) => (Err(error), Collection::nothing()),
        };
        let result = result.map(|summary| FinalEvent { duplicates: collection.duplicates(), ..summary });
        handler(result, collection)
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
        let (source, settings) = (self.from.source.clone(), self.from.settings.clone());
        let body = async move {
            self.await_final_event(|event, collection| {
                handler(event, collection).map_err(AsyncTaskError::failure)
            })
            .await
        };
        spawn_whole(source, &settings, body)
    }
}
