//! Pipelines, formats: each irregularity of CSV and lines has its stated answer.

use crate::kit::prelude::*;
use crate::kit::{Raw, Sample, collect_rows, rows, sample};

/// Returns the rows read, and line, byte and reason of the rejected ones; the same for every chunk size and
/// worker count. A pipeline that stops at the first error stops at the first of these.
async fn read<R: Runtime>(
    rt: &R,
    text: impl Into<Vec<u8>>,
    strict: bool,
) -> Result<(Vec<Raw>, Vec<(u64, u64, String)>), Failure> {
    let text = text.into();
    let mut answer = None;
    for settings in [Sample { chunk: 1.rows(), workers: 1 }, sample(), Sample { chunk: 1.kib(), workers: 3 }]
    {
        let input = text.clone();
        let (rows, summary) = collect_rows::<Raw, _, _>(rt, settings.workers, move |sources| {
            let source = sources.of_bytes(input).with_headers(false).with_max_record(64);
            if strict { source } else { source.flexible() }.into_chunks(settings.chunk);
        })
        .await?;
        ensure!(summary.read() == summary.handled() + summary.rejected());
        ensure!(summary.handled() == rows.len() as u64);
        let bad = summary.errors().iter().map(|error| {
            let found_at = error.position();
            (found_at.line().unwrap_or(0), found_at.byte().unwrap_or(0), error.reason())
        });
        let found: (Vec<Raw>, Vec<(u64, u64, String)>) =
            (rows.into_iter().map(|(_, row)| row).collect(), bad.collect());
        ensure!(answer.get_or_insert_with(|| found.clone()) == &found, "it depends on how it is cut");
        let input = text.clone();
        let stopped = AsyncTask::emits::<Raw>()
            .on(rt)
            .workers(settings.workers)
            .sender(move |sources| {
                let source = sources.of_bytes(input).with_headers(false).with_max_record(64);
                if strict { source } else { source.flexible() }.into_chunks(settings.chunk);
            })
            .for_each(|_: Event<Raw>| {})
            .await;
        let first: Option<&(u64, u64, String)> = found.1.first();
        match (stopped, first) {
            (Ok(summary), None) => ensure!(summary.handled() == summary.read()),
            (Err(AsyncTaskError::Parse { position, reason, .. }), Some((line, byte, first_reason))) => {
                ensure!((position.line(), position.byte()) == (Some(*line), Some(*byte)), "{position}");
                // A record that is too long ends the pipeline before its full length is known.
                ensure!(first_reason.starts_with(&*reason), "{reason}");
            }
            (stopped, first) => bail!("stopped with {stopped:?}, where the first error is {first:?}"),
        }
    }
    answer.context("three ways were tried")
}

fn fields(rows: &[&[&str]]) -> Vec<Raw> {
    rows.iter().map(|row| row.iter().map(ToString::to_string).collect()).collect()
}

pub async fn line_ends_may_be_mixed<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a,1\nb,2\r\nc,3\rd,4\r\n", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "2"], &["c", "3"], &["d", "4"]]) && bad.is_empty());
    Ok(())
}

pub async fn blank_lines_are_no_rows_and_count_as_lines<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "\n\r\na,1\n\n\nb,2\n\nc\n\n", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "2"]]));
    ensure!(bad.len() == 1 && bad.iter().all(|(line, byte, _)| (*line, *byte) == (8, 14)), "{bad:?}");
    Ok(())
}

pub async fn a_byte_order_mark_is_no_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, _) = read(&rt, "\u{feff}a,1\nb,2\n", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "2"]]));
    let (rows, _) = read(&rt, "a,1\n\u{feff}b,2\n", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["\u{feff}b", "2"]]), "only at the start");
    Ok(())
}

pub async fn utf_16_is_a_clear_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Little-endian, and big-endian.
    for text in [&b"\xff\xfea\0,\0b\0\n\0"[..], &b"\xfe\xff\0a\0,\0b\0\n"[..]] {
        let error = failed(rows(&rt, sample(), text.to_vec()).await)?;
        ensure!(matches!(error, AsyncTaskError::Io { .. }), "{error:?}");
        ensure!(error.to_string().contains("UTF-16"), "{error}");
    }
    Ok(())
}

pub async fn an_empty_file_has_no_rows<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for text in ["", "\n", "\r\n\r\n", "\u{feff}"] {
        let (rows, bad) = read(&rt, text, true).await?;
        ensure!(rows.is_empty() && bad.is_empty(), "{text:?}");
        let with_header = move |sources: &mut crate::library::pipeline::Sources<Raw>| {
            sources.of_bytes(text).into_chunks(1.rows());
        };
        let (_, summary) = collect_rows(&rt, 1, with_header).await?;
        ensure!(summary.read() == 0);
    }
    Ok(())
}

pub async fn a_header_alone_has_no_rows<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for text in ["id,name", "id,name\n", "\n\nid,name\r\n\n"] {
        let (rows, summary) =
            collect_rows::<Raw, _, _>(&rt, 1, move |sources| sources.of_bytes(text).into_chunks(1.rows()))
                .await?;
        ensure!(rows.is_empty() && summary.read() == 0, "{text:?}");
    }
    Ok(())
}

pub async fn the_last_line_needs_no_end<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, _) = read(&rt, "a,1\nb,2", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "2"]]));
    let (rows, _) = read(&rt, "a,1\nb,\"2\"", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "2"]]));
    let (rows, _) = read(&rt, "a,1\nb,", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", ""]]));
    Ok(())
}

