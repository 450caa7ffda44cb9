//! The receiver that publishes the chunks of a pipeline into a queue, as messages of one job.

use std::pin::Pin;
use std::sync::Arc;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::queue::{Queue, QueueError, QueueMessage};
use crate::run::work::completion::Completion;
use crate::run::work::handlers::receiving::ReceiverCalls;
use crate::run::work::slot::StateSlot;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::internals::{Async, Fallible};

/// Publishes messages of `job`, each as an event of the pipeline.
pub(crate) struct PublishingChunks<Q> {
    pub(crate) queue: Q,
    pub(crate) job: Arc<str>,
}

impl<Q: Queue> ReceiverCalls<Event<QueueMessage>> for PublishingChunks<Q> {
    type Output = Pin<Box<dyn Future<Output = Result<(), AsyncTaskError>> + Send>>;
    type Kind = Async<Fallible<AsyncTaskError>>;
    type Attempt = ();
    type Local = ();
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<()> {
        vec![(); workers.len()]
    }

    fn begin(&self, _: &Calls) {}

    fn call(&self, (): (), event: Event<QueueMessage>) -> Self::Output {
        let (queue, job) = (self.queue.clone(), self.job.clone());
        Box::pin(async move {
            let published = queue.publish(event.take_data()).await;
            published.map(drop).map_err(|error| QueueError::failure("publishing", &job, error))
        })
    }

    fn within(&self, _: &StateSlot<()>, run: &mut dyn FnMut()) {
        run();
    }

    fn end(&self, _: &Calls, _: bool) {}

    async fn close(&self, _: Vec<()>, _: &Names) -> (DeferredRejections, ()) {
        (DeferredRejections::default(), ())
    }

    async fn open(&self) -> Result<(), AsyncTaskError> {
        open_job(&self.queue, &self.job).await
    }

    async fn complete(&self, completion: Completion) -> Result<(), AsyncTaskError> {
        // A message that was rejected is not in the queue, and could not be added to a sealed job.
        if completion.rejected > 0 {
            return Ok(());
        }
        seal_job(&self.queue, &self.job, completion).await
    }
}

/// Opens the job before anything is read: its consumers are to wait for its first message.
pub(crate) async fn open_job<Q: Queue>(queue: &Q, job: &Arc<str>) -> Result<(), AsyncTaskError> {
    QueueError::of_call("opening", job, || queue.open(job)).await
}

/// Seals the job if all of it was published. What is left is for another run of the same job.
pub(crate) async fn seal_job<Q: Queue>(
    queue: &Q,
    job: &Arc<str>,
    completion: Completion,
) -> Result<(), AsyncTaskError> {
    if !(completion.succeeded && completion.is_whole) {
        return Ok(());
    }
    QueueError::of_call("sealing", job, || queue.seal(job)).await
}
