//! Queues, acknowledgement: a message is acknowledged as soon as its last row is handled, by any receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::Retry;
use crate::library::pipeline::{Batch, PipelineBuilder, PipelineSender, Sources};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{LONG, publish};

/// The number of lines in a message, and of messages.
const LINES: u64 = 97;
const MESSAGES: u64 = 30;

/// A queue, and the number of its rows that its only worker has handled.
#[derive(Clone)]
struct Settled<R: Runtime> {
    rt: R,
    queue: LeasedQueue<R>,
    handled: Arc<AtomicU64>,
}

impl<R: Runtime> Settled<R> {
    async fn new(rt: &R) -> Result<Self, Failure> {
        let queue = LeasedQueue::new(rt);
        publish(rt, &queue, "numbers", LINES * MESSAGES, LINES as usize).await?;
        queue.close();
        Ok(Self { rt: rt.clone(), queue, handled: Arc::default() })
    }

    /// Waits until every message is acknowledged whose rows were handled before, and then handles `rows`
    /// more.
    async fn handle(self, rows: usize) -> Result<(), AsyncTaskError> {
        let before = self.handled.fetch_add(rows as u64, Ordering::SeqCst);
        let (due, begun) = ((before / LINES) as usize, self.rt.now());
        while self.queue.acknowledged().len() < due {
            if self.rt.now() - begun > 1.minutes() {
                let settled = self.queue.acknowledged().len();
                let why = format!("{before} rows are handled, and {settled} messages are settled");
                return Err(AsyncTaskError::failure(why));
            }
            self.rt.sleep(1.millis()).await?;
        }
        Ok(())
    }

    fn rows(
        self,
        set: impl FnOnce(PipelineBuilder<u64, R>) -> PipelineBuilder<u64, R>,
    ) -> PipelineSender<u64, R, impl FnOnce(&mut Sources<u64>) + Send + 'static> {
        let Self { rt, queue, .. } = self;
        set(AsyncTask::emits::<u64>().on(&rt).workers(1))
            .sender(move |sources: &mut Sources<u64>| sources.of_queue(&queue).with_lease(LONG).lines())
    }

    fn all(&self, summary: &FinalEvent) -> Outcome {
        ensure!(summary.handled() == LINES * MESSAGES && self.queue.is_empty(), "{summary:?}");
        Ok(())
    }
}

pub async fn a_message_is_settled_once_its_events_are_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now.clone().rows(|from| from).for_each(move |_: Event<u64>| each.clone().handle(1)).await?;
    now.all(&summary)?;
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now
        .clone()
        .rows(PipelineBuilder::ordered)
        .receiver(move |event, collector: Collector<u64, ()>| {
            collector.collect(event.take_data(), ());
            each.clone().handle(1)
        })
        .await_final_event(|event, _| event)
        .await?;
    now.all(&summary)
}

pub async fn a_message_is_settled_while_a_batch_spans_many<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now
        .clone()
        .rows(|from| from)
        .batched(1_000, Duration::MAX)
        .for_each(move |batch: Batch<u64>| each.clone().handle(batch.len()))
        .await?;
    now.all(&summary)?;
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now
        .clone()
        .rows(PipelineBuilder::ordered)
        .batched(150, Duration::MAX)
        .receiver(move |batch, collector: Collector<u64, ()>| {
            batch.iter().for_each(|event| collector.at(event).collect(*event.data(), ()));
            each.clone().handle(batch.len())
        })
        .await_final_event(|event, _| event)
        .await?;
    now.all(&summary)
}

pub async fn a_message_is_settled_while_a_batch_is_smaller<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Batches end within messages, and seldom with one.
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now
        .clone()
        .rows(|from| from)
        .batched(10, Duration::MAX)
        .for_each(move |batch: Batch<u64>| each.clone().handle(batch.len()))
        .await?;
    now.all(&summary)
}

pub async fn a_message_is_settled_where_its_events_may_be_tried_again<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let retrying = |from: PipelineBuilder<u64, R>| from.on_error(ErrorStrategy::retry_with(Retry::new(1)));
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now.clone().rows(retrying).for_each(move |_: Event<u64>| each.clone().handle(1)).await?;
    now.all(&summary)?;
    let now = Settled::new(&rt).await?;
    let each = now.clone();
    let summary = now
        .clone()
        .rows(retrying)
        .batched(100, Duration::MAX)
        .for_each(move |batch: Batch<u64>| each.clone().handle(batch.len()))
        .await?;
    now.all(&summary)
}
