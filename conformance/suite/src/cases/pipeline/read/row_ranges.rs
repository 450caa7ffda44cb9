//! Pipelines, sources: rows at the start are passed over, and reading ends with the last row that is wanted.

use crate::library::pipeline::{Lines, TextSource};

use crate::kit::prelude::*;
use crate::kit::script::Step::Fails;
use crate::kit::script::{ReaderKind, Script, gives};
use crate::kit::{Person, collect_rows};

type Source<'a> = TextSource<'a, u64, Lines>;

/// Reads the text as numbers, with these settings, in chunks of several sizes. Returns the numbers, and the
/// counts of read and rejected rows.
async fn read<R: Runtime>(
    rt: &R,
    text: &'static str,
    set: fn(Source<'_>) -> Source<'_>,
) -> Result<(Vec<u64>, u64, u64), Failure> {
    let mut answer = None;
    for chunk in [1.rows(), 2.rows(), 100.rows(), 5.bytes()] {
        let (rows, summary) = collect_rows::<u64, _, _>(rt, 2, move |sources| {
            set(sources.of_bytes(text).lines()).into_chunks(chunk);
        })
        .await?;
        ensure!(summary.read() == summary.handled() + summary.rejected() + summary.dropped(), "{summary:?}");
        let numbers = rows.into_iter().map(|(_, number)| number).collect();
        let found = (numbers, summary.read(), summary.rejected());
        ensure!(answer.get_or_insert_with(|| found.clone()) == &found, "{chunk:?}: {found:?}");
    }
    answer.context("four sizes were tried")
}

pub async fn rows_that_are_passed_over_are_not_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let found = read(&rt, "x\n1\n2\n3\n", |source| source.skip_rows(2)).await?;
    ensure!(found == (vec![2, 3], 2, 0), "{found:?}");
    let found = read(&rt, "1\n2\n", |source| source.skip_rows(5)).await?;
    ensure!(found == (vec![], 0, 0), "{found:?}");
    // A line that is too long to be cut is a row as well.
    let found = read(&rt, "123456789\n1\n2\n", |source| source.with_max_record(5).skip_rows(1)).await?;
    ensure!(found == (vec![1, 2], 2, 0), "{found:?}");
    Ok(())
}

pub async fn no_more_rows_are_read_than_are_wanted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let found = read(&rt, "1\n2\n3\n4\n", |source| source.skip_rows(1).max_rows(2)).await?;
    ensure!(found == (vec![2, 3], 2, 0), "{found:?}");
    let found = read(&rt, "1\nx\n3\n", |source| source.max_rows(2)).await?;
    ensure!(found == (vec![1], 2, 1), "a rejected row counts: {found:?}");
    let found = read(&rt, "1\n123456789\n3\n", |source| source.with_max_record(5).max_rows(2)).await?;
    ensure!(found == (vec![1], 2, 1), "{found:?}");
    let found = read(&rt, "1\n2", |source| source.max_rows(2)).await?;
    ensure!(found == (vec![1, 2], 2, 0), "{found:?}");
    Ok(())
}

pub async fn a_source_is_not_read_beyond_the_last_wanted_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in [ReaderKind::Blocking, ReaderKind::Polled] {
        let script = Script::new([gives("1\n2\n3\n"), Fails(std::io::ErrorKind::BrokenPipe)]);
        let (rows, summary) = collect_rows::<u64, _, _>(&rt, 1, move |sources| {
            let source = match kind {
                ReaderKind::Blocking => sources.of_reader(script),
                ReaderKind::Polled => sources.of_async_reader(script),
            };
            source.lines().max_rows(3).into_chunks(100.rows());
        })
        .await?;
        ensure!(rows.len() == 3 && summary.read() == 3, "{kind:?}: {rows:?}");
    }
    Ok(())
}

pub async fn each_file_has_a_range_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let paths = [folder.path().join("one.csv"), folder.path().join("two.csv")];
    for (path, name) in paths.iter().zip(["Ada", "Bob"]) {
        std::fs::write(path, format!("id,name\n0,no\n1,{name}\n2,{name}\n3,no\n"))?;
    }
    let (rows, _) = collect_rows::<Person, _, _>(&rt, 2, move |sources| {
        sources.of_files(paths).skip_rows(1).max_rows(2).into_chunks(1.rows());
    })
    .await?;
    let found: Vec<(u64, u64, &str)> =
        rows.iter().map(|(sequence, Person { id, name })| (*sequence, *id, &**name)).collect();
    ensure!(found == [(0, 1, "Ada"), (1, 2, "Ada"), (2, 1, "Bob"), (3, 2, "Bob")], "{found:?}");
    Ok(())
}

pub async fn positions_are_those_of_the_whole_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (_, summary) = collect_rows::<u64, _, _>(&rt, 1, |sources| {
        sources.of_bytes("10\n20\nx\n").lines().skip_rows(2).into_chunks(1.rows());
    })
    .await?;
    let error = summary.errors().first().context("x is no number")?;
    let found = (error.sequence(), error.position().line(), error.position().byte());
    ensure!(found == (0, Some(3), Some(6)), "{found:?}");
    Ok(())
}

pub async fn limits_of_zero_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    type Change = fn(Source<'_>) -> Source<'_>;
    let tried: [(Change, &str); 2] =
        [(|source| source.max_rows(0), "max_rows"), (|source| source.with_max_chunk(0), "with_max_chunk")];
    for (set, named) in tried {
        let run = collect_rows::<u64, _, _>(&rt, 1, move |sources| {
            set(sources.of_bytes("1\n").lines()).into_chunks(1.rows());
        });
        match failed(run.await)? {
            AsyncTaskError::InvalidConfig(reason) => ensure!(reason.contains(named), "{reason}"),
            other => bail!("not a refused setting: {other:?}"),
        }
    }
    Ok(())
}
