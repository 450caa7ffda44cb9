//! Pipelines, stages: the values that they pass on, and their counts. An event keeps the position of its row.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{PipelineBuilder, PipelineSender, Sources};

use crate::kit::prelude::*;

/// The numbers from 0 to 99, as texts.
fn texts<R: Runtime>(
    rt: &R,
    workers: usize,
) -> PipelineSender<String, R, impl FnOnce(&mut Sources<String>) + Clone + Send + use<R>> {
    let text: String = (0..100).map(|n| format!("{n}\n")).collect();
    PipelineBuilder::<String, R>::new(rt.clone())
        .workers(workers)
        .sender(move |sources: &mut Sources<String>| sources.of_bytes(text).lines().into_chunks(7.lines()))
}

/// Checks that all of 100 rows were handled, and how many events the receiver has had.
fn check(summary: &FinalEvent, calls: u64, expected: u64) -> Outcome {
    let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
    ensure!(counts == (100, 100, 0, 0) && calls == expected, "{counts:?}, {calls} calls");
    Ok(())
}

pub async fn values_pass_through_stages_in_their_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let seen = Arc::new(AtomicU64::new(0));
        let seeing = seen.clone();
        let ((sum, count), summary) = texts(&rt, workers)
            .try_map(|text| text.parse::<u64>())
            .filter(|n| n % 2 == 0)
            .inspect(move |n| {
                seeing.fetch_add(*n, Ordering::SeqCst);
            })
            .map(|n| n as u32 + 1)
            .flat_map(|n| [n, 1_000])
            .fold(
                || (0, 0),
                |(sum, count): &mut (u64, u64), event: Event<u32>| {
                    *sum += u64::from(event.take_data());
                    *count += 1;
                },
                |a, b| (a.0 + b.0, a.1 + b.1),
            )
            .await?;
        let even = (0..100).filter(|n| n % 2 == 0).sum::<u64>();
        ensure!(seen.load(Ordering::SeqCst) == even);
        ensure!(sum == even + 50 + 50 * 1_000, "{sum}");
        check(&summary, count, 100)?;
    }
    Ok(())
}

pub async fn asynchronous_stages_pass_on_the_same<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let seen = Arc::new(AtomicU64::new(0));
        let seeing = seen.clone();
        let ((sum, count), summary) = texts(&rt, workers)
            .try_map_async(|text| async move {
                yield_now().await;
                text.parse::<u64>()
            })
            .filter_async(|n| {
                let even = n % 2 == 0;
                async move {
                    yield_now().await;
                    even
                }
            })
            .inspect_async(move |n| {
                seeing.fetch_add(*n, Ordering::SeqCst);
                yield_now()
            })
            .map_async(|n| async move {
                yield_now().await;
                n as u32 + 1
            })
            .flat_map_async(|n| async move {
                yield_now().await;
                vec![n, 1_000]
            })
            .fold(
                || (0, 0),
                |(sum, count): &mut (u64, u64), event: Event<u32>| {
                    *sum += u64::from(event.take_data());
                    *count += 1;
                },
                |a, b| (a.0 + b.0, a.1 + b.1),
            )
            .await?;
        let even = (0..100).filter(|n| n % 2 == 0).sum::<u64>();
        ensure!(seen.load(Ordering::SeqCst) == even);
        ensure!(sum == even + 50 + 50 * 1_000, "{sum}");
        check(&summary, count, 100)?;
    }
    Ok(())
}

pub async fn a_row_without_a_value_is_handled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Arc::new(AtomicU64::new(0));
    let counting = calls.clone();
    let summary = texts(&rt, 2)
        .filter(|text| text == "50")
        .for_each(move |_: Event<String>| {
            counting.fetch_add(1, Ordering::SeqCst);
        })
        .await?;
    check(&summary, calls.load(Ordering::SeqCst), 1)?;
    let none =
        texts(&rt, 2).flat_map(|_| None::<u8>).for_each(|_: Event<u8>| Err::<(), _>("no event was due"));
    check(&none.await?, 0, 0)?;
    let none = texts(&rt, 2)
        .filter_async(|_| std::future::ready(false))
        .for_each(|_: Event<String>| Err::<(), _>("no event was due"));
    check(&none.await?, 0, 0)
}

pub async fn events_keep_the_position_of_their_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let check = |event: &Event<(u64, u8)>| {
        let (n, _) = *event.data();
        let byte = if n < 10 { 2 * n } else { 20 + 3 * (n - 10) };
        let position = event.position();
        event.sequence() == n && position.line() == Some(n + 1) && position.byte() == Some(byte)
    };
    let pairs = texts(&rt, 3).try_map(|text| text.parse::<u64>()).flat_map(|n| [(n, 0), (n, 1)]);
    let calls = Arc::new(AtomicU64::new(0));
    let counting = calls.clone();
    let summary = pairs
        .for_each(move |event: Event<(u64, u8)>| {
            counting.fetch_add(1, Ordering::SeqCst);
            if check(&event) { Ok(()) } else { Err(format!("{event:?}")) }
        })
        .await?;
    self::check(&summary, calls.load(Ordering::SeqCst), 200)?;
    let numbers = texts(&rt, 3).try_map_async(|text| async move { text.parse::<u64>() });
    let summary = numbers
        .map(|n| (n, 0))
        .for_each(move |event: Event<(u64, u8)>| async move {
            if check(&event) { Ok(()) } else { Err(format!("{event:?}")) }
        })
        .await?;
    self::check(&summary, 0, 0)
}

pub async fn a_pipeline_with_stages_can_be_cloned_and_run_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let lengths = texts(&rt, 2).map(|text| text.len() as u64).filter(|len| *len > 1);
    for pipeline in [lengths.clone(), lengths] {
        let (sum, summary) =
            pipeline.fold(|| 0, |sum: &mut u64, event| *sum += event.take_data(), |a, b| a + b).await?;
        check(&summary, sum, 180)?;
    }
    Ok(())
}

pub async fn stages_run_at_the_same_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inside, together) = (Census::default(), Latch::new());
    let (census, all) = (inside.clone(), together.clone());
    let summary = texts(&rt, 3)
        .map_async(move |_| {
            let (resident, census, all) = (census.enter(), census.clone(), all.clone());
            async move {
                if census.alive() == 3 {
                    all.set();
                }
                all.wait().await;
                drop(resident);
            }
        })
        .for_each(|_: Event<()>| {})
        .await?;
    ensure!(inside.most() == 3 && together.is_set());
    check(&summary, 0, 0)
}
