//! Pipelines, enough: a receiver that breaks ends its pipeline as a success, and the counts stay exact.

use std::io;
use std::ops::ControlFlow;

use crate::library::pipeline::{Batch, Collected, PipelineBuilder};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, LONG, consume, publish};
use crate::kit::script::{BOTH, Script, Step, gives, lines};

fn numbers<R: Runtime>(rt: &R, workers: usize) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(workers)
}

/// Breaks at `last`.
fn until(n: u64, last: u64) -> ControlFlow<()> {
    if n == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Checks that all rows have one outcome, and that none was rejected.
fn check_counts(summary: &FinalEvent) -> Outcome {
    let (read, handled, dropped) = (summary.read(), summary.handled(), summary.dropped());
    ensure!(handled + dropped == read && summary.rejected() == 0, "{summary:?}");
    Ok(())
}

pub async fn a_break_ends_it_as_a_success<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for chunk in [1, 7, 100] {
        let (summary, kept) = numbers(&rt, 1)
            .sender(move |sources| sources.of(0..10_000u64).into_chunks(chunk.items()))
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
                collector.collect_item(*event.data());
                until(event.take_data(), 41)
            })
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        ensure!(summary.handled() == 42 && summary.read() >= 42, "{summary:?}");
        check_counts(&summary)?;
        ensure!(kept.len() == 42 && kept.contains_key(&41), "what the last event collected counts: {kept:?}");
    }
    Ok(())
}

pub async fn rows_before_the_earliest_break_are_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [2, 4] {
        let (summary, kept): (_, Collected<u64, u64>) = numbers(&rt, workers)
            .sender(|sources| sources.of(0..1_000u64).into_chunks(3.items()))
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| async move {
                let n = event.take_data();
                for _ in 0..n % 4 {
                    yield_now().await;
                }
                collector.collect(n, n);
                if n >= 50 && n.is_multiple_of(10) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        check_counts(&summary)?;
        ensure!((0..=50).all(|n| kept.contains_key(&n)), "{workers} workers: {kept:?}");
        ensure!(kept.len() as u64 == summary.handled() && summary.handled() < 1_000, "{summary:?}");
    }
    Ok(())
}

pub async fn every_kind_of_receiver_may_break<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sender = || numbers(&rt, 1).sender(|sources| sources.of(0..1_000u64).into_chunks(8.items()));
    let sync = sender().for_each(|event: Event<u64>| until(event.take_data(), 9)).await?;
    let blocking = sender().for_each(|event: Event<u64>| until(event.take_data(), 9)).blocking().await?;
    let awaited = sender()
        .for_each(|event: Event<u64>| async move {
            yield_now().await;
            until(event.take_data(), 9)
        })
        .await?;
    let (sum, folded) = sender()
        .fold(
            || 0,
            |sum, event| {
                *sum += event.data();
                until(event.take_data(), 9)
            },
            |left, right| left + right,
        )
        .await?;
    ensure!(sum == 45);
    for summary in [sync, blocking, awaited, folded] {
        ensure!(summary.handled() == 10, "{summary:?}");
        check_counts(&summary)?;
    }
    // A batch is handled as a whole.
    let batched = sender()
        .batched(6, Duration::MAX)
        .for_each(|batch: Batch<u64>| {
            batch
                .iter()
                .map(|event| until(*event.data(), 9))
                .find(ControlFlow::is_break)
                .unwrap_or(ControlFlow::Continue(()))
        })
        .await?;
    ensure!(batched.handled() == 12, "{batched:?}");
    check_counts(&batched)
}

pub async fn an_error_before_the_break_fails_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first event fails after the second has broken.
    let broken = Latch::new();
    let error = failed(
        numbers(&rt, 2)
            .sender(|sources| sources.of([0, 1]).into_chunks(1.items()))
            .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
                let broken = broken.clone();
                async move {
                    if event.sequence() == 1 {
                        broken.set();
                        return ControlFlow::Break(());
                    }
                    broken.wait().await;
                    // A key that panics is the error of its row.
                    collector.collect(crate::kit::explode("before the end"), 0);
                    ControlFlow::Continue(())
                }
            })
            .await_final_event(|event, _| event)
            .await,
    )?;
    ensure!(error.is_panic(), "{error}");
    Ok(())
}

pub async fn an_error_after_the_break_is_only_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let refused = Latch::new();
    let summary = numbers(&rt, 2)
        .sender(|sources| sources.of([0, 1]).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            let refused = refused.clone();
            async move {
                if event.sequence() == 1 {
                    refused.set();
                    crate::kit::explode::<()>("after the end");
                }
                refused.wait().await;
                ControlFlow::Break(())
            }
        })
        .await?;
    ensure!((summary.read(), summary.handled(), summary.rejected()) == (2, 1, 1), "{summary:?}");
    ensure!(summary.errors().iter().map(|error| error.sequence()).eq([1]), "{summary:?}");
    Ok(())
}

pub async fn a_source_that_fails_after_the_break_is_of_no_account<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in BOTH {
        let script = Script::new([gives("0\n1\n2\n"), Step::Fails(io::ErrorKind::ConnectionReset)]);
        let summary = numbers(&rt, 1)
            .sender(move |sources| lines(sources, kind, script, 1))
            .for_each(|event: Event<u64>| until(event.take_data(), 1))
            .await?;
        ensure!(summary.handled() == 2, "{kind:?}: {summary:?}");
        check_counts(&summary)?;
    }
    Ok(())
}

pub async fn a_break_ends_a_source_that_never_ends<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let silent = futures_lite::stream::iter(0..3u64);
    let summary = numbers(&rt, 2)
        .sender(|sources| {
            sources
                .of_stream(futures_lite::StreamExt::chain(silent, futures_lite::stream::pending()))
                .into_chunks(1.items());
        })
        .for_each(|event: Event<u64>| until(event.take_data(), 2))
        .await?;
    ensure!((summary.read(), summary.handled()) == (3, 3), "{summary:?}");
    Ok(())
}

pub async fn a_message_with_rows_after_the_break_comes_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = LeasedQueue::new(&rt);
    publish(&rt, &queue, "numbers", 9, 3).await?;
    queue.close();
    let consumer = queue.clone();
    let summary = numbers(&rt, 1)
        .sender(move |sources| sources.of_queue(&consumer).with_lease(LONG).name("numbers").lines())
        .for_each(|event: Event<u64>| until(event.take_data(), 4))
        .await?;
    ensure!(summary.handled() == 5, "{summary:?}");
    ensure!(queue.acknowledged() == ["numbers/0/0+6"] && queue.held() == 0, "{:?}", queue.acknowledged());
    ensure!(consume(&rt, &queue, &Deliveries::default()).await?.handled() == 6);
    Ok(())
}
