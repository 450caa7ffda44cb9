//! Pipelines, rejected rows: each of them is written with its text, position and reason, however a pipeline
//! ends, unless it is killed.

use std::fs;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use crate::library::CancellableTask as _;
use crate::library::pipeline::{OnDuplicate, PipelineBuilder, RejectedRow, Rejects, Row};

use crate::kit::prelude::*;
use crate::kit::{collect_rows, count};

fn going_on<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).on_error(ErrorStrategy::ContinueOnError)
}

/// The rows that a sink was given. Clones share them.
#[derive(Clone, Default)]
struct Sunk(Arc<Mutex<Vec<RejectedRow>>>);

impl Sunk {
    fn sink(&self) -> Rejects {
        let rows = self.clone();
        Rejects::sink(move |row| rows.0.lock().unwrap_or_else(PoisonError::into_inner).push(row.clone()))
    }

    /// Returns all rows in source order.
    fn rows(&self) -> Vec<RejectedRow> {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        rows.sort_by_key(RejectedRow::sequence);
        rows
    }
}

/// The number of files in a folder.
fn files(folder: &std::path::Path) -> Result<usize, Failure> {
    Ok(fs::read_dir(folder)?.count())
}

pub async fn every_rejected_row_is_written_with_its_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rejected.csv");
    fs::write(&path, "an older file")?;
    let text: String =
        (0..3_000).map(|n| if n % 3 == 0 { format!("{n}\n") } else { format!("{n},\"x\"\n") }).collect();
    let summary = going_on(&rt)
        .max_errors(1)
        .rejects_to(&*path)
        .sender(move |sources| sources.of_bytes(text).name("a, \"b\"").lines().into_chunks(7.lines()))
        .for_each(|_: Event<u64>| {})
        .await?;
    ensure!(summary.rejected() == 2_000 && summary.errors().len() == 1, "{summary:?}");
    ensure!(files(folder.path())? == 1, "no other file is left");
    let (rows, _) =
        collect_rows::<Row, _, _>(&rt, 1, |sources| sources.of_file(path).into_chunks(1.mib())).await?;
    let mut found = Vec::new();
    for (_, row) in &rows {
        let reason = row.text("reason")?;
        ensure!(row.text("source")? == "a, \"b\"" && reason.contains("invalid digit"), "{row:?}");
        ensure!(row.parse::<u64>("line")? == row.parse::<u64>("sequence")? + 1, "{row:?}");
        ensure!(row.parse::<u64>("rows")? == 1 && row.parse::<u64>("byte").is_ok(), "{row:?}");
        found.push((row.parse::<u64>("sequence")?, row.text("text")?.to_owned()));
    }
    found.sort();
    let due: Vec<_> = (0..3_000).filter(|n| n % 3 > 0).map(|n| (n, format!("{n},\"x\""))).collect();
    ensure!(found == due, "{} of {} rows", found.len(), due.len());
    Ok(())
}

pub async fn rejected_rows_can_be_json_lines<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rejected.JSONL");
    going_on(&rt)
        .rejects_to(path.clone())
        .sender(|sources| {
            sources.of_bytes("1\na\"\\\t\u{e9}\n").name("text").lines().into_chunks(1.lines());
            sources.of([5, 6]).into_chunks(1.items());
        })
        .for_each(|event: Event<u64>| if event.data() == &6 { Err("six") } else { Ok(()) })
        .await?;
    let text = fs::read_to_string(&path)?;
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    let due = [
        "{\"source\":\"items\",\"line\":null,\"byte\":null,\"sequence\":3,\"rows\":1,\"reason\":\"six\",\"text\":null}",
        "{\"source\":\"text\",\"line\":2,\"byte\":2,\"sequence\":1,\"rows\":1,\
         \"reason\":\"invalid digit found in string\",\"text\":\"a\\\"\\\\\\u0009\u{e9}\"}",
    ];
    ensure!(lines == due, "{text}");
    Ok(())
}

pub async fn a_file_of_rejected_rows_is_compressed_by_its_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    for name in ["rejected.csv.gz", "rejected.csv.zst"] {
        let path = folder.path().join(name);
        going_on(&rt)
            .rejects_to(path.clone())
            .sender(|sources| sources.of_bytes("x\ny\n").lines().into_chunks(1.lines()))
            .for_each(|_: Event<u64>| {})
            .await?;
        let (rows, _) =
            collect_rows::<Row, _, _>(&rt, 1, |sources| sources.of_file(path).into_chunks(1.mib())).await?;
        let mut texts = Vec::new();
        for (_, row) in &rows {
            texts.push(row.text("text")?);
        }
        texts.sort_unstable();
        ensure!(texts == ["x", "y"], "{name}: {rows:?}");
    }
    Ok(())
}

pub async fn the_rows_that_wait_to_be_written_are_bounded<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const ROWS: u64 = 5_000;
    // A MiB of them may wait, and some chunks of ten are under way.
    const BOUND: u64 = 1_048 + 200;
    let (given, sunk, ahead) = (count(), count(), count());
    let (gives, sinks, most) = (given.clone(), sunk.clone(), ahead.clone());
    let sink = Rejects::sink(move |_| {
        let before = sinks.fetch_add(1, Ordering::SeqCst);
        most.fetch_max(gives.load(Ordering::SeqCst) - before, Ordering::SeqCst);
    });
    let items = (0..ROWS).inspect(move |_| {
        given.fetch_add(1, Ordering::SeqCst);
    });
    let reason = "x".repeat(1_000);
    let summary = going_on(&rt)
        .workers(2)
        .rejects_to(sink)
        .sender(|sources| sources.of(items).into_chunks(10.items()))
        .for_each(move |_: Event<u64>| Err(reason.clone()))
        .await?;
    let (sunk, ahead) = (sunk.load(Ordering::SeqCst), ahead.load(Ordering::SeqCst));
    ensure!(sunk == ROWS && summary.rejected() == ROWS, "{sunk}: {summary:?}");
    ensure!(ahead <= BOUND, "{ahead} rows were there at once");
    Ok(())
}

