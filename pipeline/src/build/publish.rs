//! A pipeline that publishes its chunks into a queue, for other pipelines to handle.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use crate::build::sender::PipelineSender;
use crate::build::whole::Whole;
use crate::event::single::Event;
use crate::outcome::final_event::FinalEvent;
use crate::policy::RetryEvents;
use crate::queue::{Queue, QueueMessage};
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::handlers::handler::Handler;
use crate::run::work::handlers::publishing_chunks::PublishingChunks;
use crate::run::work::handlers::receiving::Receiving;
use crate::source::sources::Sources;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline that publishes the chunks that it reads. Await it for its summary.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event). A message that was being published
/// may or may not be in the queue. Publishing again under the same job name uses the same key for it.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct Publish<T, S, F, Q> {
    from: PipelineSender<T, S, F>,
    queue: Q,
    job: Arc<str>,
}

impl<T: Send + 'static, S: RuntimeSource, F: FnOnce(&mut Sources<T>)> PipelineSender<T, S, F> {
    /// Publishes the chunks of the sources into `queue`, each as one message. Other pipelines, possibly on
    /// other machines, read them with [`of_queue`](Sources::of_queue). Rows are cut and not parsed: the
    /// reading pipeline parses them. So `T` matters only to the compiler. Only text can be published.
    ///
    /// Each message is an event of this pipeline: workers publish at the same time, and messages are retried,
    /// timed and limited as events are. An error of the queue is the error of its event ([`QueueError`]). The
    /// summary counts messages (and rows that could not be cut).
    ///
    /// `job` names this run. It is [opened](Queue::open) before anything is read, and [sealed](Queue::seal) once
    /// the pipeline has succeeded, no source was skipped, and neither a message nor a row that could not be cut was
    /// rejected: its consumers end when they have handled its last message. Another job stays open, for another run to
    /// complete it, or for you to seal it. [`take`](Self::take) ends a job, too.
    ///
    /// The key of a message consists of the job's name, the index of the source, and the position and length of
    /// the chunk in its source. Data that is published again under the same name, for
    /// example after a crash, is in the queue once, if it is cut into chunks of the same size. Other data
    /// must have another name, or its messages are taken for the ones that are there already. A file that has
    /// grown since is other data.
    ///
    /// The end of a chunk depends only on the text and on the size of chunks. So a source that fails or
    /// panics leaves the rows of its unfinished chunk unpublished and uncounted, for the next attempt to
    /// publish. A [polled reader](Sources::of_async_reader) that has no more for the moment does not end a
    /// chunk early.
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
    /// let (sum, _summary) = PipelineBuilder::<u64, _>::new(runtime)
    ///     .sender(move |sources| sources.of_queue(&queue).lines())
    ///     .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
    ///     .await?;
    /// # Ok(sum)
    /// # }
    /// ```
    ///
    /// [`QueueError`]: crate::QueueError
    pub fn publish<Q: Queue>(self, queue: &Q, job: impl Into<Arc<str>>) -> Publish<T, S, F, Q> {
        Publish { from: self, queue: queue.clone(), job: job.into() }
    }
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
        impl FnOnce(&mut Sources<QueueMessage>) + Send + use<T, S, F, Q>,
        impl Handler<QueueMessage> + use<T, S, F, Q>,
    > {
        let Self { from, queue, job } = self;
        let PipelineSender { source, settings, retrying, sender } = from;
        let name = job.clone();
        let sender = move |sources: &mut Sources<QueueMessage>| sources.add_sealed(&name, sender);
        let handler = Receiving::<_, Event<_>>::new(PublishingChunks { queue, job });
        Whole { source, settings, retrying: retrying.map(RetryEvents::of), sender, handler }
    }

    /// Starts the pipeline now, as a task of its own. The handle is a future of the summary.
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
    // Boxed once for the whole pipeline: an async block has no name that could stand here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move { self.whole().in_place(spawn_site).await.0 })
    }
}
