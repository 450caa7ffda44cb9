//! Queues, at least once: chunks of one pipeline reach others through a queue, and none is lost.

use crate::library::CancellableTask as _;
use crate::library::pipeline::{Batch, Queue};

use crate::kit::Person;
use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, LONG, bounded, consume, publish};

/// The part of a row that is the same wherever it is read.
type Read = (u64, String, Option<u64>, Option<u64>);

async fn rows_through<R: Runtime>(rt: &R, queue: impl Queue, close: impl FnOnce()) -> Outcome {
    let text = "\u{feff}id\tname\n1\tAda\n2\t\"Gr\nace\"\n\n# no row\n3\tx\n4\t\n";
    let sum = |mut left: Vec<Read>, right| {
        left.extend(right);
        left
    };
    let read = |rows: &mut Vec<Read>, event: Event<Person>| {
        let (line, byte) = (event.position().line(), event.position().byte());
        let Person { id, name } = event.take_data();
        rows.push((id, name, line, byte));
    };
    let (mut direct, _) = AsyncTask::emits::<Person>()
        .on(rt)
        .sender(move |s| {
            s.of_bytes(text).with_delimiter(Delimiter::Tab).with_comment('#').into_chunks(2.rows())
        })
        .fold(Vec::new, read, sum)
        .await?;
    let published = AsyncTask::emits::<Person>()
        .on(rt)
        .sender(move |s| {
            s.of_bytes(text)
                .name("people")
                .with_delimiter(Delimiter::Tab)
                .with_comment('#')
                .into_chunks(2.rows());
        })
        .publish(&queue, "people of today")
        .await?;
    ensure!((published.read(), published.handled()) == (2, 2), "messages: {published:?}");
    close();
    let (mut through, summary) = AsyncTask::emits::<Person>()
        .on(rt)
        .sender(move |sources| sources.of_queue(&queue).name("the people's queue").csv())
        .fold(Vec::new, read, sum)
        .await?;
    direct.sort();
    through.sort();
    ensure!(through == direct && through.len() == 4, "{through:?} and {direct:?}");
    ensure!((summary.read(), summary.handled(), summary.dropped()) == (4, 4, 0), "{summary:?}");
    ensure!(summary.sources().iter().map(|name| &**name).eq(["the people's queue"]));
    Ok(())
}

pub async fn published_rows_are_read_as_local_ones<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(10);
    rows_through(&rt, queue.clone(), || queue.close()).await?;
    let queue = LeasedQueue::new(&rt);
    rows_through(&rt, queue.clone(), || queue.close()).await
}

pub async fn rows_without_a_header_keep_the_width_of_the_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(10);
    let published = AsyncTask::emits::<(u64, u64)>()
        .on(&rt)
        .sender(|s| s.of_bytes("1,2\n3\n4,5\n").name("pairs").with_headers(false).into_chunks(1.rows()))
        .publish(&queue, "pairs")
        .await?;
    ensure!(published.handled() == 3);
    queue.close();
    let (sum, summary) = AsyncTask::emits::<(u64, u64)>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_queue(&queue).csv())
        .fold(
            || 0,
            |sum, event| {
                let (left, right) = event.take_data();
                *sum += left * right;
            },
            |left, right| left + right,
        )
        .await?;
    ensure!(sum == 22 && summary.rejected() == 1);
    let error = summary.errors().first().context("one was rejected")?;
    ensure!(error.source_name() == "pairs" && error.position().line() == Some(2), "{error}");
    ensure!(error.reason() == "expected 2 fields, found 1", "{error}");
    Ok(())
}

pub async fn consumers_share_the_published_messages<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    // The queue is not over between the two jobs.
    queue.open("second").await?;
    let consumers: Vec<_> = (0..3)
        .map(|_| {
            let (rt2, queue, deliveries) = (rt.clone(), queue.clone(), deliveries.clone());
            AsyncTask::to::<FinalEvent>()
                .on(&rt)
                .try_spawn(move || async move { Ok(consume(&rt2, &queue, &deliveries).await?) })
        })
        .collect();
    publish(&rt, &queue, "first", 500, 7).await?;
    publish(&rt, &queue, "second", 3, 1).await?;
    queue.close();
    let mut handled = 0;
    for consumer in consumers {
        handled += consumer.await?.handled();
    }
    ensure!(handled == 503 && queue.is_empty());
    ensure!(deliveries.get().len() == 500 && deliveries.total() == 503);
    Ok(())
}

pub async fn a_consumer_that_is_killed_loses_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(100);
    publish(&rt, &queue, "numbers", 100, 5).await?;
    queue.close();
    let (deliveries, stuck) = (Deliveries::default(), Latch::new());
    let killed = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender({
            let queue = queue.clone();
            move |sources| sources.of_queue(&queue).lines()
        })
        .for_each({
            let (deliveries, stuck) = (deliveries.clone(), stuck.clone());
            move |event| {
                let (deliveries, stuck) = (deliveries.clone(), stuck.clone());
                async move {
                    // In the middle of a message, after other rows of it were handled.
                    if event.data() % 5 == 3 {
                        stuck.set();
                        pending::<()>().await;
                    }
                    deliveries.record(event.take_data());
                }
            }
        })
        .spawn();
    stuck.wait().await;
    ensure!(queue.unacknowledged() == 20, "no message was handled whole");
    killed.cancel(CancelLevel::Kill).await;
    ensure!(queue.unacknowledged() == 20);
    let summary = consume(&rt, &queue, &deliveries).await?;
    ensure!(summary.handled() == 100 && queue.unacknowledged() == 0, "{summary:?}");
    ensure!(
        deliveries.get().len() == 100,
        "what was handled before is handled again: {:?}",
        deliveries.get()
    );
    Ok(())
}

