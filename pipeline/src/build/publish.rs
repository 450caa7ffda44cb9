//! A pipeline whose chunks go into a queue, for other pipelines to handle.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use crate::build::sender::PipelineSender;
use crate::build::sender::plans;
use crate::build::whole::Whole;
use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::queue::{Queue, QueueError, QueueMessage};
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::handler::{Each, Handler, Receiving};
use crate::source::Plan;
use crate::source::Sources;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::RuntimeSource;
use sweet_async_core::task::{Async, Fallible};

/// A pipeline that publishes what it reads; await it for its summary.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Publish<T, S, F, Q> {
    from: PipelineSender<T, S, F>,
    queue: Q,
    job: Arc<str>,
}

impl<T: Send + 'static, S: RuntimeSource, F: FnOnce(&mut Sources<T>)> PipelineSender<T, S, F> {
    /// Publishes the chunks of the sources into `queue`, each as one message, to be read with
    /// [`of_queue`](Sources::of_queue) by other pipelines, on other machines perhaps. Rows are cut and not parsed: that is
    /// for those who read them. So `T` matters only to the compiler; only text can be published.
    ///
    /// Each message is an event here: workers publish at the same time, tried again, timed and limited as events are;
    /// an error of the queue is the event's ([`QueueError`]). The summary counts messages (and rows that could not be cut).
    ///
    /// `job` names this run. A message's key is made of it, of the source's place among the sources and of the chunk's place
    /// and length in it: what is published again under the same name, after a crash for one, is there once, if it is cut into
    /// chunks of the same size. Other data must have another name, or its messages are taken for those that are there; a file
    /// that has grown since is other data.
    ///
    /// Where a chunk ends depends on the text and on the chunks' size alone. So a source that fails, or panics, leaves the rows of its
    /// unfinished chunk unpublished and uncounted, for the next attempt to publish, and a [polled reader](Sources::of_async_reader) that has
    /// no more for the moment does not end a chunk early.
    ///
    /// ```
    /// # use std::num::NonZeroUsize;
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{BoundedQueue, ChunkSizeExt as _, Event, PipelineBuilder};
    /// # async fn sum<R: Runtime>(runtime: R) -> Result<u64, AsyncTaskError> {
    /// let queue = BoundedQueue::new(NonZeroUsize::MIN.saturating_add(99));
    /// PipelineBuilder::<u64, _>::new(runtime.clone())
    ///     .sender(|sources| sources.of_bytes("1\n2\n3\n").lines().into_chunks(2.lines()))
    ///     .publish(&queue, "numbers of today")
    ///     .await?;
    /// queue.close();
    /// let (sum, _summary) = PipelineBuilder::<u64, _>::new(runtime)
    ///     .sender(move |sources| sources.of_queue(&queue).lines())
    ///     .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
    ///     .await?;
    /// # Ok(sum)
    /// # }
    /// ```
    pub fn publish<Q: Queue>(self, queue: &Q, job: impl Into<Arc<str>>) -> Publish<T, S, F, Q> {
        Publish { from: self, queue: queue.clone(), job: job.into() }
    }
}

/// Names what inference cannot find.
fn each<G, O>(receiver: G) -> Each<G, O, Async<Fallible<AsyncTaskError>>>
where
    G: Fn(Event<QueueMessage>) -> O,
    O: Future<Output = Result<(), AsyncTaskError>>,
{
    Each { receiver, marker: PhantomData }
}

impl<T, S, F, Q> Publish<T, S, F, Q>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    Q: Queue,
{
    #[allow(clippy::type_complexity, reason = "a name for it would say no more")]
    fn whole(
        self,
    ) -> Whole<
        QueueMessage,
        S,
        impl FnOnce() -> Result<Vec<Plan<QueueMessage>>, AsyncTaskError> + Send + use<T, S, F, Q>,
        impl Handler<QueueMessage> + use<T, S, F, Q>,
    > {
        let Self { from, queue, job } = self;
        let PipelineSender { source, settings, sender, .. } = from;
        let strategy = settings.strategy.clone().of();
        let (name, reading) = (job.clone(), settings.sender);
        let plans = move || Sources::sealed(plans(sender, reading)?, &name);
        let receiver = move |event: Event<QueueMessage>| {
            let (queue, job) = (queue.clone(), job.clone());
            async move {
                let published = queue.publish(event.take_data()).await;
                published.map_err(|error| QueueError::failure("publishing", &job, error))
            }
        };
        let handler = Receiving::<_, Event<_>>::new(each(receiver));
        Whole { source, settings: settings.of(strategy), plans, handler }
    }

    /// Starts the pipeline now, as a task of its own, whose handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        self.whole().spawn(|(event, _)| event)
    }
}

impl<T, S, F, Q> IntoFuture for Publish<T, S, F, Q>
where
    T: Send + 'static,
    S: RuntimeSource,
    F: FnOnce(&mut Sources<T>) + Send + 'static,
    Q: Queue,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name to put here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let place = Location::caller();
        Box::pin(async move { self.whole().in_place(place).await.0 })
    }
}
