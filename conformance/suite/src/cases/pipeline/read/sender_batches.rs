//! Pipelines, sender strategies: `Batched` sends at its size, at its delay and at the end of the source.

use std::sync::atomic::Ordering;

use crate::library::pipeline::SenderStrategy;
use futures_lite::stream;

use super::senders::numbers;
use crate::kit::count;
use crate::kit::prelude::*;

pub async fn a_batch_goes_out_when_it_is_full<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Item by item, with a yield between them; each third item comes once those before it have been handled.
    let (report, handled) = async_channel::unbounded::<u64>();
    let stream = stream::unfold((0u64, handled), |(n, handled)| async move {
        yield_now().await;
        if n > 0 && n % 3 == 0 {
            for _ in 0..3 {
                handled.recv().await.ok()?;
            }
        }
        // A batch that is not full has not been sent.
        (handled.is_empty() && n < 30).then_some((n, (n + 1, handled)))
    });
    let summary = numbers(&rt)
        .sender_strategy(SenderStrategy::Batched { size: 3, delay: 1.hours() })
        .sender(|sources| sources.of_stream(Box::pin(stream)).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            let _ = report.try_send(event.take_data());
        })
        .await?;
    ensure!(summary.handled() == 30, "{} of 30", summary.handled());
    ensure!(summary.elapsed() < 1.hours());
    Ok(())
}

pub async fn a_batch_goes_out_when_its_first_item_has_waited<R: Runtime>(rt: R, at: Facts) -> Outcome {
    const DELAY: Duration = Duration::from_millis(5);
    // The second item of each batch comes at once, the third only when both have been handled.
    let (report, handled) = async_channel::unbounded::<u64>();
    let stream = stream::unfold((0u64, handled), |(n, handled)| async move {
        if n > 0 && n % 2 == 0 {
            for _ in 0..2 {
                handled.recv().await.ok()?;
            }
        }
        (n < 10).then_some((n, (n + 1, handled)))
    });
    let summary = numbers(&rt)
        .sender_strategy(SenderStrategy::Batched { size: 1_000, delay: DELAY })
        .sender(|sources| sources.of_stream(Box::pin(stream)).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            let _ = report.try_send(event.take_data());
        })
        .await?;
    ensure!(summary.handled() == 10);
    // The last batch ends with the stream, once it has been handled and the stream is polled again.
    ensure!(summary.elapsed() >= 5 * DELAY, "{:?}", summary.elapsed());
    ensure!(!at.virtual_time || summary.elapsed() == 5 * DELAY, "{:?}", summary.elapsed());
    Ok(())
}

pub async fn a_batch_goes_out_when_its_source_ends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let summary = numbers(&rt)
        .sender_strategy(SenderStrategy::Batched { size: 1_000, delay: 1.hours() })
        .sender(|sources| {
            sources.of_stream(stream::iter(0..5)).into_chunks(1.items());
            sources.of_stream(stream::iter(5..7)).into_chunks(1.items());
            sources.of_bytes("7\n8\n9").lines().into_chunks(1.lines());
        })
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.handled() == 10 && summary.elapsed() < 1.hours());
    Ok(())
}

pub async fn a_batch_is_numbered_as_its_items_are<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let wrong = count();
    let wrongs = wrong.clone();
    numbers(&rt)
        .sender_strategy(SenderStrategy::Batched { size: 4, delay: 1.hours() })
        .sender(|sources| {
            sources.of_stream(stream::iter(0..10)).into_chunks(100.items());
            sources.of_stream(stream::iter(10..20)).into_chunks(100.items());
        })
        .for_each(move |event: Event<u64>| {
            wrongs.fetch_add(u64::from(event.sequence() != *event.data()), Ordering::SeqCst);
        })
        .await?;
    ensure!(wrong.load(Ordering::SeqCst) == 0);
    Ok(())
}
