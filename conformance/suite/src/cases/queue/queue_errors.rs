//! Queues, errors: a failed engine and an unreadable message are named, and an unfinished message comes back.

use crate::library::pipeline::{
    BoundedQueue, Queue, QueueError, QueueMessage, QueueRefused, SourceErrorStrategy,
};

use crate::kit::explode;
use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, LONG, bounded, consume, publish};

pub async fn a_message_in_which_the_pipeline_ends_comes_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 9, 3).await?;
    queue.close();
    let (deliveries, consumer) = (Deliveries::default(), queue.clone());
    let recorder = deliveries.clone();
    let ended = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(move |sources| sources.of_queue(&consumer).with_lease(LONG).name("numbers").lines())
        .for_each(move |event| {
            if *event.data() == 4 {
                return Err("four");
            }
            recorder.record(event.take_data());
            Ok(())
        })
        .await;
    ensure!(source_text(&failed(ended)?).contains("four"));
    ensure!(deliveries.get().into_keys().eq([0, 1, 2, 3]), "{:?}", deliveries.get());
    // The first message was handled as a whole; the others can be claimed again.
    ensure!(queue.acknowledged() == ["numbers/0/0+6"] && queue.held() == 0, "{:?}", queue.acknowledged());
    let summary = consume(&rt, &queue, &Deliveries::default()).await?;
    ensure!(summary.handled() == 6 && queue.is_empty());
    Ok(())
}

pub async fn a_publisher_may_try_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    queue.breaks("publish");
    queue.breaks("publish");
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .on_error(ErrorStrategy::retry(3))
        .sender(|sources| sources.of_bytes("1\n2\n3\n").lines().into_chunks(1.lines()))
        .publish(&queue, "numbers")
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (3, 0) && queue.len() == 3, "{summary:?}");
    Ok(())
}

pub async fn a_queue_error_names_the_failed_operation<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    let is_reset = |error: &AsyncTaskError, expected: &str| {
        let inner = error.downcast_ref::<QueueError>().and_then(std::error::Error::source);
        let kind = inner.and_then(|inner| inner.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
        kind == Some(std::io::ErrorKind::ConnectionReset) && source_text(error).contains(expected)
    };
    queue.breaks("publish");
    let error = failed(publish(&rt, &queue, "the job", 1, 1).await)?;
    ensure!(is_reset(&error, "publishing the job: the engine is away"), "{error}");
    publish(&rt, &queue, "the job", 10, 1).await?;
    queue.breaks("claim");
    let error = failed(consume(&rt, &queue, &Deliveries::default()).await)?;
    ensure!(is_reset(&error, "claiming from a queue: the engine is away"), "{error}");
    queue.breaks("ack");
    let error = failed(consume(&rt, &queue, &Deliveries::default()).await)?;
    ensure!(is_reset(&error, "acknowledging to a queue: the engine is away"), "{error}");
    Ok(())
}

pub async fn a_queue_whose_claim_panics_is_a_source_that_fails<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 6, 3).await?;
    queue.close();
    queue.panics("claim");
    let consumer = queue.clone();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .on_source_error(SourceErrorStrategy::Skip)
        .sender(move |sources| {
            sources.of_queue(&consumer).lines();
            sources.of_bytes("1\n2\n").lines().into_chunks(1.lines());
        })
        .for_each(|_: Event<u64>| ())
        .await?;
    ensure!((summary.handled(), summary.failed_sources()) == (2, 1), "{summary:?}");
    let error = summary.source_errors().first().context("one failed")?;
    ensure!(error.error().is_panic() && error.source_index() == 0, "{error:?}");
    queue.panics("claim");
    let error = failed(consume(&rt, &queue, &Deliveries::default()).await)?;
    ensure!(error.is_panic(), "{error:?}");
    ensure!((queue.len(), queue.held()) == (2, 0), "{} messages", queue.len());
    Ok(())
}

pub async fn unreadable_messages_are_rejected_and_named<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    queue.publish(QueueMessage::new("strange", "alien", "not one of ours")).await?;
    queue.publish(QueueMessage::new("strange", "empty", "")).await?;
    publish(&rt, &queue, "lines", 2, 2).await?;
    queue.close();
    let consumer = queue.clone();
    let summary = AsyncTask::emits::<(u64,)>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_queue(&consumer).name("rows").csv())
        .for_each(|_: Event<(u64,)>| ())
        .await?;
    ensure!((summary.read(), summary.rejected()) == (3, 3) && queue.is_empty(), "{summary:?}");
    let texts: Vec<_> = summary.errors().iter().map(|error| error.to_string()).collect();
    let due = [
        "rows, an item: message \"alien\": it is no chunk, or one that another version has published",
        "rows, an item: message \"empty\": it is no chunk, or one that another version has published",
        "rows, an item: message \"lines/0/0+4\": it holds lines: read it as such, or give it a queue of its own",
    ];
    ensure!(texts == due, "{texts:#?}");
    Ok(())
}

