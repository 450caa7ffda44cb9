//! Pipelines, strategies: `batched` flushes at its size, at its delay, and at the end of the source.

use std::sync::{Arc, Mutex};

use crate::library::pipeline::{Batch, PipelineBuilder, RowError};
use crate::library::{CancellableTask as _, Retry, RetryStrategy};

use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

/// The numbers of each batch, in the order in which the batches were handed over.
#[derive(Clone, Default)]
struct Handed(Arc<Mutex<Vec<Vec<u64>>>>);

impl Handed {
    fn take(&self, batch: &Batch<u64>) {
        if let Ok(mut handed) = self.0.lock() {
            handed.push(batch.iter().map(|event| *event.data()).collect());
        }
    }

    fn all(&self) -> Vec<Vec<u64>> {
        self.0.lock().map(|handed| handed.clone()).unwrap_or_default()
    }
}

pub async fn a_batch_is_full_or_the_last<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for chunk in [1, 3, 4, 100] {
        let handed = Handed::default();
        let hand = handed.clone();
        let summary = numbers(&rt)
            .workers(1)
            .sender(move |sources| sources.of(0..10u64).into_chunks(chunk.items()))
            .batched(4, Duration::MAX)
            .for_each(move |batch| hand.take(&batch))
            .await?;
        ensure!(summary.handled() == 10);
        let batches = handed.all();
        ensure!(batches == [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]], "{batches:?}");
    }
    Ok(())
}

pub async fn every_event_is_in_one_batch_whatever_the_workers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 4] {
        let handed = Handed::default();
        let hand = handed.clone();
        let summary = numbers(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..1_000u64).into_chunks(7.items()))
            .batched(30, Duration::MAX)
            .for_each(move |batch: Batch<u64>| {
                let hand = hand.clone();
                async move {
                    yield_now().await;
                    hand.take(&batch);
                }
            })
            .await?;
        ensure!((summary.read(), summary.handled()) == (1_000, 1_000));
        let batches = handed.all();
        ensure!(batches.iter().all(|batch| (1..=30).contains(&batch.len())));
        ensure!(batches.iter().filter(|batch| batch.len() < 30).count() <= workers);
        let mut all: Vec<_> = batches.into_iter().flatten().collect();
        all.sort_unstable();
        ensure!(all == (0..1_000).collect::<Vec<_>>());
    }
    Ok(())
}

pub async fn a_batch_goes_out_when_its_time_is_up<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The source goes on only once its first items were handed over.
    let (handed, out) = (Handed::default(), Latch::new());
    let (hand, went, seen) = (handed.clone(), out.clone(), out.clone());
    let rest = futures_lite::stream::once_future(async move {
        went.wait().await;
        3
    });
    let stream = futures_lite::StreamExt::chain(futures_lite::stream::iter(0..3u64), rest);
    let started = rt.now();
    let summary = numbers(&rt)
        .workers(1)
        .sender(move |sources| sources.of_stream(stream).into_chunks(1.items()))
        .batched(100, 5.millis())
        .for_each(move |batch| {
            hand.take(&batch);
            seen.set();
        })
        .await?;
    ensure!(summary.handled() == 4 && rt.now() - started >= 5.millis());
    ensure!(handed.all().concat() == [0, 1, 2, 3], "{:?}", handed.all());
    Ok(())
}

pub async fn a_refused_batch_rejects_its_rows_with_one_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..20).map(|n| if n == 13 { "x\n".into() } else { format!("{n}\n") }).collect();
    let summary = numbers(&rt)
        .workers(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(3.lines()))
        .batched(5, Duration::MAX)
        .for_each(|batch| if batch.iter().any(|event| *event.data() == 7) { Err("refused") } else { Ok(()) })
        .await?;
    ensure!((summary.read(), summary.handled(), summary.rejected()) == (20, 14, 6), "{summary:?}");
    let rows: Vec<_> = summary.errors().iter().map(|row| (row.sequence(), row.reason())).collect();
    let due = [(5, "refused".into()), (13, "invalid digit found in string".into())];
    ensure!(rows == due, "{rows:?}");
    Ok(())
}

pub async fn the_first_refused_batch_stops_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (error, summary) = numbers(&rt)
        .workers(3)
        .sender(|sources| sources.of(0..1_000u64).into_chunks(4.items()))
        .batched(4, Duration::MAX)
        .receiver(|batch, _: Collector<u64, u64>| match batch.first() {
            Some(first) if *first.data() >= 100 => Err(format!("refused {}", first.data())),
            _ => Ok(()),
        })
        .await_final_event(|event, collection| (event.err(), collection.summary().clone()))
        .await;
    ensure!(error.is_some_and(|error| source_text(&error) == "refused 100"));
    ensure!(summary.handled() == 100, "{summary:?}");
    ensure!(summary.read() == summary.handled() + summary.rejected() + summary.dropped());
    Ok(())
}

