//! How sources are read: one after the other, several at the same time, in batches.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_lite::{Stream, StreamExt as _, stream};
use sweet_async::pipeline::{EmittingTask, SenderStrategy, Sources};

use crate::kit::count;
use crate::kit::prelude::*;

const ROW_BITS: u32 = 44;

fn numbers<R: Runtime>(rt: &R) -> sweet_async::pipeline::PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

/// The items, once the latch is set.
fn after(
    latch: &Latch,
    items: impl IntoIterator<Item = u64> + Send + 'static,
) -> impl Stream<Item = u64> + Send + 'static
where
    <Vec<u64> as IntoIterator>::IntoIter: Send,
{
    let (latch, items) = (latch.clone(), items.into_iter().collect::<Vec<_>>());
    stream::once_future(async move {
        latch.wait().await;
        stream::iter(items)
    })
    .flatten()
}

pub async fn sources_are_read_at_the_same_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Neither gives anything before the other has been asked.
    let (left, right) = (Latch::new(), Latch::new());
    let crossed = |mine: &Latch, other: &Latch| {
        let (mine, other) = (mine.clone(), other.clone());
        stream::once_future(async move {
            mine.set();
            other.wait().await;
            1u64
        })
    };
    let (one, two) = (crossed(&left, &right), crossed(&right, &left));
    let summary = numbers(&rt)
        .with_concurrency(2)
        .sender(|sources| {
            sources.of_stream(Box::pin(one)).into_chunks(1.items());
            sources.of_stream(Box::pin(two)).into_chunks(1.items());
        })
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.handled() == 2);
    Ok(())
}

pub async fn no_more_sources_are_read_than_was_said<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let most = Arc::new(AtomicUsize::new(0));
    let full = Latch::new();
    let source = || {
        let (alive, most, full) = (alive.clone(), most.clone(), full.clone());
        stream::once_future(async move {
            let _reading = alive.enter();
            most.fetch_max(alive.alive(), Ordering::SeqCst);
            if alive.alive() == 3 {
                full.set();
            }
            // The first three meet; more than that never do.
            full.wait().await;
            for _ in 0..20 {
                yield_now().await;
            }
            1u64
        })
    };
    let all: Vec<_> = (0..12).map(|_| Box::pin(source())).collect();
    let summary = numbers(&rt)
        .with_concurrency(3)
        .sender(|sources| all.into_iter().for_each(|one| sources.of_stream(one).into_chunks(1.items())))
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.handled() == 12 && most.load(Ordering::SeqCst) == 3);
    Ok(())
}

pub async fn as_many_sources_are_read_as_the_queue_wants<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // None gives anything before all four are read: that the queue is empty says so.
    let (alive, all) = (Census::default(), Latch::new());
    let source = || {
        let (alive, all) = (alive.clone(), all.clone());
        stream::once_future(async move {
            let _reading = alive.enter();
            if alive.alive() == 4 {
                all.set();
            }
            all.wait().await;
            1u64
        })
    };
    let streams: Vec<_> = (0..4).map(|_| Box::pin(source())).collect();
    let summary = numbers(&rt)
        .sender_strategy(SenderStrategy::Adaptive { min: 1, max: 4 })
        .sender(|sources| streams.into_iter().for_each(|one| sources.of_stream(one).into_chunks(1.items())))
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.handled() == 4 && alive.alive() == 0);
    Ok(())
}

pub async fn fewer_sources_are_read_while_the_queue_is_full<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // More are read than the queue has room for; what matters is that all of it ends, and that nothing is lost.
    for ordered in [false, true] {
        let builder =
            numbers(&rt).sender_strategy(SenderStrategy::Adaptive { min: 1, max: 6 }).workers(1).queue(1);
        let runtime = rt.clone();
        let run = if ordered { builder.ordered() } else { builder }.sender(six).for_each(
            move |event: Event<u64>| {
                let runtime = runtime.clone();
                async move {
                    ensure!(event.sequence() == *event.data());
                    runtime.sleep(1.millis()).await.map_err(Failure::from)
                }
            },
        );
        ensure!(run.await?.handled() == 300);
    }
    Ok(())
}

