//! Pipelines, sender strategies: sources are read one by one, or as many at the same time as was set.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::pipeline::{EmittingTask, SenderStrategy, Sources};
use futures_lite::{Stream, StreamExt as _, stream};

use crate::kit::count;
use crate::kit::prelude::*;

pub(super) const ROW_BITS: u32 = 44;

pub(super) fn numbers<R: Runtime>(rt: &R) -> crate::library::pipeline::PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

/// Six sources, of five kinds. The value of a row is the sequence that it must have.
pub(super) fn six(sources: &mut Sources<u64>) {
    let rows = |source: u64| (0..50).map(move |row| source << ROW_BITS | row);
    let text = |source| rows(source).map(|value| format!("{value}\n")).collect::<String>();
    sources.of(rows(0)).into_chunks(7.items());
    sources.of_bytes(text(1)).lines().into_chunks(3.lines());
    sources.of_stream(stream::iter(rows(2))).into_chunks(11.items());
    sources.of_reader(std::io::Cursor::new(text(3))).lines().into_chunks(1.kib());
    sources.of_async_reader(futures_lite::io::Cursor::new(text(4))).lines().into_chunks(5.lines());
    sources.of(rows(5)).into_chunks(1.items());
}

/// The items, given once the latch is set.
pub(super) fn after(
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
    // Neither stream gives an item before the other has been polled.
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

pub async fn sources_read_at_once_never_exceed_the_maximum<R: Runtime>(rt: R, _: Facts) -> Outcome {
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
            // The first three meet; more than three never do.
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
    // No source gives an item before all four are read: the empty queue shows that more are needed.
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
    // More rows are read than the queue has room for. The case is about the end, and about rows that are
    // lost.
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

/// A stream that gives `items` and then is silent; it sets the latch when it is polled for more.
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

pub async fn a_graceful_stop_handles_the_events_already_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
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
