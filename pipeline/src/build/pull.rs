//! A pipeline whose events are pulled.

use crate::build::sender::PipelineSender;
use crate::build::upstream::Upstream;
use crate::build::whole::End;
use crate::outcome::final_event::FinalEvent;
use crate::run::handle::emitting_task::EmittingTask;
use crate::run::handle::pull::{DrainOnKill, Events};
use crate::run::work::handlers::pulling::Pulling;
use sweet_async_core::runtime::RuntimeSource;

/// The number of batches of events that may wait to be pulled.
const AHEAD: usize = 4;

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T> + Send + 'static> PipelineSender<T, S, F> {
    /// Starts the pipeline now, as a task of its own. Its events are pulled from the handle, which is a
    /// [`Stream`](futures_core::Stream). Rows are parsed in parallel and come in completion order, or in
    /// source order with [`ordered`](crate::PipelineBuilder::ordered). A few thousand events may be ready at
    /// most: four batches of about 256 wait, and each worker may hold one more. A slow consumer makes the
    /// sender wait.
    ///
    /// Rejected rows are treated as in other pipelines. An error that ends the pipeline is the last item of
    /// the stream. After the end there is a [`summary`](EmittingTask::summary).
    ///
    /// After a graceful cancellation request the events that have been read are still available: they must be
    /// pulled within the grace period. A kill, and dropping the handle, drop the events that were not pulled.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, PipelineBuilder};
    /// # async fn sum<R: Runtime>(runtime: R) -> Result<u64, AsyncTaskError> {
    /// let mut numbers = PipelineBuilder::<u64, _>::new(runtime)
    ///     .sender(|sources| sources.of_bytes("1\n2\n3\n").lines().into_chunks(100.lines()))
    ///     .pull();
    /// let mut sum = 0;
    /// while let Some(event) = numbers.next_event().await {
    ///     sum += event?.take_data();
    /// }
    /// # Ok(sum)
    /// # }
    /// ```
    #[track_caller]
    pub fn pull(self) -> EmittingTask<FinalEvent, S::Runtime, Events<T>> {
        let (queue, events) = async_channel::bounded(AHEAD);
        let drain = DrainOnKill::new(&queue, &events);
        let ended = move |(event, _): End<()>| {
            drain.ended();
            event
        };
        self.whole(Pulling { queue }).spawn(ended).pulled(Events::new(events))
    }
}
