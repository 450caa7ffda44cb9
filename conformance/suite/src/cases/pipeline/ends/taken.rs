//! Pipelines, enough: `take` hands out as many events, and no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{Batch, PipelineBuilder};

use crate::kit::explode;
use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, LONG, consume, publish};

fn numbers<R: Runtime>(rt: &R, workers: usize) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(workers)
}

pub async fn exactly_as_many_events_are_handed_out<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, chunk) in [(1, 7), (2, 1), (4, 100)] {
        for most in [0, 1, 10, 999, 1_000, 2_000] {
            let calls = Arc::new(AtomicU64::new(0));
            let counting = calls.clone();
            let summary = numbers(&rt, workers)
                .sender(move |sources| sources.of(0..1_000u64).into_chunks(chunk.items()))
                .take(most)
                .for_each(move |_: Event<u64>| {
                    counting.fetch_add(1, Ordering::SeqCst);
                })
                .await?;
            let due = most.min(1_000);
            ensure!((calls.load(Ordering::SeqCst), summary.handled()) == (due, due), "{most}: {summary:?}");
            ensure!(summary.handled() + summary.dropped() == summary.read(), "{most}: {summary:?}");
        }
    }
    Ok(())
}

pub async fn the_first_in_source_order_are_taken_where_they_are_ordered<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for sources_at_once in [1, 3] {
        let (values, summary) = numbers(&rt, 4)
            .ordered()
            .with_concurrency(sources_at_once)
            .sender(|sources| {
                sources.of(0..20u64).into_chunks(3.items());
                sources.of(20..).into_chunks(3.items());
            })
            .take(50)
            .collect_vec()
            .await?;
        ensure!(values.iter().copied().eq(0..50) && summary.handled() == 50, "{values:?}");
    }
    Ok(())
}

pub async fn a_source_that_fails_before_the_last_event_is_the_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for sources_at_once in [1, 2] {
        let fails = || {
            (0..30u64).inspect(|n| {
                if *n == 20 {
                    explode::<()>("the source")
                }
            })
        };
        let taken = numbers(&rt, 2)
            .ordered()
            .with_concurrency(sources_at_once)
            .sender(move |sources| {
                sources.of(fails()).into_chunks(5.items());
                sources.of(100..200).into_chunks(5.items());
            })
            .take(25)
            .collect_vec()
            .await;
        ensure!(failed(taken)?.is_panic(), "{sources_at_once} at once");
    }
    Ok(())
}

pub async fn rows_that_cannot_be_parsed_do_not_count<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (values, summary) = numbers(&rt, 1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes("a\n1\nb\n2\nc\n3\n").lines().into_chunks(10.lines()))
        .take(2)
        .collect_vec()
        .await?;
    ensure!(
        values == [1, 2] && (summary.handled(), summary.rejected(), summary.dropped()) == (2, 2, 2),
        "{summary:?}"
    );
    // One that stands after the last event fails nothing, and one before it does.
    let strict = |most| {
        numbers(&rt, 1)
            .sender(|sources| sources.of_bytes("1\n2\nc\n3\n").lines().into_chunks(1.lines()))
            .take(most)
            .collect_vec()
    };
    ensure!(strict(2).await?.0 == [1, 2]);
    ensure!(failed(strict(3).await)?.to_string().contains("line 3"));
    Ok(())
}

pub async fn taken_events_keep_their_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Arc::new(AtomicU64::new(0));
    let counting = calls.clone();
    let summary = numbers(&rt, 3)
        .on_error(ErrorStrategy::retry(10))
        .sender(|sources| sources.of(0..100u64).into_chunks(1.items()))
        .take(6)
        .for_each(move |_: Event<u64>| {
            let call = counting.fetch_add(1, Ordering::SeqCst);
            if call < 6 { Err("at first") } else { Ok(()) }
        })
        .await?;
    ensure!((summary.handled(), calls.load(Ordering::SeqCst)) == (6, 12), "{summary:?}");
    Ok(())
}

pub async fn batches_hold_as_many_events_as_are_taken<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let events = Arc::new(AtomicU64::new(0));
        let counting = events.clone();
        let summary = numbers(&rt, workers)
            .sender(|sources| sources.of(0..1_000u64).into_chunks(5.items()))
            .take(10)
            .batched(4, Duration::MAX)
            .for_each(move |batch: Batch<u64>| {
                counting.fetch_add(batch.len() as u64, Ordering::SeqCst);
            })
            .await?;
        ensure!((events.load(Ordering::SeqCst), summary.handled()) == (10, 10), "{summary:?}");
    }
    Ok(())
}

pub async fn a_message_that_was_cut_short_comes_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 9, 3).await?;
    queue.close();
    let consumer = queue.clone();
    let taken = numbers(&rt, 1)
        .sender(move |sources| sources.of_queue(&consumer).with_lease(LONG).name("numbers").lines())
        .take(4)
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(taken.handled() == 4 && queue.held() == 0, "{taken:?}");
    ensure!(queue.acknowledged() == ["numbers/0/0+6"], "{:?}", queue.acknowledged());
    ensure!(consume(&rt, &queue, &Deliveries::default()).await?.handled() == 6);
    Ok(())
}

pub async fn a_pulled_pipeline_gives_as_many_as_are_taken<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut pulled = numbers(&rt, 3).sender(|sources| sources.of(0..).into_chunks(2.items())).take(5).pull();
    let mut count = 0;
    while let Some(event) = pulled.next_event().await {
        event?;
        count += 1;
    }
    let summary = pulled.summary().context("it ended without an error")?;
    ensure!((count, summary.handled()) == (5, 5), "{summary:?}");
    Ok(())
}

pub async fn a_wait_for_the_rate_ends_with_the_last_event<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    let summary = numbers(&rt, 3)
        .rate_limit(1, 5.millis())
        .sender(|sources| sources.of(0..100u64).into_chunks(1.items()))
        .take(3)
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.handled() == 3, "{summary:?}");
    let took = rt.now().saturating_duration_since(begun);
    ensure!(!at.virtual_time || took == 10.millis(), "{took:?}");
    Ok(())
}
