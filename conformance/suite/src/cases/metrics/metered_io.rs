//! Metrics: bytes and operations of metered readers and writers are exact, and attributed to their task.

use std::io::{self, Cursor, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::library::MetricsEnabledTask as _;
use crate::library::metrics::{IoCount, metered};
use futures_lite::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};

use crate::kit::prelude::*;

fn counted(count: IoCount) -> (u64, u64) {
    (count.bytes, count.operations)
}

/// Reads everything, `at_a_time` bytes at a time.
fn read_all(mut reader: impl Read, at_a_time: usize) -> io::Result<()> {
    let mut space = vec![0; at_a_time];
    while reader.read(&mut space)? > 0 {}
    Ok(())
}

pub async fn blocking_reads_and_writes_are_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| {
        read_all(metered(Cursor::new(vec![7; 1000])), 100)?;
        let mut writer = metered(Cursor::new(Vec::new()));
        for _ in 0..5 {
            writer.write_all(&[1; 30])?;
        }
        writer.flush()
    });
    (&mut task).await?;
    let io = task.io_usage().context("it was measured")?;
    // The read that finds the end is an operation.
    ensure!((counted(io.read), counted(io.written)) == ((1000, 11), (150, 5)), "{io:?}");
    ensure!(io.read.mean_latency().is_some_and(|mean| mean <= io.read.latency), "{io:?}");
    Ok(())
}

pub async fn polled_reads_and_writes_are_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {
        let mut reader = metered(futures_lite::io::Cursor::new(vec![7; 1000]));
        let mut space = [0; 100];
        while reader.read(&mut space).await? > 0 {}
        let mut writer = metered(futures_lite::io::Cursor::new(Vec::new()));
        for _ in 0..5 {
            writer.write_all(&[1; 30]).await?;
        }
        writer.flush().await?;
        writer.close().await
    });
    (&mut task).await?;
    let io = task.io_usage().context("it was measured")?;
    ensure!((counted(io.read), counted(io.written)) == ((1000, 11), (150, 5)), "{io:?}");
    Ok(())
}

/// A reader that is pending once before each read.
struct Late(bool);

impl AsyncRead for Late {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0 = !self.0;
        if self.0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        into.fill(1);
        Poll::Ready(Ok(into.len()))
    }
}

pub async fn an_operation_that_waits_is_one<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {
        let mut reader = metered(Late(false));
        let mut space = [0; 8];
        for _ in 0..3 {
            reader.read(&mut space).await?;
        }
        Ok::<_, io::Error>(())
    });
    (&mut task).await?;
    let io = task.io_usage().context("it was measured")?;
    ensure!(counted(io.read) == (24, 3) && counted(io.written) == (0, 0), "{io:?}");
    Ok(())
}

/// A reader that cannot be read.
struct Broken(io::ErrorKind);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(self.0.into())
    }
}

pub async fn an_error_counts_as_an_operation_unless_it_is_transient<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut task = AsyncTask::to::<()>().on(&rt).metrics(true).inline().spawn(|| {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::Interrupted, io::ErrorKind::WouldBlock] {
            let _ = metered(Broken(kind)).read(&mut [0; 8]);
        }
    });
    (&mut task).await?;
    let io = task.io_usage().context("it was measured")?;
    ensure!(counted(io.read) == (0, 1), "{io:?}");
    Ok(())
}

pub async fn without_metrics_or_a_task_nothing_is_charged<R: Runtime>(rt: R, _: Facts) -> Outcome {
    read_all(metered(&[7; 100][..]), 10)?;
    let mut unmeasured = AsyncTask::to::<()>().on(&rt).spawn(|| read_all(metered(&[7; 100][..]), 10));
    (&mut unmeasured).await?;
    ensure!(unmeasured.io_usage().is_none());
    let mut idle = AsyncTask::to::<()>().on(&rt).metrics(true).spawn(|| async {});
    (&mut idle).await?;
    ensure!(idle.io_usage().is_none(), "nothing metered was used: nothing is known");
    Ok(())
}

pub async fn a_pipelines_file_reads_are_charged_to_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("numbers.txt");
    // A file of several blocks and few rows.
    let text: String = (0..2_000).map(|number| format!("{number:0700}\n")).collect();
    std::fs::write(&path, &text)?;
    for sources in [1, 2] {
        let (first, second) = (path.clone(), path.clone());
        let mut pipeline = AsyncTask::emits::<u64>()
            .on(&rt)
            .metrics(true)
            .with_concurrency(sources)
            .sender(move |files| {
                files.of_file(first).lines().into_chunks(64.kib());
                files.of_file(second).lines().into_chunks(64.kib());
            })
            .for_each(|_: Event<u64>| ())
            .spawn();
        let summary = (&mut pipeline).await?;
        ensure!(summary.handled() == 4_000);
        let io = pipeline.io_usage().context("it was measured")?;
        ensure!(io.read.bytes == 2 * text.len() as u64 && io.written.bytes == 0, "{io:?} of {}", text.len());
        // Blocks of half a MiB, and the read that finds the end.
        let blocks = 2 * (text.len().div_ceil(512 << 10) as u64 + 1);
        ensure!(io.read.operations == blocks, "{io:?} in place of {blocks}");
    }
    Ok(())
}

pub async fn a_pipelines_own_readers_can_be_metered<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut pipeline = AsyncTask::emits::<u64>()
        .on(&rt)
        .metrics(true)
        .sender(|sources| {
            sources.of_reader(metered(Cursor::new("1\n2\n"))).lines().into_chunks(1.lines());
            let polled = metered(futures_lite::io::Cursor::new("3\n"));
            sources.of_async_reader(polled).lines().into_chunks(1.lines());
        })
        .for_each(|_: Event<u64>| ())
        .spawn();
    ensure!((&mut pipeline).await?.handled() == 3);
    let io = pipeline.io_usage().context("it was measured")?;
    ensure!(counted(io.read) == (6, 4), "{io:?}");
    Ok(())
}
