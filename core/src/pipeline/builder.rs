//! The builder of a pipeline.

use std::future::{Future, IntoFuture};
use std::hash::Hash;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::collector::{Collection, Collector, Partitions, Registration, Shard};
use super::engine::{Collecting, Each, Folding, Handler, Outcome, Settings, run};
use super::receiver::Receive;
use super::{EmittingTask, ErrorStrategy, Event, FinalEvent, Progress, Sources};
use crate::error::{AsyncTaskError, BoxError};
use crate::runtime::{Runtime, RuntimeSource};
use crate::task::{
    Birthplace, Configured, Fallible, InPlace, IntoAsyncResult, IntoResult, Task, TaskId, caught,
};

/// Describes a pipeline of events that carry a `T`. Nothing runs until its end is awaited.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct PipelineBuilder<T, S> {
    source: S,
    settings: Settings,
    events: PhantomData<fn() -> T>,
}

impl<T: Send + 'static, S: RuntimeSource> PipelineBuilder<T, S> {
    /// A pipeline whose runtime `source` finds when it starts.
    pub fn new(source: S) -> Self {
        Self { source, settings: Settings::default(), events: PhantomData }
    }

    /// Runs on `runtime`, whatever the ambient one is.
    pub fn on<R: Runtime>(self, runtime: &R) -> PipelineBuilder<T, R> {
        PipelineBuilder { source: runtime.clone(), settings: self.settings, events: PhantomData }
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Names the pipeline and its tasks, in errors and traces.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        self.set(|settings| settings.name = Some(name.into()))
    }

    /// Hands `value` to its receivers, by type: [`TaskContext::get`](crate::TaskContext::get) of
    /// [`TaskContext::current`](crate::TaskContext::current) finds it there. A second one of the same type takes its place.
    pub fn with<V: Send + Sync + 'static>(self, value: V) -> Self {
        self.set(|settings| Arc::make_mut(settings.values.get_or_insert_with(Arc::default)).insert(value))
    }

    /// Limits the whole pipeline to `limit`, from the first poll of its end. At the limit receivers are dropped at
    /// their next await, and the final event is [`AsyncTaskError::Timeout`]; a read that a source stalls is not
    /// waited for.
    pub fn with_timeout(self, limit: Duration) -> Self {
        self.set(|settings| settings.timeout = Some(limit))
    }

    /// What is done about rows that cannot be parsed or that the receiver refuses: by default, the first ends it all.
    pub fn on_error(self, strategy: ErrorStrategy) -> Self {
        self.set(|settings| settings.strategy = strategy)
    }

    /// How many errors are kept, the first in source order; 1000 by default. All are counted.
    pub fn max_errors(self, max: usize) -> Self {
        self.set(|settings| settings.max_errors = max)
    }

    /// How many workers parse and handle rows; by default, as many as the runtime has threads. Each handles one event
    /// at a time: a receiver that mostly waits wants more of them.
    pub fn workers(self, workers: usize) -> Self {
        self.set(|settings| settings.workers = Some(workers))
    }

    /// How many chunks may wait in the queue; by default, two for each worker. A full queue pauses the sender.
    pub fn queue(self, chunks: usize) -> Self {
        self.set(|settings| settings.queue = Some(chunks))
    }

    /// Hands events to the receiver in source order, one at a time. Rows are still parsed in parallel.
    pub fn ordered(self) -> Self {
        self.set(|settings| settings.ordered = true)
    }

    /// Calls `progress` about ten times a second, and at the end.
    pub fn on_progress(self, progress: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.progress = Some(Arc::new(progress)))
    }

    /// Says what is read: `sender` names the sources, when the pipeline starts.
    pub fn sender<F>(self, sender: F) -> PipelineSender<T, S, F>
    where
        F: FnOnce(&mut Sources<T>),
    {
        PipelineSender { source: self.source, settings: self.settings, sender, events: PhantomData }
    }
}

/// A pipeline that knows what it reads.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct PipelineSender<T, S, F> {
    source: S,
    settings: Settings,
    sender: F,
    events: PhantomData<fn() -> T>,
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
        Pipeline { from: self, receiver: Receiver { receiver, kind: PhantomData, entry: PhantomData } }
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

    /// Runs the pipeline with the handler that `make` gives for its id.
    async fn run<H: Handler<T>>(
        self,
        make: impl FnOnce(TaskId) -> H,
    ) -> Result<Outcome<H::Local>, AsyncTaskError> {
        let runtime = self.source.resolve()?;
        self.settings.check()?;
        let mut sources = Sources::new();
        caught(|| (self.sender)(&mut sources))?;
        let plans = sources.into_plans()?;
        let task = runtime.next_task_id();
        Ok(run(&runtime, task, &self.settings, plans, make(task)).await)
    }
}

/// A pipeline that is ready to run.
#[must_use = "a pipeline does nothing until its end is awaited"]
#[derive(Clone)]
pub struct Pipeline<T, S, F, G> {
    from: PipelineSender<T, S, F>,
    receiver: G,
}

/// A receiver that may collect, with the types that inference found for it.
pub struct Receiver<G, O, M, K, V> {
    receiver: G,
    kind: PhantomData<fn() -> (O, M)>,
    entry: PhantomData<fn() -> (K, V)>,
}

