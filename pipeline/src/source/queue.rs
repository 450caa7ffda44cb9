//! A queue as a source: messages that other pipelines have published.

use std::sync::Arc;
use std::time::Duration;

use crate::queue::{DynQueue, Kind, Queue};
use crate::source::{Plan, Sources};
use crate::text::decode::DynDecoders;
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

/// A queue, ready to be read.
pub(crate) struct QueuePlan {
    pub(crate) name: Arc<str>,
    pub(crate) queue: Arc<dyn DynQueue>,
    pub(crate) lease: Duration,
    pub(crate) max_deliveries: u32,
    /// Makes decoders for a kind of text, or returns the kind if its rows cannot be made of it.
    pub(crate) make: fn(Kind) -> Result<DynDecoders, Kind>,
}

impl<'a, T: Send + 'static> QueueSource<'a, T> {
    pub(crate) fn new(sources: &'a mut Sources<T>, queue: impl Queue) -> Self {
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

    pub(crate) fn add(self, make: fn(Kind) -> Result<DynDecoders, Kind>) {
        let Self { sources, queue, name, lease, max_deliveries } = self;
        if lease.is_zero() {
            let name = "`with_lease` of a queue";
            return sources.plans.refuse(AsyncTaskError::out_of_range(name, "0 s", "longer than zero"));
        }
        if max_deliveries == 0 {
            let name = "`max_deliveries` of a queue";
            return sources.plans.refuse(AsyncTaskError::out_of_range(name, 0, "at least 1"));
        }
        sources.plans.push(Plan::Queue(QueuePlan { name, queue, lease, max_deliveries, make }));
    }
}
