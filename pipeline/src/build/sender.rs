//! A pipeline whose sources are named, and whose receiver is not yet set.

use std::time::Duration;

use crate::build::upstream::Upstream;
use crate::build::whole::Whole;
use crate::policy::RetryEvents;
use crate::run::shared::control::{Batches, Settings};
use sweet_async_core::runtime::RuntimeSource;

/// A pipeline whose sources are named. Its methods add stages and set the receiver of its events.
#[must_use = "a pipeline does nothing until its end is awaited"]
pub struct PipelineSender<T, S, F> {
    pub(crate) source: S,
    pub(crate) settings: Settings,
    pub(crate) retrying: Option<RetryEvents<T>>,
    pub(crate) sender: F,
}

clonable! { PipelineSender<T, S, F> { source, settings, retrying, sender } }

impl<T: Send + 'static, S: RuntimeSource, F: Upstream<T>> PipelineSender<T, S, F> {
    /// Ends the pipeline, as a success, once `events` events were handed out: to the receiver, or to an end
    /// without one. Rows that cannot be parsed do not count. Events that the receiver refuses count. All events that were
    /// handed out are handled to their end, however often they are retried. Zero hands out none.
    ///
    /// The events are the first in source order under [`ordered`](crate::PipelineBuilder::ordered),
    /// [`sequence`](crate::PipelineBuilder::sequence), and with one worker and one source at a time. Otherwise they
    /// are those that the workers come to first. More rows are read than are handed out, and count as dropped. A source that
    /// fails, and a row that is rejected, after the last event in source order are ignored.
    ///
    /// It is refused ([`InvalidConfig`](sweet_async_core::AsyncTaskError::InvalidConfig)) with
    /// [stages](Self::map), which make other events of those of rows. There, a receiver can return
    /// [`ControlFlow::Break`](std::ops::ControlFlow::Break).
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime};
    /// # use sweet_async_pipeline::{ChunkSizeExt as _, PipelineBuilder};
    /// # async fn first<R: Runtime>(runtime: R) -> Result<Vec<u64>, AsyncTaskError> {
    /// let (first, _summary) = PipelineBuilder::<u64, _>::new(runtime)
    ///     .ordered()
    ///     .sender(|sources| sources.of(0..).into_chunks(100.items()))
    ///     .take(10)
    ///     .collect_vec()
    ///     .await?;
    /// # Ok(first)
    /// # }
    /// ```
    ///
    /// Cost: a shared counter for each event.
    pub fn take(mut self, events: u64) -> Self {
        self.settings.take = Some(events);
        self
    }

    /// Passes events to the receiver in batches. Each worker gathers until it has `size` events, or until
    /// `delay` has passed since the first of them came, or until there are no more. If the receiver fails for
    /// a batch, all of its rows are rejected with one error, at the first of them.
    ///
    /// Gathered events are held in addition to the chunks of the queue: up to `size` events for each worker.
    ///
    /// Events of a [queue](crate::Sources::of_queue) hold their messages. So a batch with such events is also handed
    /// over when their queue has given nothing for 50 ms, and when no more is read from it. A message is
    /// settled once the batch with its last row is handled.
    pub fn batched(mut self, size: usize, delay: Duration) -> BatchedSender<T, S, F> {
        self.settings.batches = Some(Batches { size, delay });
        BatchedSender(self)
    }

    /// The whole pipeline, with the handler of its events.
    pub(crate) fn whole<H>(self, handler: H) -> Whole<T, S, F, H> {
        let Self { source, settings, retrying, sender } = self;
        Whole { source, settings, retrying, sender, handler }
    }
}

/// A pipeline that passes several events at a time to its receiver; see [`PipelineSender::batched`].
#[must_use = "a pipeline does nothing until its end is awaited"]
pub struct BatchedSender<T, S, F>(pub(crate) PipelineSender<T, S, F>);

clonable! { BatchedSender<T, S, F> { 0 } }