impl<G: Clone, O, M, K, V> Clone for Receiver<G, O, M, K, V> {
    fn clone(&self) -> Self {
        Self { receiver: self.receiver.clone(), kind: PhantomData, entry: PhantomData }
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
        let partitions = Arc::new(Partitions::new());
        let mut registration = None;
        let receiver = self.receiver.receiver;
        let make = |_| {
            // Not the task's id: a runtime may count its own tasks, and collectors of all runtimes meet.
            let pipeline = TaskId::next().as_u64();
            registration = Some(Registration::new(pipeline, &partitions));
            Collecting::<G, O, M, K, V> {
                receiver,
                pipeline,
                partitions: partitions.clone(),
                marker: PhantomData,
            }
        };
        let mut result = match self.from.run(make).await {
            Ok(Outcome { result, locals }) => {
                // Workers hand over what they hold at their end; only one that was killed has anything left.
                let mut result = result;
                for mut local in locals {
                    loop {
                        match caught(|| local.downcast_mut::<Shard<K, V>>().is_none_or(Shard::flush)) {
                            Ok(true) => break,
                            Ok(false) => futures_lite::future::yield_now().await,
                            Err(panic) => {
                                result = result.and(Err(panic));
                                break;
                            }
                        }
                    }
                }
                result
            }
            Err(error) => Err(error),
        };
        drop(registration);
        let collection = Collection::new(partitions.take());
        if let Ok(summary) = &mut result {
            summary.duplicates = collection.duplicates();
        }
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

/// Starts `body`, a whole pipeline, as a task.
#[track_caller]
fn spawn_whole<U, S, B>(source: S, settings: &Settings, body: B) -> EmittingTask<U, S::Runtime>
where
    U: Send + 'static,
    S: RuntimeSource,
    B: Future<Output = Result<U, AsyncTaskError>> + Send + 'static,
{
    let named = Configured::part_of(settings.name.clone(), None);
    let birth = Birthplace::here().birth(Some(&named));
    let body = InPlace::<_, _, U, Fallible<AsyncTaskError>>::new(move || body);
    EmittingTask::new(match source.into_runtime() {
        Ok(runtime) => crate::task::spawn(runtime, birth, body),
        Err(error) => Task::refused(error),
    })
}

/// A pipeline that collects nothing; await it for its summary.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct ForEach<T, S, F, G, O, M> {
    from: PipelineSender<T, S, F>,
    receiver: G,
    marker: PhantomData<fn() -> (O, M)>,
}

impl<T, S, F, G, O, M> IntoFuture for ForEach<T, S, F, G, O, M>
where
    T: Send + 'static,
    S: RuntimeSource<Runtime: Send> + 'static,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    G: Fn(Event<T>) -> O + Send + Sync + 'static,
    O: 'static,
    M: Receive<O>,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name to put here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { from, receiver, .. } = self;
        Box::pin(async move { from.run(|_| Each::<G, O, M> { receiver, marker: PhantomData }).await?.result })
    }
}

impl<T, S, F, G, O, M> ForEach<T, S, F, G, O, M>
where
    Self: IntoFuture<Output = Result<FinalEvent, AsyncTaskError>, IntoFuture: Send + 'static>,
    S: RuntimeSource,
{
    /// Starts the pipeline now, as a task of its own, whose handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        let (source, settings) = (self.from.source.clone(), self.from.settings.clone());
        spawn_whole(source, &settings, self.into_future())
    }
}

/// A pipeline that folds its events; await it for the value and the summary.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Fold<T, S, F, I, G, O, K, J> {
    from: PipelineSender<T, S, F>,
    init: I,
    fold: G,
    merge: J,
    marker: PhantomData<fn() -> (O, K)>,
}

impl<T, A, S, F, I, G, O, K, J> IntoFuture for Fold<T, S, F, I, G, O, K, J>
where
    T: Send + 'static,
    A: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    I: Fn() -> A + Clone + Send + Sync + 'static,
    G: Fn(&mut A, Event<T>) -> O + Send + Sync + 'static,
    O: IntoResult<(), K> + 'static,
    K: 'static,
    J: Fn(A, A) -> A + Send + 'static,
{
    type Output = Result<(A, FinalEvent), AsyncTaskError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { from, init, fold, merge, .. } = self;
        Box::pin(async move {
            let first = init.clone();
            let Outcome { result, locals } =
                from.run(|_| Folding::<I, G, O, K> { init, fold, marker: PhantomData }).await?;
            let summary = result?;
            let value = caught(|| locals.into_iter().reduce(merge).unwrap_or_else(first))?;
            Ok((value, summary))
        })
    }
}

impl<T, A, S, F, I, G, O, K, J> Fold<T, S, F, I, G, O, K, J>
where
    Self: IntoFuture<Output = Result<(A, FinalEvent), AsyncTaskError>, IntoFuture: Send + 'static>,
    A: Send + 'static,
    S: RuntimeSource,
{
    /// Starts the pipeline now, as a task of its own, whose handle is a future of the value and the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<(A, FinalEvent), S::Runtime> {
        let (source, settings) = (self.from.source.clone(), self.from.settings.clone());
        spawn_whole(source, &settings, self.into_future())
    }
}
