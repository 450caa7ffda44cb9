//! Pipelines, sources: with `Skip`, a source that fails is reported with its position, and the others are read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::CancellableTask as _;
use crate::library::pipeline::{PipelineBuilder, SenderStrategy, SourceErrorStrategy, Sources};

use crate::kit::prelude::*;
use crate::kit::script::Step::{Fails, Panics, SetsLatch, Waits};
use crate::kit::script::{BOTH, ReaderKind, Script, gives, lines};
use crate::kit::{Person, explode};

/// Ways to read several sources.
const STRATEGIES: [SenderStrategy; 2] = [SenderStrategy::Serial, SenderStrategy::Parallel { sources: 3 }];

fn skipping<T: Send + 'static, R: Runtime>(rt: &R, strategy: SenderStrategy) -> PipelineBuilder<T, R> {
    AsyncTask::emits::<T>().on(rt).sender_strategy(strategy).on_source_error(SourceErrorStrategy::Skip)
}

/// Adds up the numbers of all sources.
async fn sum<R: Runtime>(
    rt: &R,
    strategy: SenderStrategy,
    sender: impl FnOnce(&mut Sources<u64>) + Send + 'static,
) -> Result<(u64, FinalEvent), AsyncTaskError> {
    skipping::<u64, R>(rt, strategy)
        .sender(sender)
        .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
        .await
}

pub async fn a_corrupt_file_is_reported_and_the_others_are_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let paths = ["one", "two", "three"].map(|name| folder.path().join(format!("{name}.csv")));
    let texts: [&[u8]; 3] = [b"id,name\n1,Ada\n", b"\xff\xfei\0d\0", b"id,name\n2,Bob\n"];
    for (path, text) in paths.iter().zip(texts) {
        std::fs::write(path, text)?;
    }
    for strategy in STRATEGIES {
        let given = paths.clone();
        let (ids, summary) = skipping::<Person, R>(&rt, strategy)
            .sender(move |sources| sources.of_files(given).into_chunks(1.rows()))
            .fold(|| 0, |ids, event: Event<Person>| *ids += event.data().id, |left, right| left + right)
            .await?;
        ensure!(ids == 3 && summary.handled() == 2, "{strategy:?}: {ids}");
        ensure!(summary.failed_sources() == 1 && summary.rejected() == 0, "{summary:?}");
        let error = summary.source_errors().first().context("one failed")?;
        ensure!(error.source_name().ends_with("two.csv") && error.source_index() == 1, "{error}");
        ensure!(error.rows() == 0 && error.to_string().contains("UTF-16"), "{error}");
        ensure!(matches!(error.error(), AsyncTaskError::Io { .. }), "{error:?}");
    }
    Ok(())
}

pub async fn a_missing_file_is_reported_and_the_others_are_read<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let paths = ["one", "two", "three"].map(|name| folder.path().join(format!("{name}.txt")));
    let [one, _, three] = &paths;
    std::fs::write(one, "1\n")?;
    std::fs::write(three, "2\n")?;
    for strategy in STRATEGIES {
        let given = paths.clone();
        let total = Arc::new(AtomicU64::new(0));
        let shared = total.clone();
        let (sum, summary) = skipping::<u64, R>(&rt, strategy)
            .on_progress(move |progress| shared.store(progress.bytes_total.unwrap_or(0), Ordering::SeqCst))
            .sender(move |sources| sources.of_files(given).lines().into_chunks(1.rows()))
            .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
            .await?;
        ensure!(sum == 3, "{strategy:?}: {sum}");
        let error = summary.source_errors().first().context("one failed")?;
        let missing = io::ErrorKind::NotFound;
        let is_missing = matches!(error.error(), AsyncTaskError::Io { error, .. } if error.kind() == missing);
        ensure!(is_missing && error.source_index() == 1, "{error:?}");
        ensure!(total.load(Ordering::SeqCst) == 4, "the total is that of the others: {total:?}");
    }
    Ok(())
}

