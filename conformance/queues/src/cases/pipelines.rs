//! Pipelines on the engine: published chunks are read by other pipelines, and results come back.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use sweet_async_core::{AsyncTaskError, CancelLevel, CancellableTask as _, DynRuntime};
use sweet_async_pipeline::{ChunkSizeExt as _, ErrorStrategy, FinalEvent, PipelineBuilder, Queue as _};

use crate::Outcome;
use crate::bench::{Bench, text};
use crate::erased::AnyQueue;

/// Publishes the lines from 0 to `lines`, `chunk` of them to a message.
async fn publish(
    bench: &Bench,
    queue: &AnyQueue,
    lines: u64,
    chunk: usize,
) -> Result<FinalEvent, AsyncTaskError> {
    let all: String = (0..lines).map(|n| format!("{n}\n")).collect();
    PipelineBuilder::<u64, _>::new(bench.runtime.clone())
        .workers(1)
        .sender(move |sources| sources.of_bytes(all).lines().into_chunks(chunk.lines()))
        .publish(queue, "lines")
        .await
}

fn numbers(bench: &Bench) -> PipelineBuilder<u64, DynRuntime> {
    PipelineBuilder::new(bench.runtime.clone()).workers(2)
}

/// The numbers that consumers have handled. Clones share them.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<Vec<u64>>>);

impl Handled {
    fn add(&self, n: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(n);
    }

    /// The numbers, sorted.
    fn sorted(&self) -> Vec<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_unstable();
        all
    }
}

pub(crate) async fn a_published_pipeline_is_read_to_its_end(bench: &Bench) -> Outcome {
    let (queue, handled) = (bench.queue().await?, Handled::default());
    let mut consumers = Vec::new();
    for _ in 0..2 {
        let (queue, handled) = (bench.queue().await?, handled.clone());
        let consumer = numbers(bench)
            .sender(move |sources| sources.of_queue(&queue).poll_every(Duration::from_millis(5)).lines())
            .for_each(move |event| handled.add(event.take_data()));
        consumers.push(bench.spawn(async move { Ok(consumer.await?) }));
    }
    let published = publish(bench, &queue, 200, 3).await?;
    let mut read = 0;
    for consumer in consumers {
        read += consumer.await?.handled();
    }
    ensure!(read == 200 && handled.sorted().into_iter().eq(0..200), "{read} of {}", published.read());
    let depth = queue.depth().await.map_err(text)?;
    ensure!(depth.done == 67 && depth.waiting + depth.claimed + depth.dead == 0, "{depth}");
    Ok(())
}

pub(crate) async fn results_come_back_once_for_each_chunk(bench: &Bench) -> Outcome {
    let (chunks, results) = (bench.open("chunks").await?, bench.open("results").await?);
    publish(bench, &chunks, 60, 4).await?;
    let again = chunks.clone();
    numbers(bench)
        .sender(move |sources| sources.of_queue(&chunks).lines())
        .map(|n| n * n)
        .publish_items(&results, "squares")
        .await?;
    // A second publish, as after a crash, adds nothing.
    publish(bench, &again, 60, 4).await?;
    let (mut all, _) =
        numbers(bench).sender(move |sources| sources.of_queue(&results).json_lines()).collect_vec().await?;
    all.sort_unstable();
    ensure!(all.into_iter().eq((0..60).map(|n| n * n)));
    Ok(())
}

pub(crate) async fn a_consumer_that_is_killed_loses_nothing(bench: &Bench) -> Outcome {
    let Some(queue) = bench.timed_queue().await? else { return Ok(()) };
    publish(bench, &queue, 40, 2).await?;
    let (started, has_started) = (Arc::new(AtomicUsize::new(0)), event_listener::Event::<()>::new());
    let has_started = Arc::new(has_started);
    let listener = has_started.listen();
    let (dying, lease) = (queue.clone(), bench.short);
    let killed = numbers(bench)
        .sender(move |sources| sources.of_queue(&dying).with_lease(lease).lines())
        .for_each(move |_event| {
            started.fetch_add(1, Ordering::SeqCst);
            has_started.notify(usize::MAX);
            std::future::pending::<()>()
        })
        .spawn();
    listener.await;
    killed.cancel(CancelLevel::Kill).await;
    let handled = Handled::default();
    let by = handled.clone();
    numbers(bench)
        .sender(move |sources| sources.of_queue(&queue).poll_every(Duration::from_millis(5)).lines())
        .for_each(move |event| by.add(event.take_data()))
        .await?;
    ensure!(handled.sorted().into_iter().eq(0..40), "{:?}", handled.sorted());
    Ok(())
}

pub(crate) async fn a_poisonous_chunk_becomes_a_dead_letter(bench: &Bench) -> Outcome {
    let queue = bench.queue().await?;
    publish(bench, &queue, 3, 1).await?;
    let mut attempts = 0;
    loop {
        let consuming = queue.clone();
        attempts += 1;
        ensure!(attempts < 10, "it does not end");
        let outcome = numbers(bench)
            .on_error(ErrorStrategy::StopOnFirst)
            .sender(move |sources| sources.of_queue(&consuming).max_deliveries(2).lines())
            .for_each(|event| if event.take_data() == 1 { Err("it is one") } else { Ok(()) })
            .await;
        // The dead letter is a bad row too.
        let dead = queue.dead(9).await.map_err(text)?;
        if let [letter] = dead.as_slice() {
            ensure!(letter.reason.contains("delivered 2 times"), "{}", letter.reason);
            break;
        }
        ensure!(dead.is_empty() && outcome.is_err(), "{} dead letters", dead.len());
    }
    ensure!(attempts >= 3, "it was handled {attempts} times");
    Ok(())
}

pub(crate) async fn a_waiting_consumer_gets_what_is_published(bench: &Bench) -> Outcome {
    let (queue, handled) = (bench.queue().await?, Handled::default());
    let (consuming, by) = (bench.queue().await?, handled.clone());
    let consumer = numbers(bench)
        .sender(move |sources| sources.of_queue(&consuming).lines())
        .for_each(move |event| by.add(event.take_data()));
    let consumer = bench.spawn(async move { Ok(consumer.await?) });
    // It has found nothing by then, and waits.
    bench.sleep(bench.short).await?;
    publish(bench, &queue, 5, NonZeroUsize::MIN.get()).await?;
    consumer.await?;
    ensure!(handled.sorted().into_iter().eq(0..5), "{:?}", handled.sorted());
    Ok(())
}
