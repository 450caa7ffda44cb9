//! Queues, jobs: a publisher seals what it has published whole, and a consumer ends once no message will come.

use crate::library::CancellableTask as _;
use crate::library::pipeline::{
    BoundedQueue, Claims, DeadLetter, Depth, Queue, QueueMessage, SourceErrorStrategy,
};

use crate::kit::leases::{LeasedQueue, Receipt};
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, LONG, bounded, consume, publish};

pub async fn a_consumer_ends_with_the_job_of_its_publisher<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (bounded(2), Deliveries::default());
    let consumer = {
        let (rt2, queue, deliveries) = (rt.clone(), queue.clone(), deliveries.clone());
        // Begun before there is a job.
        AsyncTask::to::<FinalEvent>()
            .on(&rt)
            .try_spawn(move || async move { Ok(consume(&rt2, &queue, &deliveries).await?) })
    };
    yield_now().await;
    publish(&rt, &queue, "numbers", 50, 3).await?;
    ensure!(consumer.await?.handled() == 50);
    deliveries.check_each_once(50)
}

pub async fn what_was_not_published_whole_is_not_sealed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    queue.breaks("publish");
    failed(publish(&rt, &queue, "numbers", 20, 2).await)?;
    ensure!(!queue.is_sealed("numbers"));
    // A message that was rejected.
    queue.breaks("publish");
    let rejects = AsyncTask::emits::<u64>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes("1\n2\n").lines().into_chunks(1.lines()))
        .publish(&queue, "rejects");
    ensure!(rejects.await?.rejected() == 1 && !queue.is_sealed("rejects"));
    queue.seal("rejects").await?;
    // A source that was skipped.
    let two_sources = |path: &'static str| {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .on_source_error(SourceErrorStrategy::Skip)
            .sender(move |sources| {
                sources.of_file(path).lines().into_chunks(2.lines());
                sources.of_bytes("1\n").lines().into_chunks(2.lines());
            })
            .publish(&queue, "two sources")
    };
    let summary = two_sources("there/is/no/such/file").await?;
    ensure!(summary.failed_sources() == 1 && !queue.is_sealed("two sources"), "{summary:?}");
    // The same jobs once more, whole.
    publish(&rt, &queue, "numbers", 20, 2).await?;
    ensure!(queue.is_sealed("numbers"));
    queue.seal("two sources").await?;
    consume(&rt, &queue, &deliveries).await?;
    ensure!(deliveries.total() == 22 && queue.is_empty(), "{:?}", deliveries.get());
    Ok(())
}

pub async fn a_consumer_of_one_job_leaves_the_others<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (bounded(99), Deliveries::default());
    queue.open("open").await?;
    publish(&rt, &queue, "first", 10, 3).await?;
    publish(&rt, &queue, "second", 20, 3).await?;
    let (read, recorder) = (queue.clone(), deliveries.clone());
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| sources.of_queue(&read).with_lease(LONG).job("second").lines())
        .for_each(move |event| recorder.record(event.take_data()))
        .await?;
    ensure!(summary.handled() == 20, "{summary:?}");
    deliveries.check_each_once(20)?;
    ensure!(queue.unacknowledged() == 4, "the messages of the first are there");
    Ok(())
}

pub async fn an_endless_consumer_serves_jobs_as_they_come<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (bounded(99), Deliveries::default());
    let (read, recorder) = (queue.clone(), deliveries.clone());
    let consumer = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(move |sources| {
            sources.of_queue(&read).with_lease(LONG).endless().poll_every(1.millis()).lines();
        })
        .for_each(move |event| recorder.record(event.take_data()))
        .spawn();
    for (number, job) in ["first", "second", "third"].into_iter().enumerate() {
        publish(&rt, &queue, job, 10, 3).await?;
        while deliveries.total() < 10 * (number + 1) || queue.unacknowledged() > 0 {
            rt.sleep(1.millis()).await?;
        }
    }
    consumer.cancel(CancelLevel::Graceful).await;
    ensure!(deliveries.total() == 30);
    Ok(())
}

pub async fn results_are_sealed_once_all_chunks_are_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (chunks, results) = (bounded(99), LeasedQueue::new(&rt));
    publish(&rt, &chunks, "numbers", 30, 2).await?;
    let squares = |most: u64| {
        let chunks = chunks.clone();
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(1)
            .sender(move |sources| sources.of_queue(&chunks).with_lease(LONG).lines())
            .take(most)
            .publish_items(&results, "squares")
    };
    // The first has enough before the end of the chunks. What it has published may come again, under another key.
    squares(4).await?;
    ensure!(!results.is_sealed("squares"));
    squares(1_000).await?;
    ensure!(results.is_sealed("squares"));
    let gathered = {
        let results = results.clone();
        let (gathered, _) = AsyncTask::emits::<u64>()
            .on(&rt)
            .sender(move |sources| sources.of_queue(&results).with_lease(LONG).json_lines())
            .collect_vec()
            .await?;
        gathered
    };
    ensure!((0..30).all(|number| gathered.contains(&number)), "{gathered:?}");
    Ok(())
}

