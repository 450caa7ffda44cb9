//! Pipelines, collector: a key collected twice is settled by its rule in source order, and counted.
//! Errors that are collected beside the values keep their positions.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::{Collected, OnDuplicate};

use crate::kit::explode;
use crate::kit::prelude::*;

/// Collects each of `0..count` under its remainder by 7: some after a few yields, and each fifth in a spawned
/// task.
async fn remainders<R: Runtime>(
    rt: &R,
    workers: usize,
    count: u64,
    rule: OnDuplicate<String>,
) -> Result<(FinalEvent, Collected<u64, String>), AsyncTaskError> {
    let inner = rt.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(workers)
        .sender(move |sources| sources.of(0..count).into_chunks(3.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, String>| {
            let inner = inner.clone();
            async move {
                let n = event.take_data();
                for _ in 0..n % 3 {
                    yield_now().await;
                }
                let collect = move || collector.collect(n % 7, format!("{n} "));
                if n.is_multiple_of(5) {
                    return AsyncTask::to::<()>().on(&inner).spawn(move || async move { collect() }).await;
                }
                collect();
                Ok(())
            }
        })
        .on_duplicate(rule)
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await
}

/// Returns the result of one loop over `0..count`.
fn expected(count: u64, mut settle: impl FnMut(&mut String, String)) -> HashMap<u64, String> {
    let mut map = HashMap::new();
    for n in 0..count {
        let value = format!("{n} ");
        match map.get_mut(&(n % 7)) {
            Some(old) => settle(old, value),
            None => drop(map.insert(n % 7, value)),
        }
    }
    map
}

pub async fn the_first_or_the_last_in_source_order_stays<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 2, 4] {
        let (summary, first) = remainders(&rt, workers, 200, OnDuplicate::KeepFirst).await?;
        ensure!(first == expected(200, |_, _| {}), "{workers} workers: {first:?}");
        ensure!(summary.duplicates() == 193 && summary.handled() == 200);
        let (summary, last) = remainders(&rt, workers, 200, OnDuplicate::KeepLast).await?;
        ensure!(last == expected(200, |old, new| *old = new), "{workers} workers: {last:?}");
        ensure!(summary.duplicates() == 193);
    }
    Ok(())
}

pub async fn values_are_merged_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 2, 4] {
        let (summary, merged) =
            remainders(&rt, workers, 200, OnDuplicate::merge(|a, b: String| a + &b)).await?;
        ensure!(merged == expected(200, |old, new| old.push_str(&new)), "{workers} workers: {merged:?}");
        ensure!(summary.duplicates() == 193 && summary.handled() == 200);
    }
    Ok(())
}

pub async fn one_row_may_merge_many_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for rule in [OnDuplicate::merge(|a, b| a + b), OnDuplicate::merge_unordered(|a, b| a + b)] {
        let (summary, words) = AsyncTask::emits::<String>()
            .on(&rt)
            .workers(3)
            .sender(|sources| {
                sources.of_bytes("to be or\nnot to be\n".repeat(100)).lines().into_chunks(1.lines());
            })
            .receiver(|event: Event<String>, collector: Collector<String, u64>| {
                event.data().split(' ').for_each(|word| collector.collect(word.to_owned(), 1));
            })
            .on_duplicate(rule)
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        let due = [("to", 200), ("be", 200), ("or", 100), ("not", 100)].map(|(word, n)| (word.to_owned(), n));
        ensure!(words == HashMap::from(due), "{words:?}");
        ensure!(summary.duplicates() == 596 && summary.handled() == 200);
    }
    Ok(())
}

/// Returns numbers, one a line; each stands on two lines, 10 apart.
fn doubled() -> String {
    (0..200u64).map(|line| format!("{}\n", line / 20 * 10 + line % 10)).collect()
}

pub async fn a_duplicate_key_rejects_the_later_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = doubled();
    for (workers, max) in [(1, 1_000), (3, 1_000), (3, 5)] {
        let read = text.clone();
        let (summary, kept) = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .max_errors(max)
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(move |sources| sources.of_bytes(read).lines().into_chunks(3.lines()))
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| async move {
                for _ in 0..event.sequence() % 3 {
                    yield_now().await;
                }
                collector.collect(*event.data(), event.sequence());
            })
            .on_duplicate(OnDuplicate::Error)
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        ensure!((summary.read(), summary.handled(), summary.rejected()) == (200, 100, 100), "{summary:?}");
        ensure!(summary.duplicates() == 100 && summary.errors().len() == max.min(100));
        ensure!(kept.len() == 100 && kept.values().all(|sequence| sequence % 20 < 10), "{kept:?}");
        let later = (0..200u64).filter(|line| line % 20 >= 10);
        for (error, line) in summary.errors().iter().zip(later) {
            let byte: usize = text.lines().take(line as usize).map(|line| line.len() + 1).sum();
            ensure!(error.sequence() == line, "{error}");
            ensure!(
                (error.position().line(), error.position().byte()) == (Some(line + 1), Some(byte as u64))
            );
            ensure!(error.reason().contains(&format!("bytes, line {} (byte", line - 9)), "{error}");
        }
    }
    Ok(())
}

