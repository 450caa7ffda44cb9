//! Pipelines, formats: a stray quote is reported with its extent, and can be resynced at the next line.

use crate::library::pipeline::{Csv, TextSource};

use crate::kit::prelude::*;
use crate::kit::published::bounded;
use crate::kit::{Raw, Sample, collect_rows, sample};

type Source<'a> = TextSource<'a, Raw, Csv>;

type Change = fn(Source<'_>) -> Source<'_>;

/// Line, byte and reason of a rejected row.
type Bad = (u64, u64, String);

fn rejected(summary: &FinalEvent) -> Vec<Bad> {
    let bad = summary.errors().iter().map(|error| {
        let position = error.position();
        (position.line().unwrap_or(0), position.byte().unwrap_or(0), error.reason())
    });
    bad.collect()
}

/// Returns rows of any width and the rejected rows. They are the same for every chunk size and worker count,
/// in memory, through a reader that gives a byte at a time, and through a queue. A pipeline that stops at the
/// first error stops at the first of these; its reason may be the beginning of the full one.
async fn read<R: Runtime>(
    rt: &R,
    text: impl Into<String>,
    set: Change,
) -> Result<(Vec<Raw>, Vec<Bad>), Failure> {
    let text = text.into();
    let mut answer = None;
    for settings in [Sample { chunk: 1.rows(), workers: 1 }, sample(), Sample { chunk: 1.kib(), workers: 3 }]
    {
        let input = text.clone();
        let (rows, summary) = collect_rows::<Raw, _, _>(rt, settings.workers, move |sources| {
            set(sources.of_bytes(input).with_headers(false).flexible()).into_chunks(settings.chunk);
        })
        .await?;
        ensure!(summary.read() == summary.handled() + summary.rejected());
        let found = (rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), rejected(&summary));
        ensure!(answer.get_or_insert_with(|| found.clone()) == &found, "it depends on how it is cut");
        let input = text.clone();
        let (rows, summary) = collect_rows::<Raw, _, _>(rt, settings.workers, move |sources| {
            set(sources.of_reader(ByByte(input.into_bytes().into_iter())).with_headers(false).flexible())
                .into_chunks(settings.chunk);
        })
        .await?;
        let by_byte = (rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), rejected(&summary));
        ensure!(by_byte == found, "it depends on how it is read: {by_byte:?} and {found:?}");
        let input = text.clone();
        let queue = bounded(1_000);
        let published = AsyncTask::emits::<Raw>()
            .on(rt)
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(move |sources| {
                set(sources.of_bytes(input).with_headers(false).flexible()).into_chunks(settings.chunk)
            })
            .publish(&queue, "quotes")
            .await?;
        queue.close();
        ensure!(rejected(&published) == found.1, "{:?}", published.errors());
        let (rows, summary) =
            collect_rows::<Raw, _, _>(rt, settings.workers, move |sources| sources.of_queue(&queue).csv())
                .await?;
        let mut rows: Vec<_> = rows.into_iter().map(|(_, row)| row).collect();
        let mut due = found.0.clone();
        rows.sort();
        due.sort();
        ensure!(rows == due && summary.rejected() == 0, "{rows:?} through a queue, {due:?} here");
        let input = text.clone();
        let stopped = AsyncTask::emits::<Raw>()
            .on(rt)
            .sender(move |sources| {
                set(sources.of_bytes(input).with_headers(false).flexible()).into_chunks(settings.chunk)
            })
            .for_each(|_: Event<Raw>| {})
            .await;
        match (stopped, found.1.first()) {
            (Ok(_), None) => {}
            (Err(AsyncTaskError::Parse { position, reason, .. }), Some((line, byte, expected))) => {
                ensure!((position.line(), position.byte()) == (Some(*line), Some(*byte)), "{position}");
                ensure!(expected.starts_with(&*reason), "{reason} and {expected}");
            }
            (stopped, first) => bail!("stopped with {stopped:?}, where the first error is {first:?}"),
        }
    }
    answer.context("three ways were tried")
}

/// A reader that gives one byte at a time.
struct ByByte(std::vec::IntoIter<u8>);

impl std::io::Read for ByByte {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        Ok(into.iter_mut().take(1).zip(&mut self.0).map(|(to, byte)| *to = byte).count())
    }
}

fn fields(rows: &[&[&str]]) -> Vec<Raw> {
    rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

/// Ten rows, the second of which opens a quote. The row on line 9 has a field in quotes.
const STRAY: &str = "0,a\n1,\"b\n2,c\n3,d\n4,e\n5,f\n6,g\n7,h\n8,\"i\",i\n9,j\n";

pub async fn an_open_quote_reports_its_extent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a,1\nc,\"open\nand\nso on\n", |source| source).await?;
    ensure!(rows == fields(&[&["a", "1"]]), "{rows:?}");
    let expected = "the quote opened on line 2 is never closed: close it, or double it where it is text; \
                it took 18 bytes on 3 lines";
    ensure!(bad == [(2, 6, expected.to_owned())], "{bad:?}");
    Ok(())
}

