//! A queue as a source: messages that other pipelines have published.

use std::sync::Arc;
use std::time::Duration;

use crate::queue::{DynQueue, Queue};
use crate::source::format::{FormatOf, decoders, read_head};
use crate::source::plan::{Open, Plan, QueuePlan, QueueSettings};
use crate::source::sources::Sources;
use sweet_async_core::error::AsyncTaskError;

/// A queue to be read; [`csv`](Self::csv), [`lines`](Self::lines) or [`json_lines`](Self::json_lines) adds it
/// to the pipeline.
#[must_use = "a queue is read only once its format has been named"]
pub struct QueueSource<'a, T> {
    sources: &'a mut Sources<T>,
    queue: Arc<dyn DynQueue>,
    name: Arc<str>,
    job: Option<Arc<str>>,
    settings: QueueSettings,
}

impl<T: Send + 'static> Sources<T> {
    /// The messages that other pipelines have [published](crate::PipelineSender::publish) into `queue`. The
    /// source ends once all jobs that the queue has had are over: their publishers have published all, and no
    /// message is left, with this or another consumer. Before the first job it waits. A queue that has several
    /// jobs, one after the other, is read [by job](QueueSource::job), or [endlessly](QueueSource::endless). The
    /// source must name the format of its publisher.
    ///
    /// A message is acknowledged as soon as its last row is handled, or rejected by a strategy that goes on.
    /// Values that receivers have collected or folded by then are in this process alone; where they must
    /// outlive the process, the receiver itself writes them, or stages make them and `publish_items` publishes
    /// them before the message is acknowledged. Messages that the pipeline's end leaves
    /// unhandled are given back; after a kill, others claim them when the lease runs out. So rows may be
    /// handled more than once. A [pulled](crate::PipelineSender::pull) pipeline does not know what becomes of
    /// its events, and one that writes a file has it only at its end: both are refused a queue
    /// ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// An event's position is that in the source that was published; its sequence counts in the order of
    /// claims. The order of rows is kept within a message. Errors name the source that was published.
    pub fn of_queue(&mut self, queue: &impl Queue) -> QueueSource<'_, T> {
        QueueSource::new(self, queue.clone())
    }
}

impl<'a, T: Send + 'static> QueueSource<'a, T> {
    fn new(sources: &'a mut Sources<T>, queue: impl Queue) -> Self {
        let settings = QueueSettings {
            lease: Duration::from_secs(30),
            max_deliveries: 10,
            redeliver_after: Duration::ZERO,
            poll_every: queue.poll_period(),
            is_endless: false,
        };
        Self { sources, queue: Arc::new(queue), name: "a queue".into(), job: None, settings }
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
        self.settings.lease = lease;
        self
    }

    /// Reads the messages of one job alone. The source ends once this job is over.
    pub fn job(mut self, job: impl Into<Arc<str>>) -> Self {
        self.job = Some(job.into());
        self
    }

    /// Goes on where all jobs are over, until the pipeline is cancelled: for a consumer that serves jobs as
    /// they come.
    pub fn endless(mut self) -> Self {
        self.settings.is_endless = true;
        self
    }

    /// Sets how often a message is delivered, 10 times by default. One that was delivered so often, and never
    /// handled to its end, becomes a [dead letter](Queue::dead) and one bad row: its handling may be the reason
    /// why its consumers end. Zero is refused ([`AsyncTaskError::InvalidConfig`]).
    pub fn max_deliveries(mut self, deliveries: u32) -> Self {
        self.settings.max_deliveries = deliveries;
        self
    }

    /// Sets the delay after which a message can be claimed again whose row has ended the pipeline under
    /// [`ErrorStrategy::StopOnFirst`](crate::ErrorStrategy::StopOnFirst); none by default. Other messages are given
    /// back at once, those of a batch among them. Deliveries that were not begun do not count. Refused with a queue that
    /// [has no clock](Queue::has_clock) ([`AsyncTaskError::InvalidConfig`]).
    pub fn redeliver_after(mut self, delay: Duration) -> Self {
        self.settings.redeliver_after = delay;
        self
    }

    /// Sets the time between two claims where there is no message; by default the [engine's](Queue::poll_period). The
    /// [hint](Queue::changed) of an engine makes it shorter. Zero is refused
    /// ([`AsyncTaskError::InvalidConfig`]).
    pub fn poll_every(mut self, period: Duration) -> Self {
        self.settings.poll_every = period;
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
        let Self { sources, queue, name, job, settings } = self;
        if let Err(error) = check(&settings, &*queue) {
            return sources.plans.refuse(error);
        }
        sources.plans.push(Plan::Queue(QueuePlan { name, queue, job, settings, open }));
    }
}

fn check(settings: &QueueSettings, queue: &dyn DynQueue) -> Result<(), AsyncTaskError> {
    let zero = |setting: &str| Err(AsyncTaskError::out_of_range(setting, "0 s", "longer than zero"));
    if settings.lease.is_zero() {
        return zero("`with_lease` of a queue");
    }
    if settings.poll_every.is_zero() {
        return zero("`poll_every` of a queue");
    }
    if settings.max_deliveries == 0 {
        return Err(AsyncTaskError::out_of_range("`max_deliveries` of a queue", 0, "at least 1"));
    }
    if !settings.redeliver_after.is_zero() && !queue.has_clock() {
        let (name, delay) = ("`redeliver_after` of a queue", format_args!("{:?}", settings.redeliver_after));
        return Err(AsyncTaskError::out_of_range(name, delay, "zero: its engine has no clock"));
    }
    Ok(())
}
