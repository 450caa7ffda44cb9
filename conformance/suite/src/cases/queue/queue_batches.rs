//! Queues, batches: a batch holds its messages until it is handled, and neither waits for the other.

use std::sync::Arc;

use crate::library::pipeline::{
    Batch, BatchedSender, Claims, DeadLetter, Depth, PipelineBuilder, Queue, QueueMessage, Sources,
};
use crate::library::{CancellableTask as _, Retry, RetryStrategy};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, LONG, bounded, consume, publish};

/// More events than any batch here has.
const MANY: usize = 1_000;

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

/// A sender of the numbers in `queue`, in batches of `size` without a limit on the delay.
fn batches<R: Runtime, Q: Queue>(
    from: PipelineBuilder<u64, R>,
    queue: Q,
    size: usize,
) -> BatchedSender<u64, R, impl FnOnce(&mut Sources<u64>) + Send + 'static> {
    from.sender(move |sources: &mut Sources<u64>| sources.of_queue(&queue).with_lease(LONG).lines())
        .batched(size, Duration::MAX)
}

fn record(deliveries: &Deliveries, batch: Batch<u64>) {
    batch.into_iter().for_each(|event| deliveries.record(event.take_data()));
}

/// Waits until `done`, for a minute at most.
async fn until<R: Runtime>(rt: &R, done: impl Fn() -> bool) -> Result<(), AsyncTaskError> {
    let before = rt.now();
    while !done() {
        if rt.now() - before > 1.minutes() {
            return Err(AsyncTaskError::failure("it was waited for, and did not come"));
        }
        rt.sleep(1.millis()).await?;
    }
    Ok(())
}

pub async fn the_last_batch_is_given_when_a_closed_queue_has_no_more<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let (plain, leased) = (bounded(10), LeasedQueue::new(&rt));
        publish(&rt, &plain, "numbers", 10, 1).await?;
        publish(&rt, &leased, "numbers", 10, 1).await?;
        plain.close();
        leased.close();
        let read = batches(numbers(&rt).workers(workers), plain.clone(), 100).for_each(|_| {}).await?;
        ensure!((read.handled(), plain.unacknowledged()) == (10, 0), "{read:?}");
        let deliveries = Deliveries::default();
        let recorder = deliveries.clone();
        let read = batches(numbers(&rt).workers(workers), leased.clone(), 100)
            .receiver(move |batch, _: Collector<u64, u64>| record(&recorder, batch))
            .await_final_event(|event, _| event)
            .await?;
        ensure!((read.handled(), leased.len()) == (10, 0), "{read:?}");
        deliveries.check_each_once(10)?;
    }
    Ok(())
}

pub async fn a_batch_is_given_when_a_queue_has_nothing_for_now<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    // The queue is not over before the last job.
    queue.open("third").await?;
    let recorder = deliveries.clone();
    let consumer =
        batches(numbers(&rt), queue.clone(), MANY).for_each(move |batch| record(&recorder, batch)).spawn();
    for (lines, job) in [(30, "first"), (40, "second"), (50, "third")] {
        publish(&rt, &queue, job, lines, 7).await?;
        // Nothing comes that would fill a batch.
        until(&rt, || queue.is_empty()).await?;
    }
    queue.close();
    ensure!(consumer.await?.handled() == 120 && deliveries.total() == 120);
    Ok(())
}

pub async fn a_graceful_stop_gives_the_last_batch<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 300, 3).await?;
    let recorder = deliveries.clone();
    let consumer = batches(numbers(&rt).workers(2), queue.clone(), MANY)
        .for_each(move |batch| record(&recorder, batch))
        .spawn();
    while consumer.progress().read < 30 {
        yield_now().await;
    }
    let end = consumer.cancel(CancelLevel::Graceful).grace(1.minutes()).await;
    ensure!(end.level() == Some(CancelLevel::Graceful), "its grace was used up: {end:?}");
    let progress = consumer.progress();
    ensure!(progress.handled == progress.read && progress.read >= 30, "{progress:?}");
    ensure!(
        queue.held() == 0 && queue.acknowledged().len() * 3 == deliveries.total(),
        "whole messages alone"
    );
    queue.close();
    consume(&rt, &queue, &deliveries).await?;
    deliveries.check_each_once(300)
}