pub async fn ordered_batches_come_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let handed = Handed::default();
    let hand = handed.clone();
    let run = numbers(&rt)
        .workers(4)
        .ordered()
        .sender(|sources| sources.of(0..500u64).into_chunks(3.items()))
        .batched(7, Duration::MAX)
        .for_each(move |batch: Batch<u64>| {
            let hand = hand.clone();
            async move {
                yield_now().await;
                hand.take(&batch);
            }
        });
    ensure!(run.await?.handled() == 500);
    ensure!(handed.all().concat() == (0..500).collect::<Vec<_>>());
    Ok(())
}

pub async fn a_collector_knows_the_events_of_its_batch<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let collected = numbers(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..1_000u64).into_chunks(3.items()))
            .batched(50, Duration::MAX)
            .receiver(|batch, collector| {
                for event in batch {
                    collector.at(&event).collect(event.data() % 10, event.take_data());
                }
            })
            .await_final_event(|event, collection| event.map(|_| collection.collected()))
            .await?;
        // The last value in source order is kept, whichever worker had it.
        ensure!((0..10).all(|key| collected.get(&key) == Some(&(990 + key))), "{collected:?}");
    }
    Ok(())
}

pub async fn a_batch_is_tried_again_whole<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let handed = Handed::default();
    let hand = handed.clone();
    let retry = Retry::new(1).backoff(RetryStrategy::Immediate);
    let summary = numbers(&rt)
        .workers(1)
        .on_error(ErrorStrategy::retry_with(retry))
        .sender(|sources| sources.of(0..6u64).into_chunks(2.items()))
        .batched(3, Duration::MAX)
        .for_each(move |batch: Batch<u64>| {
            hand.take(&batch);
            let again = hand.all().iter().filter(|one| one.first() == batch.first().map(Event::data)).count();
            if again < 2 { Err("not yet") } else { Ok(()) }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (6, 0), "{summary:?}");
    ensure!(handed.all() == [[0, 1, 2], [0, 1, 2], [3, 4, 5], [3, 4, 5]], "{:?}", handed.all());
    Ok(())
}

pub async fn a_batch_that_takes_too_long_is_rejected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let summary = numbers(&rt)
        .workers(1)
        .event_timeout(5.millis())
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(0..9u64).into_chunks(2.items()))
        .batched(3, Duration::MAX)
        .for_each(|batch: Batch<u64>| async move {
            if batch.first().is_some_and(|first| *first.data() == 3) {
                pending::<()>().await;
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (6, 3), "{summary:?}");
    ensure!(summary.errors().iter().map(RowError::sequence).eq([3]));
    Ok(())
}

pub async fn a_batch_does_not_wait_for_the_rate<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let handed = Handed::default();
    let hand = handed.clone();
    let summary = numbers(&rt)
        .workers(1)
        .rate_limit(1, 10.millis())
        .sender(|sources| sources.of(0..20u64).into_chunks(20.items()))
        .batched(100, 25.millis())
        .for_each(move |batch| hand.take(&batch))
        .await?;
    ensure!(summary.handled() == 20 && handed.all().concat() == (0..20).collect::<Vec<_>>());
    // Three events come within the delay of a batch.
    let sizes: Vec<_> = handed.all().iter().map(Vec::len).collect();
    ensure!(sizes.len() > 1 && (!at.virtual_time || sizes == [3, 3, 3, 3, 3, 3, 2]), "{sizes:?}");
    Ok(())
}

pub async fn a_kill_drops_and_counts_the_events_of_an_unfinished_batch<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (given, silent) = (Latch::new(), Latch::new());
    let (gave, speaks) = (given.clone(), silent.clone());
    let rest = futures_lite::stream::once_future(async move {
        gave.set();
        speaks.wait().await;
        3
    });
    let stream = futures_lite::StreamExt::chain(futures_lite::stream::iter(0..3u64), rest);
    let task = numbers(&rt)
        .workers(1)
        .sender(move |sources| sources.of_stream(stream).into_chunks(1.items()))
        .batched(100, Duration::MAX)
        .for_each(|_| {})
        .spawn();
    given.wait().await;
    ensure!(task.cancel(CancelLevel::Kill).await.was_cancelled());
    let progress = task.progress();
    ensure!((progress.read, progress.handled, progress.dropped) == (3, 0, 3), "{progress:?}");
    Ok(())
}