pub async fn a_source_that_panics_is_reported_and_the_others_are_read<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for strategy in STRATEGIES {
        let (sum, summary) = sum(&rt, strategy, |sources| {
            let fragile = |n: u64| if n == 3 { explode("the iterator") } else { n };
            sources.of((0..5).map(fragile)).into_chunks(10.items());
            let stream =
                futures_lite::stream::iter((10..15).map(|n| if n == 12 { explode("the stream") } else { n }));
            sources.of_stream(stream).into_chunks(10.items());
            for kind in BOTH {
                lines(sources, kind, Script::new([gives("100\n200\n3"), Panics]), 10);
                lines(sources, kind, Script::new([gives("1000\n"), Fails(io::ErrorKind::BrokenPipe)]), 10);
            }
            sources.of([10_000]).into_chunks(1.items());
        })
        .await?;
        ensure!(sum == 3 + 21 + 600 + 2_000 + 10_000, "{strategy:?}: {sum}");
        let failed: Vec<(u32, u64)> =
            summary.source_errors().iter().map(|error| (error.source_index(), error.rows())).collect();
        ensure!(failed == [(0, 3), (1, 2), (2, 2), (3, 1), (4, 2), (5, 1)], "{failed:?}");
        ensure!(summary.failed_sources() == 6, "{summary:?}");
        ensure!(summary.read() == summary.handled(), "rows until then are handled: {summary:?}");
    }
    Ok(())
}

pub async fn all_failures_are_counted_and_the_first_are_kept<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let [serial, parallel] = STRATEGIES;
    for (due, strategy) in [(vec![], serial), (vec![0, 1], serial), (vec![0, 1], parallel)] {
        let summary = skipping::<u64, R>(&rt, strategy)
            .max_errors(due.len())
            .sender(|sources| {
                for _ in 0..5 {
                    lines(sources, ReaderKind::Blocking, Script::new([Fails(io::ErrorKind::BrokenPipe)]), 10);
                }
            })
            .for_each(|_: Event<u64>| {})
            .await?;
        let kept: Vec<u32> = summary.source_errors().iter().map(|error| error.source_index()).collect();
        ensure!(summary.failed_sources() == 5, "{summary:?}");
        ensure!(kept == due, "{kept:?}");
    }
    Ok(())
}

pub async fn a_failed_source_ends_it_unless_it_is_to_be_skipped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builders = [
        AsyncTask::emits::<u64>().on(&rt),
        AsyncTask::emits::<u64>().on(&rt).on_source_error(SourceErrorStrategy::Stop),
    ];
    for builder in builders {
        let run = builder
            .sender(|sources| {
                lines(sources, ReaderKind::Blocking, Script::new([Fails(io::ErrorKind::BrokenPipe)]), 10);
                sources.of([1]).into_chunks(1.items());
            })
            .for_each(|_: Event<u64>| {});
        ensure!(matches!(failed(run.await)?, AsyncTaskError::Io { .. }));
    }
    Ok(())
}

pub async fn a_cancellation_is_no_failure_of_a_source<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (reads, never) = (Latch::new(), Latch::new());
    let steps = [SetsLatch(reads.clone()), Waits(never)];
    let mut run = skipping::<u64, R>(&rt, SenderStrategy::Serial)
        .sender(move |sources| {
            lines(sources, ReaderKind::Polled, Script::new(steps), 10);
            sources.of([1]).into_chunks(1.items());
        })
        .for_each(|_: Event<u64>| {})
        .spawn();
    reads.wait().await;
    run.cancel(CancelLevel::Graceful).await;
    ensure!(failed((&mut run).await)?.is_cancelled());
    ensure!(run.progress().read == 0, "the source after it is not read: {:?}", run.progress());
    Ok(())
}

pub async fn a_skipped_source_leaves_rows_to_their_own_strategy<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sender = |sources: &mut Sources<u64>| {
        lines(sources, ReaderKind::Blocking, Script::new([Fails(io::ErrorKind::BrokenPipe)]), 10);
        sources.of_bytes("1\nx\n2\n").lines().into_chunks(1.rows());
    };
    let run = skipping::<u64, R>(&rt, SenderStrategy::Serial).sender(sender).for_each(|_: Event<u64>| {});
    ensure!(matches!(failed(run.await)?, AsyncTaskError::Parse { .. }), "a bad row ends it");
    let summary = skipping::<u64, R>(&rt, SenderStrategy::Serial)
        .on_error(ErrorStrategy::ContinueOnError)
        .fail_after(2)
        .sender(sender)
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!((summary.rejected(), summary.failed_sources()) == (1, 1), "{summary:?}");
    Ok(())
}