pub async fn a_queue_that_cannot_be_claimed_gives_the_last_batch<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 30, 1).await?;
    let (recorder, breaking) = (deliveries.clone(), queue.clone());
    let ended = batches(numbers(&rt).workers(1), queue.clone(), 4)
        .for_each(move |batch| {
            record(&recorder, batch);
            breaking.breaks("claim");
        })
        .await;
    let error = failed(ended)?;
    ensure!(source_text(&error).contains("claiming from"), "{error}");
    ensure!(
        queue.held() == 0 && queue.acknowledged().len() == deliveries.total(),
        "what was claimed is handled"
    );
    Ok(())
}

pub async fn messages_without_events_are_settled_beside_a_batch<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 1, 1).await?;
    let bad = numbers(&rt).sender(|s| s.of_bytes("x\ny\n").lines().into_chunks(9.lines()));
    bad.publish(&queue, "bad").await?;
    queue.close();
    let (looked, waits) = (queue.clone(), rt.clone());
    let summary =
        batches(numbers(&rt).workers(1).on_error(ErrorStrategy::ContinueOnError), queue.clone(), MANY)
            .for_each(move |_| {
                let (looked, waits) = (looked.clone(), waits.clone());
                async move { until(&waits, || looked.acknowledged() == ["bad/0/0+4"]).await }
            })
            .await?;
    ensure!((summary.handled(), summary.rejected(), queue.len()) == (1, 2, 0), "{summary:?}");
    Ok(())
}

/// An engine that answers late.
#[derive(Clone)]
struct Distant<R>(R, LeasedQueue<R>);

type Error = std::io::Error;

impl<R: Runtime> Queue for Distant<R> {
    type Receipt = (u64, u32);
    type Error = Error;

    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> Result<Claims<(u64, u32)>, Error> {
        self.0.sleep(5.millis()).await.map_err(Error::other)?;
        self.1.claim(job, most, lease).await
    }

    async fn ack(&self, receipts: &[(u64, u32)]) -> Result<usize, Error> {
        self.0.sleep(5.millis()).await.map_err(Error::other)?;
        self.1.ack(receipts).await
    }

    async fn open(&self, job: &str) -> Result<(), Error> {
        self.1.open(job).await
    }

    async fn publish(&self, message: QueueMessage) -> Result<bool, Error> {
        self.1.publish(message).await
    }

    async fn seal(&self, job: &str) -> Result<(), Error> {
        self.1.seal(job).await
    }

    async fn extend(&self, receipts: &[(u64, u32)], lease: Duration) -> Result<usize, Error> {
        self.1.extend(receipts, lease).await
    }

    async fn nack(&self, receipts: &[(u64, u32)], reason: &str, after: Duration) -> Result<usize, Error> {
        self.1.nack(receipts, reason, after).await
    }

    async fn release(&self, receipts: &[(u64, u32)]) -> Result<usize, Error> {
        self.1.release(receipts).await
    }

    async fn bury(&self, receipts: &[(u64, u32)], reason: &str) -> Result<usize, Error> {
        self.1.bury(receipts, reason).await
    }

    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, Error> {
        self.1.dead(most).await
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, Error> {
        self.1.redrive(keys).await
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, Error> {
        self.1.purge(keys).await
    }

    async fn depth(&self) -> Result<Depth, Error> {
        self.1.depth().await
    }
}

pub async fn batches_of_a_busy_queue_are_full<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 100, 1).await?;
    queue.close();
    let (counts, sizes) = async_channel::unbounded();
    let recorder = deliveries.clone();
    batches(numbers(&rt).workers(1), Distant(rt.clone(), queue.clone()), 40)
        .for_each(move |batch| {
            let _ = counts.try_send(batch.len());
            record(&recorder, batch);
        })
        .await?;
    deliveries.check_each_once(100)?;
    // A machine that stands still for that long may take the queue for silent.
    let sizes: Vec<_> = std::iter::from_fn(|| sizes.try_recv().ok()).collect();
    ensure!(!at.virtual_time || sizes == [40, 40, 20], "{sizes:?}");
    Ok(())
}