pub async fn a_lease_that_runs_out_is_claimed_by_another<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let lease = if at.virtual_time { 1.minutes() } else { 100.millis() };
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 3, 1).await?;
    // Claimed by a consumer that has died and does nothing any more.
    let before = rt.now();
    let claims = queue.claim(None, 2, lease).await?.into_messages();
    ensure!(claims.len() == 2);
    queue.close();
    let summary = consume(&rt, &queue, &deliveries).await?;
    ensure!(summary.handled() == 3 && queue.is_empty(), "{summary:?}");
    let took = rt.now() - before;
    ensure!(if at.virtual_time { took == lease } else { took >= lease }, "{took:?}");
    deliveries.check_each_once(3)?;
    // The consumer was late and not dead: its acknowledgement does not count.
    let receipts: Vec<_> = claims.iter().map(|claim| claim.receipt).collect();
    ensure!(queue.ack(&receipts).await? == 0);
    Ok(())
}

pub async fn a_lease_is_extended_while_its_rows_are_handled<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // Two messages are claimed at once, and one of them waits: its lease is extended too.
    let due = if at.virtual_time { 50 } else { 2 };
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    publish(&rt, &queue, "numbers", 4, 2).await?;
    queue.close();
    let (other, looked, slow, recorder) = (queue.clone(), queue.clone(), rt.clone(), deliveries.clone());
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(move |sources| sources.of_queue(&other).with_lease(3.seconds()).lines())
        .for_each(move |event| {
            let (deliveries, queue, slow) = (recorder.clone(), looked.clone(), slow.clone());
            async move {
                while queue.extended() < due {
                    slow.sleep(50.millis()).await?;
                }
                deliveries.record(event.take_data());
                Ok::<_, AsyncTaskError>(())
            }
        })
        .await?;
    ensure!(summary.handled() >= 4 && queue.is_empty(), "{summary:?}");
    // In real time, a machine that stands still for two seconds may lose a lease: at least once, then.
    if at.virtual_time {
        deliveries.check_each_once(4)
    } else {
        Ok(ensure!(deliveries.get().len() == 4, "{:?}", deliveries.get()))
    }
}

pub async fn a_graceful_stop_settles_the_claimed_messages<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 300, 3).await?;
    let (deliveries, some) = (Deliveries::default(), Latch::new());
    let consumer = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender({
            let queue = queue.clone();
            move |sources| sources.of_queue(&queue).with_lease(LONG).lines()
        })
        .for_each({
            let (deliveries, some) = (deliveries.clone(), some.clone());
            move |event| {
                let (deliveries, some) = (deliveries.clone(), some.clone());
                async move {
                    yield_now().await;
                    deliveries.record(event.take_data());
                    // The other worker may have made it more meanwhile.
                    if deliveries.total() >= 100 {
                        some.set();
                    }
                }
            }
        })
        .spawn();
    some.wait().await;
    // The queue is not closed: the consumer ends because it is cancelled.
    consumer.cancel(CancelLevel::Graceful).grace(1.hours()).await;
    ensure!(queue.held() == 0, "nothing is held any more");
    ensure!(deliveries.total() == queue.acknowledged().len() * 3, "whole messages alone");
    queue.close();
    consume(&rt, &queue, &deliveries).await?;
    deliveries.check_each_once(300)
}

pub async fn publishing_again_under_the_same_name_adds_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    // The first attempt fails at one of its messages.
    queue.breaks("publish");
    publish(&rt, &queue, "numbers", 100, 3).await.map_or(Ok(()), |_| bail!("the first was to fail"))?;
    for _ in 0..2 {
        publish(&rt, &queue, "numbers", 100, 3).await?;
    }
    ensure!(queue.len() == 34);
    queue.close();
    consume(&rt, &queue, &deliveries).await?;
    deliveries.check_each_once(100)
}

pub async fn a_full_queue_pauses_its_publisher<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (bounded(2), Deliveries::default());
    let publisher = {
        let (rt2, queue) = (rt.clone(), queue.clone());
        AsyncTask::to::<u64>().on(&rt).try_spawn(move || async move {
            let published = publish(&rt2, &queue, "numbers", 50, 1).await?;
            queue.close();
            Ok(published.handled())
        })
    };
    for n in 0..10 {
        let claims = queue.claim(None, 1, LONG).await?.into_messages();
        let receipts: Vec<_> = claims.into_iter().map(|claim| claim.receipt).collect();
        // Two wait in the queue, one before it, and one is claimed here.
        ensure!(receipts.len() == 1 && queue.unacknowledged() <= 4);
        ensure!(queue.ack(&receipts).await? == 1, "{n}");
    }
    let summary = consume(&rt, &queue, &deliveries).await?;
    ensure!(summary.handled() == 40 && publisher.await? == 50);
    Ok(())
}

pub async fn a_batch_is_settled_once_it_is_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 20, 2).await?;
    queue.close();
    let (consumer, looked) = (queue.clone(), queue.clone());
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(move |sources| sources.of_queue(&consumer).with_lease(LONG).lines())
        .batched(7, Duration::MAX)
        .for_each(move |batch: Batch<u64>| {
            // No event of the batch is acknowledged before.
            let open = looked.len() * 2;
            if open < batch.len() {
                Err(format!("{open} are left, and {} are here", batch.len()))
            } else {
                Ok(())
            }
        })
        .await?;
    ensure!(summary.handled() == 20 && queue.is_empty(), "{summary:?}");
    Ok(())
}
