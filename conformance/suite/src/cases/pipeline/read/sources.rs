//! Pipelines, sources: every kind of source gives its rows, and chunks and workers do not change them.

use std::io::Write as _;

use crate::library::pipeline::{ItemSource, Pulled, Sources};
use futures_lite::Stream;

use crate::kit::prelude::*;
use crate::kit::{Person, Raw, Sample, collect_rows, rows, sample};

const PEOPLE: &str = "id,name\n1,\"Ada, Countess\"\n2,\"two\nlines\"\n3,\"a \"\"quote\"\"\"\n";

fn people() -> Vec<Person> {
    let names = [(1, "Ada, Countess"), (2, "two\nlines"), (3, "a \"quote\"")];
    names.into_iter().map(|(id, name)| Person { id, name: name.into() }).collect()
}

fn values<T>(rows: Vec<(u64, T)>) -> Vec<T> {
    rows.into_iter().map(|(_, value)| value).collect()
}

pub async fn items_of_an_iterator<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) =
        collect_rows(&rt, 2, |sources| sources.of(0..1_000u64).into_chunks(7.items())).await?;
    ensure!(rows.iter().all(|(sequence, item)| sequence == item) && rows.len() == 1_000);
    ensure!((summary.read(), summary.handled(), summary.rejected()) == (1_000, 1_000, 0));
    ensure!(summary.bytes() == 0);
    Ok(())
}

pub async fn items_of_a_stream<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let stream = futures_lite::stream::unfold(0u64, |n| async move {
        yield_now().await;
        (n < 500).then_some((n, n + 1))
    });
    let (rows, _) =
        collect_rows(&rt, 2, |sources| sources.of_stream(stream).into_chunks(100.items())).await?;
    ensure!(values(rows).into_iter().eq(0..500));
    Ok(())
}

pub async fn a_stream_that_pauses_keeps_nothing_back<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The second item comes only once the first, of a chunk of a hundred, has been handled.
    let (sender, handled) = async_channel::unbounded::<u64>();
    let stream = futures_lite::stream::unfold((0u64, handled), |(n, handled)| async move {
        if n > 0 {
            handled.recv().await.ok()?;
        }
        (n < 20).then_some((n, (n + 1, handled)))
    });
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of_stream(stream).into_chunks(100.items()))
        .for_each(move |event: Event<u64>| {
            let _ = sender.try_send(event.take_data());
        })
        .await?;
    ensure!(summary.handled() == 20);
    Ok(())
}

pub async fn typed_rows_of_bytes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) =
        collect_rows::<Person, _, _>(&rt, 2, move |sources| sources.of_bytes(PEOPLE).into_chunks(1.rows()))
            .await?;
    ensure!(values(rows) == people());
    ensure!(summary.bytes() == PEOPLE.len() as u64);
    Ok(())
}

pub async fn typed_rows_of_a_file<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(PEOPLE.as_bytes())?;
    let path = file.path().to_owned();
    let name = path.display().to_string();
    let (rows, summary) =
        collect_rows::<Person, _, _>(&rt, 2, move |sources| sources.of_file(path).into_chunks(100.rows()))
            .await?;
    ensure!(values(rows) == people());
    ensure!(summary.sources().iter().map(|source| &**source).eq([name.as_str()]));
    Ok(())
}

pub async fn columns_are_found_by_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "extra,name,id\nx,Ada,1\ny,Grace,2\n";
    let (rows, _) =
        collect_rows::<Person, _, _>(&rt, 1, move |sources| sources.of_bytes(text).into_chunks(1.rows()))
            .await?;
    let ids: Vec<_> = values(rows).into_iter().map(|person| (person.id, person.name)).collect();
    ensure!(ids == [(1, "Ada".to_owned()), (2, "Grace".to_owned())]);
    Ok(())
}

