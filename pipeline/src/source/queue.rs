//! A queue as a source: messages that other pipelines have published.

use std::sync::Arc;
use std::time::Duration;

use crate::queue::{DynQueue, Queue};
use crate::source::format::{FormatOf, decoders, read_head};
use crate::source::plan::{Open, Plan, QueuePlan};
use crate::source::sources::Sources;
use sweet_async_core::error::AsyncTaskError;

/// A queue to be read; [`csv`](Self::csv), [`lines`](Self::lines) or [`json_lines`](Self::json_lines) adds it
/// to the pipeline.
#[must_use = "a queue is read only once its format has been named"]
pub struct QueueSource<'a, T> {
    sources: &'a mut Sources<T>,
    queue: Arc<dyn DynQueue>,
    name: Arc<str>,
    lease: Duration,
    max_deliveries: u32,
}

impl<T: Send + 'static> Sources<T> {
    /// The messages that other pipelines have [published](crate::PipelineSender::publish) into `queue`, from
    /// its first message to its end. A queue that never ends is read until the pipeline is cancelled. The
    /// source must name the format of its publisher.
    ///
    /// A message is acknowledged as soon as its last row is handled, or rejected by a strategy that goes on.
    /// Values that receivers have collected or folded by then are in this process alone; where they must
    /// outlive the process, the receiver itself writes them, or stages make them and `publish_items` publishes
    /// them before the message is acknowledged. Messages that the pipeline's end leaves
    /// unhandled are given back; after a kill, others claim them when the lease runs out. So rows may be
    /// handled more than once. A [pulled](crate::PipelineSender::pull) pipeline does not know what becomes of
    /// its events, and is refused a queue ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// An event's position is that in the source that was published; its sequence counts in the order of
    /// claims. The order of rows is kept within a message. Errors name the source that was published.
    pub fn of_queue(&mut self, queue: &impl Queue) -> QueueSource<'_, T> {
        QueueSource::new(self, queue.clone())
    }
}

impl<'a, T: Send + 'static> QueueSource<'a, T> {
    fn new(sources: &'a mut Sources<T>, queue: impl Queue) -> Self {
        let lease = Duration::from_secs(30);
        Self { sources, queue: Arc::new(queue), name: "a queue".into(), lease, max_deliveries: u32::MAX }
    }

    /// Names the queue, in errors and in [`FinalEvent::sources`](crate::FinalEvent::sources).
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how long a message is claimed for, 30 seconds by default. While its rows are handled the lease is
    /// extended, three times in its length. So this is also how long it takes until other consumers get the
    /// messages of one that has died. Zero is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Rejects a message that has been delivered more often than this, as one bad row, instead of handling it
    /// again: its handling may be the reason why its consumers end. No limit by default; zero is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    pub fn max_deliveries(mut self, deliveries: u32) -> Self {
        self.max_deliveries = deliveries;
        self
    }

    /// Adds the messages, which are of the format `F`.
    pub(crate) fn add<F: FormatOf<T>>(self) {
        self.add_plan(|head| {
            let (source, head) = read_head::<F>(head)?;
            Ok((source, decoders::<F, T>(head)))
        });
    }

    fn add_plan(self, open: Open) {
        let Self { sources, queue, name, lease, max_deliveries } = self;
        if lease.is_zero() {
            let name = "`with_lease` of a queue";
            return sources.plans.refuse(AsyncTaskError::out_of_range(name, "0 s", "longer than zero"));
        }
        if max_deliveries == 0 {
            let name = "`max_deliveries` of a queue";
            return sources.plans.refuse(AsyncTaskError::out_of_range(name, 0, "at least 1"));
        }
        sources.plans.push(Plan::Queue(QueuePlan { name, queue, lease, max_deliveries, open }));
    }
}
