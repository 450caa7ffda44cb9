//! Pipelines, source order: it holds for sequences, `.ordered()`, kept values and errors of parallel sources.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::pipeline::SenderStrategy;

use super::senders::{ROW_BITS, after, numbers, six};
use crate::kit::count;
use crate::kit::prelude::*;

pub async fn sequences_are_unique_and_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for sources in [1, 2, 4, 100] {
        let (wrong, positions) = (count(), Arc::new(std::sync::Mutex::new(Vec::new())));
        let (wrongs, seen) = (wrong.clone(), positions.clone());
        let summary = numbers(&rt)
            .with_concurrency(sources)
            .workers(3)
            .sender(six)
            .for_each(move |event: Event<u64>| {
                wrongs.fetch_add(u64::from(event.sequence() != *event.data()), Ordering::SeqCst);
                if let Ok(mut seen) = seen.lock() {
                    seen.push((event.position().source(), event.sequence()));
                }
            })
            .await?;
        ensure!(summary.handled() == 300 && wrong.load(Ordering::SeqCst) == 0, "{sources}");
        let mut positions = positions.lock().map_err(|_| Failure::msg("poisoned"))?.clone();
        positions.sort_unstable();
        positions.dedup();
        ensure!(positions.len() == 300 && positions.is_sorted_by_key(|(_, sequence)| *sequence), "{sources}");
    }
    Ok(())
}

pub async fn ordered_events_come_in_source_order_whatever_is_read_first<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for sources in [1, 2, 3, 6] {
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        let see = seen.clone();
        let summary = numbers(&rt)
            .with_concurrency(sources)
            .workers(3)
            .queue(2)
            .ordered()
            .sender(six)
            .for_each(move |event: Event<u64>| {
                if let Ok(mut seen) = see.lock() {
                    seen.push(event.take_data());
                }
            })
            .await?;
        let seen = seen.lock().map_err(|_| Failure::msg("poisoned"))?;
        ensure!(summary.handled() == 300 && seen.is_sorted(), "{sources}: {seen:?}");
    }
    Ok(())
}

pub async fn a_sequence_is_read_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let see = seen.clone();
    let run = numbers(&rt).with_concurrency(6).workers(3).sequence().sender(six).for_each(
        move |event: Event<u64>| {
            if let Ok(mut seen) = see.lock() {
                seen.push(event.take_data());
            }
        },
    );
    ensure!(run.await?.handled() == 300);
    let seen = seen.lock().map_err(|_| Failure::msg("poisoned"))?;
    ensure!(seen.is_sorted() && seen.len() == 300, "{seen:?}");
    Ok(())
}

pub async fn items_read_ahead_of_their_turn_are_bounded<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const CHUNK: usize = 5;
    let (open, read) = (Latch::new(), Arc::new(AtomicUsize::new(0)));
    let counter = read.clone();
    let first = after(&open, [0]);
    let eager = (1..10_000u64).inspect(move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let run = numbers(&rt)
        .with_concurrency(2)
        .workers(2)
        .ordered()
        .sender(|sources| {
            sources.of_stream(Box::pin(first)).into_chunks(CHUNK.items());
            sources.of(eager).into_chunks(CHUNK.items());
        })
        .for_each(|_: Event<u64>| {})
        .spawn();
    while read.load(Ordering::SeqCst) < CHUNK {
        yield_now().await;
    }
    // Enough turns for a source reader that does not wait.
    for _ in 0..500 {
        AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
    }
    let ahead = read.load(Ordering::SeqCst);
    ensure!(ahead <= 3 * CHUNK, "{ahead} were read while their turn could not come");
    open.set();
    ensure!(run.await?.handled() == 10_000);
    Ok(())
}

