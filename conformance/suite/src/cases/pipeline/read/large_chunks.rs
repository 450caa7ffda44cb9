//! Pipelines, flow: a large chunk delays neither other tasks nor a cancellation, and is bounded in bytes.

use std::sync::atomic::Ordering;

use crate::library::CancellableTask as _;
use crate::library::pipeline::Sources;
use futures_lite::stream;

use crate::kit::count;
use crate::kit::prelude::*;
use crate::kit::script::Step::Waits;
use crate::kit::script::{ReaderKind, Script, gives, lines};

/// A source of endless items in a chunk that is never full, and the count of the items given.
fn endless(
    stream: bool,
) -> (impl FnOnce(&mut Sources<()>) + Send + 'static, std::sync::Arc<std::sync::atomic::AtomicU64>) {
    let given = count();
    let counter = given.clone();
    let items = std::iter::repeat_with(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let sender = move |sources: &mut Sources<()>| match stream {
        true => sources.of_stream(stream::iter(items)).into_chunks(usize::MAX.items()),
        false => sources.of(items).into_chunks(usize::MAX.items()),
    };
    (sender, given)
}

pub async fn others_run_while_a_chunk_is_filled<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for stream in [false, true] {
        let (sender, given) = endless(stream);
        let run = AsyncTask::emits::<()>().on(&rt).sender(sender).for_each(|_: Event<()>| {}).spawn();
        // Each turn needs a thread of the executor.
        for _ in 0..5 {
            AsyncTask::to::<()>().on(&rt).spawn(|| async {}).await?;
        }
        while given.load(Ordering::Relaxed) < 1_000 {
            AsyncTask::to::<()>().on(&rt).spawn(yield_now).await?;
        }
        ensure!(run.cancel(CancelLevel::Kill).await.was_cancelled(), "it is killed in the middle of a chunk");
    }
    Ok(())
}

pub async fn a_graceful_stop_handles_the_part_of_a_chunk_that_there_is<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for stream in [false, true] {
        let (sender, given) = endless(stream);
        // On a busy machine the rest may take longer than the grace period that there is otherwise.
        let pipeline = AsyncTask::emits::<()>().on(&rt).grace(1.hours()).sender(sender);
        let mut run = pipeline.for_each(|_: Event<()>| {}).spawn();
        while given.load(Ordering::Relaxed) < 1_000 {
            yield_now().await;
        }
        run.cancel(CancelLevel::Graceful).await;
        ensure!(failed((&mut run).await)?.is_cancelled());
        let (given, counts) = (given.load(Ordering::Relaxed), run.progress());
        ensure!((counts.read, counts.handled, counts.dropped) == (given, given, 0), "{given}: {counts:?}");
    }
    Ok(())
}

pub async fn a_chunk_of_large_rows_is_bounded_in_bytes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const ROWS: usize = 12;
    // The chunk is of a hundred rows. The reader gives ten rows of one MiB, and the others once the first is
    // handled.
    let row: std::sync::Arc<str> = format!("{}\n", "x".repeat((1 << 20) - 1)).into();
    let open = Latch::new();
    let steps = (0..ROWS).map(|_| gives(row.clone()));
    let mut steps: Vec<_> = steps.collect();
    steps.insert(10, Waits(open.clone()));
    let summary = AsyncTask::emits::<String>()
        .on(&rt)
        .sender(move |sources| lines(sources, ReaderKind::Blocking, Script::new(steps), 100))
        .for_each(move |_: Event<String>| open.set())
        .await?;
    ensure!(summary.handled() == ROWS as u64, "{}", summary.handled());
    Ok(())
}

pub async fn the_bound_of_a_chunk_can_be_set<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // A message stands for a chunk, so the publisher counts them: of rows of 10 bytes, three reach 30 bytes.
    for (bound, chunks) in [(30, 4), (31, 3), (1, 12), (1_000, 1)] {
        let queue = crate::kit::published::bounded(100);
        let summary = AsyncTask::emits::<String>()
            .on(&rt)
            .sender(move |sources| {
                let source = sources.of_bytes("123456789\n".repeat(12)).lines();
                source.with_max_chunk(bound).into_chunks(100.rows());
            })
            .publish(&queue, "rows")
            .await?;
        ensure!(summary.handled() == chunks, "{bound}: {}", summary.handled());
    }
    Ok(())
}