pub async fn lines_are_parsed_by_from_str<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "1\n22\r\n\n x\n\"5\n6";
    let (lines, summary) = collect_rows::<String, _, _>(&rt, 2, move |sources| {
        sources.of_bytes(text).lines().into_chunks(2.lines());
    })
    .await?;
    ensure!(values(lines) == ["1", "22", "", " x", "\"5", "6"], "blank lines are rows, quotes are text");
    ensure!(summary.read() == 6);
    let (numbers, summary) = collect_rows::<u32, _, _>(&rt, 2, move |sources| {
        sources.of_bytes(text).lines().into_chunks(1.lines());
    })
    .await?;
    ensure!(values(numbers) == [1, 22, 6]);
    let lines: Vec<_> = summary.errors().iter().map(|error| error.position().line()).collect();
    ensure!(lines == [Some(3), Some(4), Some(5)]);
    Ok(())
}

pub async fn several_sources_are_read_in_their_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let positions = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = positions.clone();
    let summary = AsyncTask::emits::<u32>()
        .on(&rt)
        .workers(3)
        .ordered()
        .sender(|sources| {
            sources.of([10, 11]).into_chunks(1.items());
            sources.of_bytes("12\n13\n").lines().into_chunks(1.lines());
            sources.of_stream(futures_lite::stream::iter([14])).into_chunks(1.items());
            sources.of_bytes("15").lines().into_chunks(1.kib());
        })
        .for_each(move |event: Event<u32>| {
            let entry = (event.sequence(), event.position().source(), event.position().line(), *event.data());
            if let Ok(mut seen) = seen.lock() {
                seen.push(entry);
            }
        })
        .await?;
    let positions = positions.lock().map_err(|_| Failure::msg("poisoned"))?.clone();
    let due = [
        (0, 0, None, 10),
        (1, 0, None, 11),
        (2, 1, Some(1), 12),
        (3, 1, Some(2), 13),
        (4, 2, None, 14),
        (5, 3, Some(1), 15),
    ];
    ensure!(positions == due, "{positions:?}");
    ensure!(summary.sources().len() == 4);
    Ok(())
}

pub async fn files_are_read_one_after_the_other_each_with_its_header<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let folder = tempfile::tempdir()?;
    let texts =
        ["id,name\n1,Ada\n2,Grace\n", "id,name\n", "", "name,id\nBarbara,3\nbad\n", "id,name\n4,Frances"];
    let mut paths = Vec::new();
    for (index, text) in texts.into_iter().enumerate() {
        let path = folder.path().join(format!("{index}.csv"));
        std::fs::write(&path, text)?;
        paths.push(path);
    }
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    let (rows, summary) = collect_rows::<Person, _, _>(&rt, 2, move |sources| {
        sources.of_files(paths).into_chunks(1.rows());
    })
    .await?;
    let found: Vec<_> = rows.iter().map(|(sequence, person)| (*sequence, person.id, &*person.name)).collect();
    ensure!(found == [(0, 1, "Ada"), (1, 2, "Grace"), (2, 3, "Barbara"), (4, 4, "Frances")], "{found:?}");
    ensure!(summary.sources().iter().map(|source| &**source).eq(names.iter().map(String::as_str)));
    let error = summary.errors().first().context("one row is bad")?;
    ensure!(error.source_name().ends_with("3.csv"), "{error}");
    ensure!((error.position().source(), error.position().line()) == (3, Some(3)));
    ensure!(summary.bytes() == texts.iter().map(|text| text.len() as u64).sum::<u64>());
    Ok(())
}

pub async fn a_source_has_the_name_that_it_was_given<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (_, summary) = collect_rows::<u64, _, _>(&rt, 1, |sources| {
        sources.of_bytes("1\nx").name("the upload").lines().into_chunks(1.lines());
        sources.of_bytes("2").lines().into_chunks(1.lines());
    })
    .await?;
    ensure!(summary.sources().iter().map(|source| &**source).eq(["the upload", "bytes"]));
    let error = summary.errors().first().context("one row is bad")?;
    ensure!(error.to_string().starts_with("the upload, line 2"), "{error}");
    Ok(())
}