pub async fn a_record_over_the_limit_reports_its_extent<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = format!("a,1\nb,\"{}\nc,2\n", "0123456789\n".repeat(50));
    let (rows, bad) = read(&rt, text, |source| source.with_max_record(64)).await?;
    ensure!(rows == fields(&[&["a", "1"]]));
    let expected = "a record is larger than the limit of 64 bytes (see with_max_record); a quote opened on line 2; \
                it took 558 bytes on 52 lines";
    ensure!(bad == [(2, 4, expected.to_owned())], "{bad:?}");
    // No line end is within the limit: no quote is the cause.
    let text = format!("a,1\nb,\"{}\"\nc,2\n", "x".repeat(100));
    let (rows, bad) = read(&rt, text, |source| source.with_max_record(64)).await?;
    ensure!(rows == fields(&[&["a", "1"], &["c", "2"]]));
    let expected =
        "a record is larger than the limit of 64 bytes (see with_max_record); it took 104 bytes on 1 line";
    ensure!(bad == [(2, 4, expected.to_owned())], "{bad:?}");
    Ok(())
}

pub async fn a_quote_that_another_closes_makes_one_row_unless_it_is_strict<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (rows, bad) = read(&rt, STRAY, |source| source).await?;
    ensure!(rows.len() == 3 && bad.is_empty(), "{rows:?} {bad:?}");
    let (rows, bad) = read(&rt, STRAY, |source| source.strict()).await?;
    ensure!(rows == fields(&[&["0", "a"], &["9", "j"]]), "{rows:?}");
    let expected = "text after the quote that closes a field: where that quote is text, double it; \
                a quote opened on line 2; it took 36 bytes on 8 lines";
    ensure!(bad == [(9, 36, expected.to_owned())], "{bad:?}");
    let (rows, bad) = read(&rt, STRAY, |source| source.strict().resync()).await?;
    ensure!(rows.len() == 9, "{rows:?}");
    let expected = "text after the quote that closes a field: where that quote is text, double it; \
                a quote opened on line 2; reading goes on at the next line";
    ensure!(bad == [(9, 36, expected.to_owned())], "{bad:?}");
    Ok(())
}

pub async fn strict_refuses_quotes_in_fields_and_text_after_quotes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text =
        "a\"b,1\n\"c\"\"d\",2\r\n\"e\"f,3\n\"g\",\"\"\r4,\"h\nh\"\n5\",6\n\"\"\"\",\" \"\n\"i\" ,7\n8,\"j\"";
    let (rows, bad) = read(&rt, text, |source| source).await?;
    ensure!(rows.len() == 9 && bad.is_empty(), "{bad:?}");
    let sets: [Change; 2] = [|source| source.strict(), |source| source.strict().resync()];
    for set in sets {
        let (rows, bad) = read(&rt, text, set).await?;
        let sound: [&[&str]; 5] = [&["c\"d", "2"], &["g", ""], &["4", "h\nh"], &["\"", " "], &["8", "j"]];
        ensure!(rows == fields(&sound), "{rows:?}");
        let positions: Vec<_> = bad.iter().map(|(line, byte, _)| (*line, *byte)).collect();
        ensure!(positions == [(1, 1), (3, 19), (6, 39), (8, 55)], "{positions:?}");
        let inside = |expected: &str| expected.starts_with("a quote inside a field that is not in quotes");
        ensure!(bad.iter().map(|(.., expected)| inside(expected)).eq([true, false, true, false]), "{bad:?}");
    }
    Ok(())
}