/// Six sources of each kind, the value of a row what its sequence must be.
fn six(sources: &mut Sources<u64>) {
    let rows = |source: u64| (0..50).map(move |row| source << ROW_BITS | row);
    let text = |source| rows(source).map(|value| format!("{value}\n")).collect::<String>();
    sources.of(rows(0)).into_chunks(7.items());
    sources.of_bytes(text(1)).lines().into_chunks(3.lines());
    sources.of_stream(stream::iter(rows(2))).into_chunks(11.items());
    sources.of_reader(std::io::Cursor::new(text(3))).lines().into_chunks(1.kib());
    sources.of_async_reader(futures_lite::io::Cursor::new(text(4))).lines().into_chunks(5.lines());
    sources.of(rows(5)).into_chunks(1.items());
}

pub async fn sequences_are_unique_and_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for sources in [1, 2, 4, 100] {
        let (wrong, places) = (count(), Arc::new(std::sync::Mutex::new(Vec::new())));
        let (wrongs, seen) = (wrong.clone(), places.clone());
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
        let mut places = places.lock().map_err(|_| Failure::msg("poisoned"))?.clone();
        places.sort_unstable();
        places.dedup();
        ensure!(places.len() == 300 && places.is_sorted_by_key(|(_, sequence)| *sequence), "{sources}");
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

pub async fn what_is_read_ahead_of_its_turn_is_bounded<R: Runtime>(rt: R, _: Facts) -> Outcome {
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
    // Plenty of chances for a lane that does not wait.
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

pub async fn stop_on_first_tells_the_first_of_those_that_were_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let here = Census::default();
    let run = numbers(&rt)
        .with_concurrency(3)
        .workers(3)
        .sender(|sources| (0..3).for_each(|source| sources.of([source]).into_chunks(1.items())))
        .for_each(move |event: Event<u64>| {
            let here = here.clone();
            async move {
                // All are refused, and all have been read before.
                std::mem::forget(here.enter());
                while here.alive() < 3 {
                    yield_now().await;
                }
                Err::<(), _>(format!("source {}", event.data()))
            }
        });
    ensure!(failed(run.await)?.to_string() == "source 0");
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

pub async fn a_source_that_fails_stops_the_others<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for strategy in [ErrorStrategy::StopOnFirst, ErrorStrategy::ContinueOnError] {
        let dropped = Latch::new();
        let guard = dropped.on_drop();
        let silent = stream::once_future(async move {
            let _guard = guard;
            pending::<u64>().await
        });
        let endless = std::iter::repeat(1u64);
        let folder = tempfile::tempdir()?;
        let missing = folder.path().join("missing.csv");
        let run = numbers(&rt)
            .with_concurrency(3)
            .on_error(strategy)
            .sender(|sources| {
                sources.of_stream(Box::pin(silent)).into_chunks(1.items());
                sources.of(endless).into_chunks(1.items());
                sources.of_file(missing).lines().into_chunks(1.lines());
                sources.of([1]).into_chunks(1.items());
            })
            .for_each(|_: Event<u64>| {});
        let error = failed(run.await)?;
        ensure!(error.to_string().contains("missing.csv"), "{error}");
        ensure!(dropped.is_set(), "nothing is left of the others");
    }
    Ok(())
}

/// A stream that gives `items` and then is silent; it sets the latch when it is asked for more.
fn silent_after(items: u64, asked: &Latch, alive: &Census) -> Pin<Box<dyn Stream<Item = u64> + Send>> {
    let (asked, resident) = (asked.clone(), alive.enter());
    Box::pin(stream::iter(0..items).chain(stream::once_future(async move {
        let _resident = resident;
        asked.set();
        pending::<u64>().await
    })))
}

/// A pipeline of two silent streams, once both have given all that they have.
async fn silent<R: Runtime>(
    rt: &R,
    strategy: SenderStrategy,
    ordered: bool,
    alive: &Census,
) -> (EmittingTask<u64, R>, Arc<std::sync::atomic::AtomicU64>) {
    let asked = [Latch::new(), Latch::new()];
    let streams: Vec<_> = asked.iter().map(|asked| silent_after(2, asked, alive)).collect();
    let handled = count();
    let counter = handled.clone();
    let builder = numbers(rt).sender_strategy(strategy).workers(2);
    let run = if ordered { builder.ordered() } else { builder }
        .sender(|sources| {
            streams.into_iter().for_each(|stream| sources.of_stream(stream).into_chunks(1.items()))
        })
        .receiver(move |_: Event<u64>, _: Collector<u64, u64>| {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .spawn(|event, _| event.map(|summary| summary.handled()));
    let [first, second] = &asked;
    first.wait().await;
    if matches!(strategy, SenderStrategy::Parallel { .. }) {
        second.wait().await;
    }
    (run, handled)
}

pub async fn a_graceful_stop_handles_what_was_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let both = SenderStrategy::Parallel { sources: 2 };
    let batches = SenderStrategy::Batched { size: 100, delay: 1.hours() };
    for (strategy, ordered, due) in
        [(both, false, 4), (both, true, 4), (batches, false, 2), (batches, true, 2)]
    {
        let alive = Census::default();
        let (run, handled) = silent(&rt, strategy, ordered, &alive).await;
        run.canceller().cancel(CancelLevel::Graceful).await;
        ensure!(failed(run.await)?.is_cancelled());
        let handled = handled.load(Ordering::SeqCst);
        ensure!(handled == due, "{strategy:?}, {ordered}: {handled} of {due}");
        ensure!(alive.alive() == 0, "{strategy:?}");
    }
    Ok(())
}

pub async fn nothing_is_left_of_sources_whose_pipeline_is_killed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ordered in [false, true] {
        let alive = Census::default();
        let (run, _) = silent(&rt, SenderStrategy::Parallel { sources: 2 }, ordered, &alive).await;
        ensure!(alive.alive() == 2);
        ensure!(run.canceller().cancel(CancelLevel::Kill).await.was_cancelled());
        ensure!(alive.alive() == 0, "{} sources are left", alive.alive());
    }
    Ok(())
}

pub async fn a_batch_goes_out_when_it_is_full<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Item by item, with a pause between; each third comes once those before it have been handled.
    let (tell, handled) = async_channel::unbounded::<u64>();
    let stream = stream::unfold((0u64, handled), |(n, handled)| async move {
        yield_now().await;
        if n > 0 && n % 3 == 0 {
            for _ in 0..3 {
                handled.recv().await.ok()?;
            }
        }
        // A batch that is not full has not gone out.
        (handled.is_empty() && n < 30).then_some((n, (n + 1, handled)))
    });
    let summary = numbers(&rt)
        .sender_strategy(SenderStrategy::Batched { size: 3, delay: 1.hours() })
        .sender(|sources| sources.of_stream(Box::pin(stream)).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            let _ = tell.try_send(event.take_data());
        })
        .await?;
    ensure!(summary.handled() == 30, "{} of 30", summary.handled());
    ensure!(summary.elapsed() < 1.hours());
    Ok(())
}

pub async fn a_batch_goes_out_when_its_first_item_has_waited<R: Runtime>(rt: R, at: Facts) -> Outcome {
    const DELAY: Duration = Duration::from_millis(5);
    // The second item of each batch comes at once, the third only when both have been handled.
    let (tell, handled) = async_channel::unbounded::<u64>();
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
            let _ = tell.try_send(event.take_data());
        })
        .await?;
    ensure!(summary.handled() == 10);
    // The last batch ends with the stream, once it has been handled and the stream is asked again.
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
