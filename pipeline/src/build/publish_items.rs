//! A pipeline that publishes its values into a queue.

use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;

use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::outcome::final_event::FinalEvent;
use crate::queue::Queue;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::work::handlers::publishing::Publishing;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline whose values are published into a queue. Await it for its summary.
///
/// # Cancel safety
///
/// Dropping the awaited future kills the sender and the workers, as for
/// [`Pipeline::await_final_event`](crate::Pipeline::await_final_event). A message that was being published may or
/// may not be in the queue. Publishing again under the same job name uses the same key for it.
#[must_use = "a pipeline does nothing until it is awaited"]
pub struct PublishItems<T, S, F, Q> {
    from: PipelineSender<T, S, F>,
    queue: Q,
    job: Arc<str>,
}

clonable! { PublishItems<T, S, F, Q> { from, queue, job } }

impl<T: Serialize + Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Publishes each value into `queue`, as a line of JSON, for other pipelines to read with
    /// [`of_queue`](crate::Sources::of_queue) and `json_lines`. So the results of stages that run on many machines come
    /// back to the pipeline that gathers them:
    ///
    /// ```
    /// # use std::num::NonZeroUsize;
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{BoundedQueue, ChunkSizeExt as _, PipelineBuilder};
    /// # async fn squares<R: Runtime>(runtime: R) -> Result<Vec<u64>, AsyncTaskError> {
    /// let (chunks, results) = (BoundedQueue::new(NonZeroUsize::MAX), BoundedQueue::new(NonZeroUsize::MAX));
    /// PipelineBuilder::<u64, _>::new(runtime.clone())
    ///     .sender(|sources| sources.of_bytes("1\n2\n3\n").lines().into_chunks(2.lines()))
    ///     .publish(&chunks, "numbers")
    ///     .await?;
    /// PipelineBuilder::<u64, _>::new(runtime.clone())
    ///     .sender(move |sources| sources.of_queue(&chunks).lines())
    ///     .map(|number| number * number)
    ///     .publish_items(&results, "squares")
    ///     .await?;
    /// let (squares, _summary) = PipelineBuilder::<u64, _>::new(runtime)
    ///     .sender(move |sources| sources.of_queue(&results).json_lines())
    ///     .collect_vec()
    ///     .await?;
    /// # Ok(squares)
    /// # }
    /// ```
    ///
    /// The values of one chunk are one message, or several of about 256 KiB; with
    /// [`rate_limit`](crate::PipelineBuilder::rate_limit) or [`key_by`](Self::key_by), those of each row are a message
    /// of their own. The values of one row are in one message, all of them or none. The summary counts rows. `job`
    /// names this run, and is the name of the source in errors of the pipeline that reads the values.
    ///
    /// **The job's end.** The job is opened before anything is read. It is [sealed](Queue::seal) once the pipeline has
    /// succeeded, no source was skipped, and each queue that it reads is over. So of several pipelines that share the
    /// chunks of a queue, those that see its end seal the job, when all results are there but those of dead letters. A
    /// dead letter that is given back after that has no job for its results. [`take`](Self::take) ends a job of files or
    /// items, and leaves one of queues open.
    ///
    /// **Once.** The key of a message consists of `job` and the positions of its first and its last row. For a claimed
    /// message, positions are counted in it, and its key is part of the new key; for another source, its index is. So a
    /// chunk that is handled twice, since a lease has run out or its consumer has died, publishes the same keys, and a
    /// queue that takes a key once ([`Queue::publish`]) has the results once. That holds where the stages give the same
    /// values for the same row, and the settings of the pipeline are the same. A claimed message is acknowledged after
    /// its values are published. If [`take`](Self::take) cuts one short, the wanted values are published under another
    /// key; the message is given back, and its rows are published again by the pipeline that handles it next.
    ///
    /// **Errors.** A value that cannot be written as JSON rejects its row, as a receiver that refuses it. An error or
    /// a panic of the queue ends the pipeline, whatever the strategy, and is its error ([`QueueError`]).
    ///
    /// **Refused** ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)):
    /// [`ErrorStrategy::Retry`](crate::ErrorStrategy::Retry), an
    /// [`event_timeout`](crate::PipelineBuilder::event_timeout) unless a stage is asynchronous, and the policies
    /// around a receiver's calls: there is no receiver. Retry within a stage.
    ///
    /// Cost: each worker holds the JSON of a slice of rows, or of one message. Workers publish at the same time, and
    /// wait where the queue has no room.
    ///
    /// [`QueueError`]: crate::QueueError
    pub fn publish_items<Q: Queue>(self, queue: &Q, job: impl Into<Arc<str>>) -> PublishItems<T, S, F, Q> {
        PublishItems { from: self, queue: queue.clone(), job: job.into() }
    }
}

impl<T, S, F, Q> PublishItems<T, S, F, Q>
where
    T: Serialize + Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    Q: Queue,
{
    /// Starts the pipeline now, as a task of its own. The handle is a future of the summary.
    #[track_caller]
    pub fn spawn(self) -> EmittingTask<FinalEvent, S::Runtime> {
        self.from.whole(Publishing::new(self.queue, self.job)).spawn(|(event, _)| event)
    }
}

impl<T, S, F, Q> IntoFuture for PublishItems<T, S, F, Q>
where
    T: Serialize + Send + 'static,
    S: RuntimeSource,
    F: Upstream<T> + Send + 'static,
    Q: Queue,
{
    type Output = Result<FinalEvent, AsyncTaskError>;
    // Boxed once for the whole pipeline: an async block has no name that could stand here.
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    #[track_caller]
    fn into_future(self) -> Self::IntoFuture {
        let spawn_site = Location::caller();
        Box::pin(async move {
            self.from.whole(Publishing::new(self.queue, self.job)).in_place(spawn_site).await.0
        })
    }
}
