//! Pipelines, stages: each end works after them, and counts rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{Batch, PipelineBuilder};

use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R, workers: usize) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(workers).on_error(ErrorStrategy::ContinueOnError)
}

/// Of ten numbers one fails, one leaves no value and each of the others leaves two.
fn doubled(n: u64) -> Result<Vec<u64>, String> {
    match n % 10 {
        3 => Err(format!("refused {n}")),
        6 => Ok(Vec::new()),
        _ => Ok(vec![2 * n, 2 * n + 1]),
    }
}

fn expected(numbers: u64) -> BTreeSet<u64> {
    (0..numbers).filter_map(|n| doubled(n).ok()).flatten().collect()
}

pub async fn values_are_collected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let (summary, collected) = numbers(&rt, workers)
            .sender(|sources| sources.of(0..200).into_chunks(7.items()))
            .try_map(doubled)
            .flat_map(|values| values)
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
                collector.collect(*event.data(), event.sequence());
            })
            .await_final_event(|event, collection| event.map(|event| (event, collection.collected())))
            .await?;
        ensure!((summary.handled(), summary.rejected()) == (180, 20), "{summary:?}");
        ensure!(collected.iter().all(|(value, row)| value / 2 == *row), "{collected:?}");
        ensure!(collected.into_keys().collect::<BTreeSet<_>>() == expected(200));
    }
    Ok(())
}

pub async fn values_are_pulled_and_rows_are_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, ordered) in [(1, false), (3, false), (3, true)] {
        let builder = numbers(&rt, workers);
        let builder = if ordered { builder.ordered() } else { builder };
        let mut events = builder
            .sender(|sources| sources.of(0..1_000).into_chunks(7.items()))
            .try_map_async(|n| async move {
                yield_now().await;
                doubled(n)
            })
            .flat_map(|values| values)
            .pull();
        let mut pulled = Vec::new();
        while let Some(event) = events.next_event().await {
            let event = event?;
            ensure!(event.data() / 2 == event.sequence(), "{event:?}");
            pulled.push(event.take_data());
        }
        ensure!(!ordered || pulled.is_sorted());
        ensure!(pulled.len() == 1_600 && pulled.into_iter().collect::<BTreeSet<_>>() == expected(1_000));
        let summary = events.summary().context("it has ended well")?;
        let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
        ensure!(counts == (1_000, 900, 100, 0), "{summary:?}");
    }
    Ok(())
}

pub async fn a_pulled_row_counts_with_its_last_value<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut events = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(|sources| sources.of(0..6).into_chunks(6.items()))
        .filter(|n| *n != 5)
        .flat_map(|n| [n, n, n])
        .pull();
    for _ in 0..5 {
        events.next_event().await.context("an event was due")??;
    }
    let summary = events.finish().await?;
    // The first row, and the one that was filtered out. Of the second row one value was not taken.
    ensure!((summary.read(), summary.handled(), summary.dropped()) == (6, 2, 4), "{summary:?}");
    Ok(())
}

pub async fn batches_are_made_of_values_and_count_rows<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for is_async in [false, true] {
        let sizes = Arc::new(std::sync::Mutex::new(Vec::new()));
        let list = sizes.clone();
        let receive = move |batch: Batch<u64>| {
            let odd = batch.iter().filter(|event| event.data() % 2 == 1).count();
            if let Ok(mut list) = list.lock() {
                list.push((batch.len(), odd));
            }
            if batch.iter().any(|event| *event.data() == 40) { Err("refused") } else { Ok(()) }
        };
        let sender = numbers(&rt, 1).sender(|sources| sources.of(0..100).into_chunks(7.items()));
        let summary = match is_async {
            false => {
                let values = sender.try_map(doubled).flat_map(|values| values);
                values.batched(5, Duration::MAX).for_each(receive).await?
            }
            true => {
                let values = sender.try_map_async(|n| async move { doubled(n) }).flat_map(|values| values);
                values.batched(5, Duration::MAX).for_each(receive).await?
            }
        };
        // Three rows of two values fill a batch: none is split. The batch of row 20 fails as a whole.
        let sizes = sizes.lock().map_err(|_| Failure::msg("poisoned"))?;
        let (last, full) = sizes.split_last().context("no batch")?;
        ensure!(full.iter().all(|size| *size == (6, 3)) && *last == (4, 2), "{sizes:?}");
        ensure!(full.len() == 26);
        let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
        ensure!(counts == (100, 87, 13, 0), "{summary:?}");
    }
    Ok(())
}

pub async fn batches_after_stages_are_not_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(
        numbers(&rt, 1)
            .on_error(ErrorStrategy::retry(1))
            .sender(|sources| sources.of([1]).into_chunks(1.items()))
            .map(|n| n + 1)
            .batched(5, Duration::MAX)
            .for_each(|_: Batch<u64>| {})
            .await,
    )?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    Ok(())
}

pub async fn receivers_on_the_blocking_pool_have_stages<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ordered in [false, true] {
        let calls = Arc::new(AtomicU64::new(0));
        let counting = calls.clone();
        let builder = numbers(&rt, 2);
        let builder = if ordered { builder.ordered() } else { builder };
        let summary = builder
            .sender(|sources| sources.of(0..50).into_chunks(7.items()))
            .map_async(|n| async move {
                yield_now().await;
                n
            })
            .filter(|n| n % 2 == 0)
            .for_each(move |_: Event<u64>| {
                counting.fetch_add(1, Ordering::SeqCst);
            })
            .blocking()
            .await?;
        ensure!(summary.handled() == 50 && calls.load(Ordering::SeqCst) == 25, "{summary:?}");
    }
    Ok(())
}

pub async fn a_boxed_pipeline_has_stages<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let boxed = numbers(&rt, 2)
        .sender(|sources| sources.of(0..50).into_chunks(7.items()))
        .map(|n| n.to_string())
        .receiver(|event: Event<String>, collector: Collector<String, u64>| {
            let sequence = event.sequence();
            collector.collect(event.take_data(), sequence);
        })
        .boxed();
    let collected =
        boxed.await_final_event(|event, collection| event.map(|_| collection.collected())).await?;
    ensure!(collected.len() == 50 && collected.get("49") == Some(&49), "{collected:?}");
    Ok(())
}