pub async fn the_last_in_source_order_stays_whatever_is_read_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first source is silent until the second has been handled.
    let handled = Latch::new();
    let first = after(&handled, [1]);
    let kept = numbers(&rt)
        .with_concurrency(2)
        .sender(|sources| {
            sources.of_stream(Box::pin(first)).into_chunks(1.items());
            sources.of([2]).into_chunks(1.items());
        })
        .receiver(move |event: Event<u64>, collector: Collector<&str, u64>| {
            let value = event.take_data();
            collector.collect("key", value);
            if value == 2 {
                handled.set();
            }
        })
        .await_final_event(|event, collector| event.map(|_| collector.collected()))
        .await?;
    ensure!(kept.get("key") == Some(&2));
    Ok(())
}

pub async fn stop_on_first_reports_the_first_of_the_events_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let readers = Census::default();
    let run = numbers(&rt)
        .with_concurrency(3)
        .workers(3)
        .sender(|sources| (0..3).for_each(|source| sources.of([source]).into_chunks(1.items())))
        .for_each(move |event: Event<u64>| {
            let readers = readers.clone();
            async move {
                // All are refused, and all have been read before.
                std::mem::forget(readers.enter());
                while readers.alive() < 3 {
                    yield_now().await;
                }
                Err::<(), _>(format!("source {}", event.data()))
            }
        });
    ensure!(source_text(&failed(run.await)?) == "source 0");
    Ok(())
}

pub async fn the_first_errors_are_kept_whatever_is_read_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first source comes last.
    let others = Latch::new();
    let first = after(&others, 0..5);
    let left = Arc::new(AtomicUsize::new(300));
    let summary = numbers(&rt)
        .with_concurrency(4)
        .workers(2)
        .max_errors(7)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| {
            sources.of_stream(Box::pin(first)).into_chunks(1.items());
            (1..4).for_each(|_| sources.of(0..100u64).into_chunks(9.items()));
        })
        .for_each(move |_: Event<u64>| {
            if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                others.set();
            }
            Err::<(), _>("no")
        })
        .await?;
    let kept: Vec<_> = summary.errors().iter().map(|error| error.sequence()).collect();
    ensure!(summary.rejected() == 305);
    ensure!(kept == [0, 1, 2, 3, 4, 1 << ROW_BITS, 1 << ROW_BITS | 1], "{kept:?}");
    Ok(())
}

pub async fn all_errors_of_parallel_sources_are_kept_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const SOURCES: usize = 4;
    const ROWS: u64 = 500;
    // Of ten rows, eight are no numbers, and the receiver refuses one.
    let line = |n: u64| if n.is_multiple_of(5) { format!("{n}\n") } else { format!("x{n}\n") };
    let text: String = (0..ROWS).map(line).collect();
    let bad: Vec<(usize, u64)> = (0..SOURCES)
        .flat_map(|source| (0..ROWS).filter(|row| !row.is_multiple_of(10)).map(move |row| (source, row)))
        .collect();
    let summary = numbers(&rt)
        .sender_strategy(SenderStrategy::Parallel { sources: SOURCES })
        .workers(3)
        .on_error(ErrorStrategy::ContinueOnError)
        .max_errors(bad.len())
        .sender(move |sources| {
            (0..SOURCES).for_each(|_| sources.of_bytes(text.clone()).lines().into_chunks(7.lines()));
        })
        .for_each(|event: Event<u64>| if event.data() % 10 == 5 { Err("refused") } else { Ok(()) })
        .await?;
    let counts = (summary.read(), summary.handled(), summary.rejected(), summary.dropped());
    ensure!(counts == (2_000, 200, 1_800, 0), "{counts:?}");
    ensure!(summary.errors().len() == bad.len(), "{} are kept", summary.errors().len());
    for (error, (source, row)) in summary.errors().iter().zip(bad) {
        let position = error.position();
        let found = (error.sequence(), position.source(), position.line());
        ensure!(found == ((source as u64) << ROW_BITS | row, source, Some(row + 1)), "{found:?}: {error}");
        let reason = if row % 10 == 5 { "refused" } else { "invalid digit found in string" };
        ensure!(error.reason() == reason, "{error}");
    }
    Ok(())
}