pub async fn a_message_that_is_delivered_too_often_is_rejected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(10);
    publish(&rt, &queue, "numbers", 1, 1).await?;
    let consume = |queue: BoundedQueue| {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(1)
            .sender(move |sources| sources.of_queue(&queue).max_deliveries(2).lines())
            .for_each(|_: Event<u64>| Err::<(), _>("it never works"))
    };
    for _ in 0..2 {
        ensure!(source_text(&failed(consume(queue.clone()).await)?).contains("it never works"));
        ensure!(queue.unacknowledged() == 1);
    }
    let error = failed(consume(queue.clone()).await)?;
    ensure!(source_text(&error).contains("it was delivered 2 times"), "{error:#}");
    // Published only now: messages that come back together do so in any order.
    publish(&rt, &queue, "another", 1, 1).await?;
    queue.close();
    let rest = AsyncTask::emits::<u64>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender({
            let queue = queue.clone();
            move |sources| sources.of_queue(&queue).max_deliveries(2).lines()
        })
        .for_each(|_: Event<u64>| ())
        .await?;
    // It is a dead letter, which nobody reads.
    ensure!(rest.read() == 1 && queue.unacknowledged() == 0, "{rest:?}");
    let dead = queue.dead(9).await?;
    let [letter] = &*dead else { bail!("{dead:?}") };
    ensure!(letter.message.key() == "numbers/0/0+2" && letter.deliveries == 3, "{letter:?}");
    ensure!(letter.reason.contains("it was delivered 2 times"), "{letter:?}");
    Ok(())
}

pub async fn invalid_uses_of_a_queue_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(10);
    let refused = |error: AsyncTaskError, expected: &str| {
        ensure!(
            matches!(&error, AsyncTaskError::InvalidConfig(_)) && error.to_string().contains(expected),
            "{error}"
        );
        Ok(())
    };
    let items = AsyncTask::emits::<u64>().on(&rt).sender(|s| s.of([1, 2]).into_chunks(1.items()));
    refused(failed(items.publish(&queue, "items").await)?, "items cannot be published")?;
    let of_queue = |lease: Duration, deliveries: u32| {
        let queue = queue.clone();
        AsyncTask::emits::<u64>()
            .on(&rt)
            .sender(move |s| s.of_queue(&queue).with_lease(lease).max_deliveries(deliveries).lines())
    };
    refused(failed(of_queue(Duration::ZERO, 1).for_each(|_: Event<u64>| ()).await)?, "`with_lease`")?;
    refused(failed(of_queue(LONG, 0).for_each(|_: Event<u64>| ()).await)?, "`max_deliveries`")?;
    let mut pulled = of_queue(LONG, 1).pull();
    refused(
        failed(pulled.next_event().await.context("an error was due")?)?,
        "a pulled pipeline reads no queue",
    )?;
    ensure!(queue.unacknowledged() == 0);
    queue.close();
    let closed = failed(queue.publish(QueueMessage::new("numbers", "late", "")).await)?;
    ensure!(matches!(&closed, QueueRefused::Closed(message) if message.key() == "late"), "{closed:?}");
    ensure!(closed.to_string() == "the queue is closed");
    Ok(())
}

pub async fn any_bytes_are_read_or_rejected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // A real message with one byte changed, or cut short.
    let keep = bounded(1);
    let one = AsyncTask::emits::<(u64, u64)>()
        .on(&rt)
        .sender(|s| s.of_bytes("a,b\n1,2\n3,4\n").into_chunks(9.rows()));
    one.publish(&keep, "one").await?;
    let claims = keep.claim(None, 1, LONG).await?.into_messages();
    let whole = claims.first().context("one was published")?.message.body().clone();
    let queue = bounded(whole.len() * 2);
    for at in 0..whole.len() {
        let mut broken = whole.to_vec();
        if let Some(byte) = broken.get_mut(at) {
            *byte = byte.wrapping_add((rt.entropy() % 255) as u8 + 1);
        }
        queue.publish(QueueMessage::new("broken", format!("changed at {at}"), broken)).await?;
        queue.publish(QueueMessage::new("broken", format!("cut at {at}"), whole.slice(..at))).await?;
    }
    queue.close();
    let consumer = queue.clone();
    let summary = AsyncTask::emits::<(u64, u64)>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_queue(&consumer).csv())
        .for_each(|_: Event<(u64, u64)>| ())
        .await?;
    ensure!(summary.rejected() as usize > whole.len() && queue.unacknowledged() == 0, "{summary:?}");
    Ok(())
}

pub async fn a_receiver_that_panics_is_its_rows_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 6, 2).await?;
    queue.close();
    let consumer = queue.clone();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_queue(&consumer).with_lease(LONG).lines())
        .for_each(|event| {
            if *event.data() == 3 {
                explode("three")
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (5, 1) && queue.is_empty(), "{summary:?}");
    Ok(())
}