pub async fn a_duplicate_key_ends_it_at_the_first_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 2, 4] {
        let error = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .sender(|sources| sources.of_bytes(doubled()).lines().into_chunks(1.lines()))
            .receiver(|event, collector| collector.collect(event.take_data(), ()))
            .on_duplicate(OnDuplicate::Error)
            .await_final_event(|event, _| event.err())
            .await
            .context("an error was due")?;
        let AsyncTaskError::Parse { position, reason, .. } = &error else { bail!("{error:?}") };
        ensure!(position.line() == Some(11) && reason.contains("line 1 "), "{workers} workers: {error}");
    }
    Ok(())
}

pub async fn a_duplicate_key_ends_an_endless_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of((0..).map(|n| n % 1_000_000)).into_chunks(1_000.items()))
        .receiver(|event, collector| collector.collect(event.take_data() % 1_000, ()))
        .on_duplicate(OnDuplicate::Error)
        .await_final_event(|event, _| event.err())
        .await
        .context("an error was due")?;
    ensure!(error.to_string().contains("items, item 0"), "{error}");
    Ok(())
}

pub async fn a_refused_row_with_a_duplicate_key_is_rejected_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .max_errors(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(0..100u64).into_chunks(3.items()))
        .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
            let n = event.take_data();
            collector.collect(n % 50, n);
            if n.is_multiple_of(2) { Err("even") } else { Ok(()) }
        })
        .on_duplicate(OnDuplicate::Error)
        .await_final_event(|event, _| event)
        .await?;
    // The even ones by their receiver, and the odd ones of the second half by their key.
    ensure!((summary.read(), summary.handled(), summary.rejected()) == (100, 25, 75), "{summary:?}");
    Ok(())
}

pub async fn two_values_of_one_row_are_no_duplicate_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (summary, kept) = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of(0..100u64).into_chunks(3.items()))
        .receiver(|event: Event<u64>, collector: Collector<u64, &'static str>| {
            collector.collect(*event.data(), "first");
            collector.collect(*event.data(), "second");
        })
        .on_duplicate(OnDuplicate::Error)
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    ensure!((summary.handled(), summary.rejected(), summary.duplicates()) == (100, 0, 100));
    ensure!(kept.len() == 100 && kept.values().all(|value| *value == "second"));
    Ok(())
}

pub async fn a_merge_that_panics_fails_its_pipeline_alone<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for rule in [
        OnDuplicate::merge(|_, _| explode("merging")),
        OnDuplicate::merge_unordered(|_, _| explode("merging")),
    ] {
        let error = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
            .receiver(|event, collector| collector.collect(event.take_data() % 10, ()))
            .on_duplicate(rule)
            .await_final_event(|event, _| event.err())
            .await
            .context("an error was due")?;
        ensure!(error.is_panic() && error.to_string().contains("merging"), "{error:?}");
        ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    }
    Ok(())
}

pub async fn errors_are_collected_with_their_positions<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, max) in [(1, 1_000), (3, 1_000), (3, 7)] {
        let (inner, elsewhere) = (rt.clone(), Arc::new(AtomicU64::new(0)));
        let counter = elsewhere.clone();
        let text: String = (0..2_000).map(|n| format!("{n}\n")).collect();
        let collection = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .max_errors(max)
            .sender(move |sources| sources.of_bytes(text).lines().into_chunks(3.lines()))
            .receiver(move |event: Event<u64>, collector: Collector<u64, ()>| {
                let (inner, counter) = (inner.clone(), counter.clone());
                async move {
                    let n = event.take_data();
                    match n % 4 {
                        0 => collector.collect_error(n, format!("bad {n}")),
                        1 if n.is_multiple_of(9) => {
                            counter.fetch_add(1, Ordering::SeqCst);
                            let note = move || async move { collector.collect_error(n, format!("bad {n}")) };
                            AsyncTask::to::<()>().on(&inner).spawn(note).await?;
                        }
                        _ => collector.collect(n, ()),
                    }
                    Ok::<_, AsyncTaskError>(())
                }
            })
            .await_final_event(|event, collection| event.map(|_| collection))
            .await?;
        let due = 500 + elsewhere.load(Ordering::SeqCst);
        ensure!(collection.error_count() == due && collection.len() as u64 == 2_000 - due);
        let keys = (0..2_000u64).filter(|n| n % 4 == 0 || (n % 4 == 1 && n % 9 == 0));
        ensure!(collection.errors().len() as u64 == due.min(max as u64));
        for (error, n) in collection.errors().iter().zip(keys) {
            ensure!(*error.key() == n && error.row().reason() == format!("bad {n}"), "{error}");
            ensure!(error.row().sequence() == n && error.row().position().line() == Some(n + 1), "{error}");
            ensure!(error.row().source_name() == "bytes");
        }
    }
    Ok(())
}