pub async fn resync_goes_on_at_the_next_line<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // To the end of the source.
    let (rows, bad) =
        read(&rt, "a,1\nb,\"x\ny\"\nc,\"open\nd,2\r\ne,\"f\"\n", |source| source.resync()).await?;
    // The quote of the last row closes the open one, and opens none itself.
    ensure!(rows.len() == 3 && bad.is_empty(), "{rows:?}");
    let (rows, bad) = read(&rt, "a,1\nc,\"open\nd,2\r\ne,3\n", |source| source.resync()).await?;
    ensure!(rows == fields(&[&["a", "1"], &["d", "2"], &["e", "3"]]), "{rows:?}");
    let expected = "the quote opened on line 2 is never closed: close it, or double it where it is text; \
                reading goes on at the next line";
    ensure!(bad == [(2, 6, expected.to_owned())], "{bad:?}");
    // To the limit of a record, each line anew.
    let text = format!("a,1\nb,\"c\n{}d,2\n", "x\",\"y\n".repeat(200));
    let (rows, bad) = read(&rt, text, |source| source.resync().with_max_record(64)).await?;
    ensure!(bad.len() + rows.len() == 203, "each line is one row: {} and {}", bad.len(), rows.len());
    ensure!(
        rows.first().is_some_and(|row| row == &["a", "1"])
            && rows.last().is_some_and(|row| row == &["d", "2"])
    );
    ensure!(bad.iter().zip(2..).all(|((line, ..), due)| *line == due), "{bad:?}");
    // Lines that end in CR are lines.
    let (rows, bad) = read(&rt, "a,1\rc,\"open\rd,2\r", |source| source.resync()).await?;
    ensure!(rows == fields(&[&["a", "1"], &["d", "2"]]) && bad.len() == 1, "{rows:?}");
    Ok(())
}

pub async fn a_record_over_the_line_limit_is_rejected<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "a,\"1\n2\n3\"\nb,\"1\n2\n3\n4\n5\"\nc,1\n";
    let (rows, bad) = read(&rt, text, |source| source.with_max_record_lines(3)).await?;
    ensure!(rows == fields(&[&["a", "1\n2\n3"], &["c", "1"]]), "{rows:?}");
    let expected = "a record has more than 3 lines (see with_max_record_lines); a quote opened on line 4; \
                it took 13 bytes on 5 lines";
    ensure!(bad == [(4, 10, expected.to_owned())], "{bad:?}");
    let (rows, bad) = read(&rt, text, |source| source.with_max_record_lines(3).resync()).await?;
    ensure!(rows.len() == 6 && bad.len() == 1, "{rows:?} {bad:?}");
    ensure!(rows.get(1).is_some_and(|row| row == &["2"]), "{rows:?}");
    // The limit on lines finds the stray quote, too.
    let (rows, bad) = read(&rt, STRAY, |source| source.with_max_record_lines(2).resync()).await?;
    ensure!(rows.len() == 9 && bad.iter().map(|(line, ..)| *line).eq([2]), "{rows:?} {bad:?}");
    Ok(())
}

pub async fn an_endless_record_ends_the_pipeline_with_its_first_error<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let run = AsyncTask::emits::<Raw>()
        .on(&rt)
        .with_timeout(30.seconds())
        .sender(|sources| {
            let endless = std::io::Read::chain(&b"a,\"open"[..], std::io::repeat(b'\n'));
            sources.of_reader(endless).with_headers(false).into_chunks(1.rows());
        })
        .for_each(|_: Event<Raw>| {});
    match failed(run.await)? {
        AsyncTaskError::Parse { reason, .. } => ensure!(reason.contains("with_max_record"), "{reason}"),
        other => bail!("{other:?}"),
    }
    Ok(())
}

pub async fn a_record_cut_short_by_a_failing_source_is_counted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    struct Fails;
    impl std::io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let summaries = crate::kit::count();
    let seen = summaries.clone();
    let run = AsyncTask::emits::<Raw>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .on_progress(move |progress| {
            seen.fetch_max(progress.rejected, std::sync::atomic::Ordering::SeqCst);
        })
        .sender(|sources| {
            let text = std::io::Cursor::new(format!("a,\"{}", "x\n".repeat(100)));
            let source = sources.of_reader(std::io::Read::chain(text, Fails)).with_max_record(64);
            source.with_headers(false).into_chunks(1.rows());
        })
        .for_each(|_: Event<Raw>| {});
    let error = failed(run.await)?;
    ensure!(matches!(error, AsyncTaskError::Io { .. }), "{error:?}");
    ensure!(summaries.load(std::sync::atomic::Ordering::SeqCst) == 1, "its row is counted");
    Ok(())
}

pub async fn settings_of_quotes_need_a_quote<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let tried: [(Change, &str); 4] = [
        (|source| source.strict().with_quote(None), "with_quote(None)"),
        (|source| source.with_quote(None).resync(), "with_quote(None)"),
        (|source| source.with_quote(None).with_max_record_lines(9), "with_quote(None)"),
        (|source| source.with_max_record_lines(0), "`with_max_record_lines` is 0"),
    ];
    for (set, expected) in tried {
        let run = collect_rows::<Raw, _, _>(&rt, 1, move |sources| {
            set(sources.of_bytes("a\n").csv()).into_chunks(1.rows());
        });
        match failed(run.await)? {
            AsyncTaskError::InvalidConfig(reason) => ensure!(reason.contains(expected), "{reason}"),
            other => bail!("not a refused setting: {other:?}"),
        }
    }
    Ok(())
}
