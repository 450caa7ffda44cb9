//! A pipeline that knows what it reads, and not yet what is done with it.

use std::hash::Hash;
use std::marker::PhantomData;

use super::{Fold, ForEach, Pipeline, Receiver};
use crate::error::AsyncTaskError;
use crate::pipeline::engine::{Handler, Outcome, Settings, run};
use crate::pipeline::receiver::Receive;
use crate::pipeline::{Collector, Event, Sources};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::{IntoAsyncResult, IntoResult, caught};

/// A pipeline that knows what it reads.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct PipelineSender<T, S, F> {
    pub(super) source: S,
    pub(super) settings: Settings,
    pub(super) sender: F,
    pub(super) events: PhantomData<fn() -> T>,
}

impl<T: Send + 'static, S: RuntimeSource, F: FnOnce(&mut Sources<T>)> PipelineSender<T, S, F> {
    /// Says what is done with each event. A receiver is synchronous or asynchronous, and may return a `Result`: an
    /// error, or a panic, is that event's error. Several workers call it at the same time.
    ///
    /// A synchronous receiver runs on the executor's threads in slices of about 200 us.
    pub fn receiver<G, O, M, K, V>(self, receiver: G) -> Pipeline<T, S, F, Receiver<G, O, M, K, V>>
    where
        G: Fn(Event<T>, Collector<K, V>) -> O + Send + Sync + 'static,
        O: IntoAsyncResult<(), M> + 'static,
        M: Receive<O>,
        K: Hash + Eq + Send + 'static,
        V: Send + 'static,
    {
        Pipeline { from: self, receiver: Receiver::new(receiver) }
    }

    /// Says what is done with each event, where nothing is collected. Await it for the summary.
    pub fn for_each<G, O, M>(self, receiver: G) -> ForEach<T, S, F, G, O, M>
    where
        G: Fn(Event<T>) -> O + Send + Sync + 'static,
        O: IntoAsyncResult<(), M> + 'static,
        M: Receive<O>,
    {
        ForEach { from: self, receiver, marker: PhantomData }
    }

    /// Folds events into one value, holding no rows: each worker starts from `init()` and folds what it is given;
    /// at the end the workers' values are merged. Await it for the value and the summary.
    ///
    /// Which events a worker gets is not fixed, so `merge` should not depend on their order.
    pub fn fold<A, I, G, O, K, J>(self, init: I, fold: G, merge: J) -> Fold<T, S, F, I, G, O, K, J>
    where
        A: Send + 'static,
        I: Fn() -> A + Clone + Send + Sync + 'static,
        G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
        O: IntoResult<(), K> + 'static,
        J: Fn(A, A) -> A + Send + 'static,
    {
        Fold { from: self, init, fold, merge, marker: PhantomData }
    }

    /// Runs the pipeline with `handler`.
    pub(super) async fn run<H: Handler<T>>(self, handler: H) -> Result<Outcome<H::End>, AsyncTaskError> {
        let runtime = self.source.resolve()?;
        self.settings.check()?;
        let mut sources = Sources::new();
        caught(|| (self.sender)(&mut sources))?;
        let plans = sources.into_plans()?;
        let task = runtime.next_task_id();
        Ok(run(&runtime, task, &self.settings, plans, handler).await)
    }
}