pub async fn batches_of_a_queue_may_be_handled_on_the_blocking_pool<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 100, 3).await?;
    queue.close();
    let recorder = deliveries.clone();
    let run =
        batches(numbers(&rt).workers(2), queue.clone(), 30).for_each(move |batch| record(&recorder, batch));
    ensure!(run.blocking().await?.handled() == 100 && queue.is_empty());
    deliveries.check_each_once(100)
}

pub async fn batches_of_two_queues_do_not_wait_for_each_other<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for sources in [1, 2] {
        let (first, second) = (LeasedQueue::new(&rt), LeasedQueue::new(&rt));
        publish(&rt, &first, "numbers", 9, 2).await?;
        first.close();
        let (one, two) = (first.clone(), second.clone());
        let consumer = numbers(&rt)
            .workers(2)
            .with_concurrency(sources)
            .sender(move |sources| {
                sources.of_queue(&one).with_lease(LONG).lines();
                sources.of_queue(&two).with_lease(LONG).lines();
            })
            .batched(MANY, Duration::MAX)
            .for_each(|_: Batch<u64>| {})
            .spawn();
        until(&rt, || first.is_empty()).await?;
        publish(&rt, &second, "numbers", 9, 2).await?;
        second.close();
        ensure!(consumer.await?.handled() == 18 && second.is_empty());
    }
    Ok(())
}

pub async fn a_batch_that_takes_too_long_is_settled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 9, 2).await?;
    queue.close();
    let from = numbers(&rt).workers(1).event_timeout(5.millis()).on_error(ErrorStrategy::ContinueOnError);
    let summary = batches(from, queue.clone(), 3)
        .for_each(|batch: Batch<u64>| async move {
            if batch.iter().any(|event| *event.data() == 4) {
                pending::<()>().await;
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected(), queue.len()) == (6, 3, 0), "{summary:?}");
    Ok(())
}

pub async fn a_batch_that_is_tried_again_is_settled_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 20, 3).await?;
    queue.close();
    let retry = Retry::new(1).backoff(RetryStrategy::Immediate);
    let recorder = deliveries.clone();
    let summary =
        batches(numbers(&rt).workers(1).on_error(ErrorStrategy::retry_with(retry)), queue.clone(), 4)
            .for_each(move |batch: Batch<u64>| {
                let first = batch.first().map(|event| *event.data()).unwrap_or_default();
                record(&recorder, batch);
                if recorder.get().get(&first) == Some(&1) { Err("not yet") } else { Ok(()) }
            })
            .await?;
    ensure!((summary.handled(), summary.rejected(), queue.len()) == (20, 0, 0), "{summary:?}");
    ensure!(queue.acknowledged().len() == 7 && deliveries.total() == 40);
    Ok(())
}

pub async fn a_batch_that_ends_the_pipeline_gives_its_messages_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 12, 3).await?;
    queue.close();
    let refuse = |batch: Batch<u64>| match batch.iter().any(|event| *event.data() == 5) {
        true => Err("five"),
        false => Ok(()),
    };
    let ended = batches(numbers(&rt).workers(1), queue.clone(), 2).for_each(refuse).await;
    ensure!(source_text(&failed(ended)?).contains("five"));
    // The second message was handled in part, and the first as a whole.
    ensure!(queue.acknowledged() == ["numbers/0/0+6"] && queue.held() == 0, "{:?}", queue.acknowledged());
    ensure!(consume(&rt, &queue, &Deliveries::default()).await?.handled() == 9 && queue.is_empty());
    Ok(())
}