pub async fn a_file_without_rejected_rows_has_its_header<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rejected.csv");
    let run = going_on(&rt).rejects_to(path.clone()).sender(|sources| sources.of([1]).into_chunks(1.items()));
    run.for_each(|_: Event<u64>| {}).await?;
    let text = fs::read_to_string(&path)?;
    ensure!(text == "source,line,byte,sequence,rows,reason,text\n", "{text}");
    Ok(())
}

pub async fn rows_are_written_whatever_rejects_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sunk = Sunk::default();
    let summary = going_on(&rt)
        .rejects_to(sunk.sink())
        .sender(|sources| {
            sources.of_bytes("1\n2\n123456789\n1\nx\n5\n").lines().with_max_record(5).into_chunks(2.lines())
        })
        .receiver(|event: Event<u64>, collector: Collector<u64, ()>| {
            collector.collect(*event.data(), ());
            if event.data() == &5 { Err("five") } else { Ok(()) }
        })
        .on_duplicate(OnDuplicate::Error)
        .await_final_event(|event, _| event)
        .await?;
    let rows = sunk.rows();
    let found: Vec<_> = rows.iter().map(|row| (row.sequence(), row.position().line(), row.text())).collect();
    let due: [(u64, _, Option<&[u8]>); 4] =
        [(2, Some(3), None), (3, Some(4), None), (4, Some(5), Some(b"x")), (5, Some(6), Some(b"5"))];
    ensure!(found == due, "{rows:?}");
    ensure!(
        summary.rejected() == 4 && summary.errors().iter().all(|error| error.raw().is_none()),
        "{summary:?}"
    );
    let sunk = Sunk::default();
    let summary = going_on(&rt)
        .rejects_to(sunk.sink())
        .sender(|sources| sources.of(0..5).into_chunks(5.items()))
        .batched(5, 1.hours())
        .for_each(|_| Err("a batch"))
        .await?;
    let rows: Vec<_> = sunk.rows().iter().map(|row| (row.sequence(), row.rows())).collect();
    ensure!(rows == [(0, 5)] && summary.rejected() == 5, "{rows:?}");
    Ok(())
}

pub async fn the_rows_until_a_failure_are_written<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rejected.csv");
    let run = AsyncTask::emits::<u64>()
        .on(&rt)
        .rejects_to(path.clone())
        .sender(|sources| sources.of_bytes("1\nx\n3\n").lines().into_chunks(1.lines()));
    let error = failed(run.for_each(|_: Event<u64>| {}).await)?;
    ensure!(matches!(error, AsyncTaskError::Parse { .. }), "{error:?}");
    let text = fs::read_to_string(&path)?;
    ensure!(text.lines().count() == 2 && text.ends_with(",x\n"), "{text}");
    Ok(())
}

pub async fn a_killed_pipeline_leaves_no_file<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rejected.csv");
    let (begun, never) = (Latch::new(), Latch::new());
    let (begins, waits) = (begun.clone(), never.clone());
    let run = going_on(&rt)
        .rejects_to(path.clone())
        .sender(|sources| sources.of_bytes("x\n2\n").lines().into_chunks(2.lines()))
        .for_each(move |_: Event<u64>| {
            let (begins, waits) = (begins.clone(), waits.clone());
            async move {
                begins.set();
                waits.wait().await;
            }
        })
        .spawn();
    begun.wait().await;
    run.cancel(CancelLevel::Kill).await;
    ensure!(files(folder.path())? == 0, "something is left");
    Ok(())
}

pub async fn a_graceful_stop_leaves_the_file<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rejected.csv");
    let (more, stream) = async_channel::unbounded();
    more.try_send(1)?;
    let refused = Latch::new();
    let refuses = refused.clone();
    let mut run = going_on(&rt)
        .rejects_to(path.clone())
        .sender(move |sources| sources.of_stream(stream).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            refuses.set();
            Err("refused")
        })
        .spawn();
    refused.wait().await;
    run.cancel(CancelLevel::Graceful).await;
    ensure!(failed((&mut run).await)?.is_cancelled());
    ensure!(fs::read_to_string(&path)?.contains("refused"));
    drop(more);
    Ok(())
}

pub async fn a_destination_that_fails_ends_the_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("missing").join("rejected.csv");
    let numbers = || futures_lite::stream::iter(0..);
    let run = going_on(&rt)
        .rejects_to(path.clone())
        .sender(move |sources| sources.of_stream(numbers()).into_chunks(10.items()))
        .for_each(|_: Event<u64>| {});
    let error = failed(run.await)?;
    let text = error.to_string();
    ensure!(
        matches!(error, AsyncTaskError::Io { .. }) && text.contains(&path.display().to_string()),
        "{text}"
    );
    for panics in [false, true] {
        let sink = Rejects::sink(move |row| match (row.sequence(), panics) {
            (0..100, _) => Ok(()),
            (_, true) => crate::kit::explode("the sink is full"),
            (_, false) => Err("the sink is full"),
        });
        let run = going_on(&rt)
            .rejects_to(sink)
            .sender(move |sources| sources.of_stream(numbers()).into_chunks(10.items()))
            .for_each(|_: Event<u64>| Err("refused"));
        let error = failed(run.await)?;
        ensure!(error.is_panic() == panics && error.reason().contains("the sink is full"), "{error:?}");
    }
    Ok(())
}