pub async fn short_and_long_rows_are_rejected_with_their_widths<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a,1\nshort\nb,2\nlong,1,2\nc,3\n", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "2"], &["c", "3"]]));
    let due =
        [(2, 4, "expected 2 fields, found 1".to_owned()), (4, 14, "expected 2 fields, found 3".to_owned())];
    ensure!(bad == due, "{bad:?}");
    Ok(())
}

pub async fn flexible_takes_rows_of_any_width<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a,1\nshort\nlong,1,2\n", false).await?;
    ensure!(rows == fields(&[&["a", "1"], &["short"], &["long", "1", "2"]]) && bad.is_empty());
    Ok(())
}

pub async fn a_row_that_is_not_utf_8_is_rejected_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, &b"a,1\nb\xff,2\nc,3\n"[..], true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["c", "3"]]));
    let (line, byte, reason) = bad.first().context("one is rejected")?;
    ensure!((bad.len(), *line, *byte) == (1, 2, 4));
    ensure!(reason.contains("UTF-8"), "{reason}");
    Ok(())
}

pub async fn an_open_quote_is_reported_with_the_line_where_it_opened<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a,1\nb,\"x\ny\"\nc,\"open\nand\nso on\n", true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "x\ny"]]), "{rows:?}");
    let (line, _, reason) = bad.first().context("one is rejected")?;
    ensure!((bad.len(), *line) == (1, 4), "{bad:?}");
    ensure!(reason.contains("line 4") && reason.contains("never closed"), "{reason}");
    Ok(())
}

pub async fn a_record_over_the_limit_is_passed_over<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let long = "x".repeat(65);
    let (rows, bad) = read(&rt, format!("a,1\n{long},2\nb,3\n"), true).await?;
    ensure!(rows == fields(&[&["a", "1"], &["b", "3"]]));
    let (line, byte, reason) = bad.first().context("one is rejected")?;
    ensure!((bad.len(), *line, *byte) == (1, 2, 4));
    ensure!(reason.contains("64"), "{reason}");
    // A record of exactly the limit is within it.
    let (rows, bad) = read(&rt, format!("{}\n", "x".repeat(64)), true).await?;
    ensure!(rows.len() == 1 && bad.is_empty());
    Ok(())
}

pub async fn an_open_quote_cannot_take_the_memory<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = format!("a,1\nb,\"{}", "x\n".repeat(200_000));
    let (rows, bad) = read(&rt, text, true).await?;
    ensure!(rows == fields(&[&["a", "1"]]));
    ensure!(bad.len() == 1 && bad.iter().all(|(line, _, _)| *line == 2), "{bad:?}");
    Ok(())
}

pub async fn newlines_in_quotes_keep_later_lines_right<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a,\"1\n2\n3\"\nbad\n\"b\r\nb\",\"\n\"\nworse\n", true).await?;
    ensure!(rows == fields(&[&["a", "1\n2\n3"], &["b\r\nb", "\n"]]));
    let lines: Vec<_> = bad.iter().map(|(line, byte, _)| (*line, *byte)).collect();
    ensure!(lines == [(4, 10), (8, 25)], "{lines:?}");
    Ok(())
}

pub async fn quotes_and_nul_inside_a_field_are_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, bad) = read(&rt, "a\"b,1\"\n\"c\"\"d\",e\0\n\"f\"g,2\n", true).await?;
    ensure!(rows == fields(&[&["a\"b", "1\""], &["c\"d", "e\0"], &["fg", "2"]]), "{rows:?}");
    ensure!(bad.is_empty());
    Ok(())
}

pub async fn a_name_that_two_columns_have_is_kept_as_it_stands<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "id,name,id\n1,a,2\n";
    // A map keeps the last value; for a struct with that field the choice is ambiguous.
    let (maps, _) =
        collect_rows::<std::collections::BTreeMap<String, String>, _, _>(&rt, 1, move |sources| {
            sources.of_bytes(text).into_chunks(1.rows());
        })
        .await?;
    ensure!(maps.iter().all(|(_, map)| map.get("id").is_some_and(|id| id == "2")) && maps.len() == 1);
    let (people, summary) = collect_rows::<crate::kit::Person, _, _>(&rt, 1, move |sources| {
        sources.of_bytes(text).into_chunks(1.rows());
    })
    .await?;
    let error = summary.errors().first().context("it is refused")?;
    ensure!(people.is_empty() && error.reason().contains("duplicate field `id`"), "{}", error.reason());
    // Columns that are not wanted may have the same name.
    let (people, _) = collect_rows::<crate::kit::Person, _, _>(&rt, 1, |sources| {
        sources.of_bytes("id,,name,\n1,x,Ada,y\n").into_chunks(1.rows());
    })
    .await?;
    ensure!(people.len() == 1);
    Ok(())
}

pub async fn faulty_lines_are_reported_as_faulty_rows_are<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut text = b"ok\nbad\xff\n".to_vec();
    text.extend("y".repeat(100).into_bytes());
    text.extend(b"\r\nlast");
    let (lines, summary) = collect_rows::<String, _, _>(&rt, 2, move |sources| {
        sources.of_bytes(text).lines().with_max_record(64).into_chunks(1.lines());
    })
    .await?;
    ensure!(lines.into_iter().map(|(_, line)| line).eq(["ok", "last"]));
    let positions: Vec<_> = summary.errors().iter().map(|e| (e.position().line(), e.sequence())).collect();
    ensure!(positions == [(Some(2), 1), (Some(3), 2)], "{positions:?}");
    Ok(())
}