pub async fn chunks_and_workers_change_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut text = String::new();
    for n in 0..300 {
        let end = if n % 7 == 0 { "\r\n" } else { "\n" };
        text.push_str(&format!("{n},\"quoted, {n}\nsecond line \"\"{n}\"\"\",plain{end}"));
        if n % 11 == 0 {
            text.push('\n');
        }
    }
    let (expected, _) = rows(&rt, Sample { chunk: 1_000_000.rows(), workers: 1 }, text.as_str()).await?;
    ensure!(expected.len() == 300);
    for workers in 1..=4 {
        for chunk in [1.rows(), 7.rows(), 100.rows(), 1.bytes(), 64.bytes(), 1.kib(), 1.mib()] {
            let (found, summary) = rows(&rt, Sample { chunk, workers }, text.as_str()).await?;
            ensure!(found == expected, "{chunk:?}, {workers} workers");
            ensure!(summary.bytes() == text.len() as u64);
        }
    }
    Ok(())
}

pub async fn delimiters_set_the_field_separator<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let cases = [
        (Delimiter::Comma, "a,b\t;c\n"),
        (Delimiter::NewLine, "a,b\t;c\n"),
        (Delimiter::Tab, "a\tb\t;c\n"),
        (Delimiter::Custom(';'), "a;b\t;c\n"),
        (Delimiter::Custom('|'), "a|b\t;c\n"),
    ];
    for (delimiter, text) in cases {
        let (rows, _) = collect_rows::<Raw, _, _>(&rt, 1, move |sources| {
            sources.of_bytes(text).with_delimiter(delimiter).with_headers(false).into_chunks(1.rows());
        })
        .await?;
        let first = values(rows).into_iter().next().context("one row")?;
        let due: &[&str] = match delimiter {
            Delimiter::Comma | Delimiter::NewLine => &["a", "b\t;c"],
            Delimiter::Tab => &["a", "b", ";c"],
            Delimiter::Custom('|') => &["a", "b\t;c"],
            Delimiter::Custom(_) => &["a", "b\t", "c"],
        };
        ensure!(first == due, "{delimiter:?}: {first:?}");
    }
    Ok(())
}

pub async fn without_headers_fields_are_taken_in_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, _) = collect_rows::<(u32, String), _, _>(&rt, 1, |sources| {
        sources.of_bytes("1,a\n2,b\n").with_headers(false).into_chunks(1.rows());
    })
    .await?;
    ensure!(values(rows) == [(1, "a".to_owned()), (2, "b".to_owned())]);
    let (rows, summary) = rows_of_header_only(&rt).await?;
    ensure!(rows == 0 && summary.bytes() > 0);
    Ok(())
}

async fn rows_of_header_only<R: Runtime>(rt: &R) -> Result<(usize, FinalEvent), AsyncTaskError> {
    let (rows, summary) = collect_rows::<Person, _, _>(rt, sample().workers, |sources| {
        sources.of_bytes("id,name\n").into_chunks(1.rows());
    })
    .await?;
    Ok((rows.len(), summary))
}

/// A source of a stream, which is not added yet.
fn named<St>(sources: &mut Sources<u64>, stream: St) -> ItemSource<'_, u64, Pulled<St>>
where
    St: Stream<Item = u64> + Send + 'static,
{
    sources.of_stream(stream)
}

/// Adds a source of a stream, with `rows` items to a chunk.
fn add<St>(source: ItemSource<'_, u64, Pulled<St>>, rows: usize)
where
    St: Stream<Item = u64> + Send + 'static,
{
    source.into_chunks(rows.items());
}

pub async fn functions_may_name_the_source_of_a_stream<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = collect_rows::<u64, _, _>(&rt, 2, |sources| {
        add(named(sources, futures_lite::stream::iter(0..50)), 7);
        add(named(sources, futures_lite::stream::once(50)), 1);
    })
    .await?;
    ensure!(values(rows).into_iter().eq(0..51));
    ensure!((summary.read(), summary.handled()) == (51, 51), "{summary:?}");
    Ok(())
}