pub async fn a_message_comes_back_with_the_error_of_its_row<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 4, 2).await?;
    let delay = if at.virtual_time { 1.hours() } else { 20.millis() };
    let consumer = queue.clone();
    let ended = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(move |sources| sources.of_queue(&consumer).with_lease(LONG).redeliver_after(delay).lines())
        .for_each(|event: Event<u64>| if *event.data() == 1 { Err("one is bad") } else { Ok(()) })
        .await;
    let before = rt.now();
    failed(ended)?;
    let returned = queue.returned();
    ensure!(returned.iter().filter(|reason| reason.contains("one is bad")).count() == 1, "{returned:?}");
    ensure!(
        returned
            .iter()
            .all(|reason| reason.contains("one is bad") || reason.contains("its consumer has ended")),
        "{returned:?}"
    );
    // The other message is there at once.
    let deliveries = Deliveries::default();
    consume(&rt, &queue, &deliveries).await?;
    ensure!(!at.virtual_time || rt.now() - before == delay, "{:?}", rt.now() - before);
    ensure!(deliveries.total() >= 3 && queue.is_empty());
    Ok(())
}

pub async fn a_dead_letter_that_is_given_back_is_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(9);
    // The second message is claimed with the first, and never begun: it is not buried.
    publish(&rt, &queue, "numbers", 2, 1).await?;
    let consumer = |queue: BoundedQueue, fails: bool| {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(1)
            .sender(move |sources| sources.of_queue(&queue).lines())
            .for_each(move |event: Event<u64>| if fails && *event.data() == 0 { Err("no") } else { Ok(()) })
    };
    // Ten deliveries by default; the eleventh makes it a dead letter.
    for _ in 0..11 {
        failed(consumer(queue.clone(), true).await)?;
    }
    ensure!(consumer(queue.clone(), true).await?.read() == 1, "nobody reads the first any more");
    let keys: Vec<_> = queue.dead(9).await?.iter().map(|letter| letter.message.key().into()).collect();
    ensure!(queue.redrive(&keys).await? == 1);
    ensure!(consumer(queue.clone(), false).await?.handled() == 1);
    Ok(())
}

/// An engine that never waits: a claim that finds nothing says so.
#[derive(Clone)]
struct Impatient<R> {
    inner: LeasedQueue<R>,
    runtime: R,
    /// The time after which it gives a hint, whether there is a message or not.
    hint: Duration,
}

type Error = std::io::Error;

impl<R: Runtime> Queue for Impatient<R> {
    type Receipt = Receipt;
    type Error = Error;

    async fn claim(&self, job: Option<&str>, most: usize, lease: Duration) -> Result<Claims<Receipt>, Error> {
        poll_once(self.inner.claim(job, most, lease)).await.unwrap_or(Ok(Claims::Empty))
    }

    async fn changed(&self) {
        let _ = self.runtime.sleep(self.hint).await;
    }

    async fn open(&self, job: &str) -> Result<(), Error> {
        self.inner.open(job).await
    }

    async fn publish(&self, message: QueueMessage) -> Result<bool, Error> {
        self.inner.publish(message).await
    }

    async fn seal(&self, job: &str) -> Result<(), Error> {
        self.inner.seal(job).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Result<usize, Error> {
        self.inner.ack(receipts).await
    }

    async fn extend(&self, receipts: &[Receipt], lease: Duration) -> Result<usize, Error> {
        self.inner.extend(receipts, lease).await
    }

    async fn nack(&self, receipts: &[Receipt], reason: &str, after: Duration) -> Result<usize, Error> {
        self.inner.nack(receipts, reason, after).await
    }

    async fn release(&self, receipts: &[Receipt]) -> Result<usize, Error> {
        self.inner.release(receipts).await
    }

    async fn bury(&self, receipts: &[Receipt], reason: &str) -> Result<usize, Error> {
        self.inner.bury(receipts, reason).await
    }

    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, Error> {
        self.inner.dead(most).await
    }

    async fn redrive(&self, keys: &[std::sync::Arc<str>]) -> Result<usize, Error> {
        self.inner.redrive(keys).await
    }

    async fn purge(&self, keys: &[std::sync::Arc<str>]) -> Result<usize, Error> {
        self.inner.purge(keys).await
    }

    async fn depth(&self) -> Result<Depth, Error> {
        self.inner.depth().await
    }
}

pub async fn an_engine_that_has_nothing_for_now_is_asked_again<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for hint in [Duration::MAX, 1.millis()] {
        let (inner, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
        let (queue, recorder) =
            (Impatient { inner: inner.clone(), runtime: rt.clone(), hint }, deliveries.clone());
        let consumer = AsyncTask::emits::<u64>()
            .on(&rt)
            .sender(move |sources| sources.of_queue(&queue).with_lease(LONG).poll_every(20.millis()).lines())
            .for_each(move |event| recorder.record(event.take_data()))
            .spawn();
        let late = if at.virtual_time { 1.minutes() } else { 30.millis() };
        rt.sleep(late).await?;
        publish(&rt, &inner, "numbers", 10, 3).await?;
        ensure!(consumer.await?.handled() == 10);
        deliveries.check_each_once(10)?;
    }
    Ok(())
}
