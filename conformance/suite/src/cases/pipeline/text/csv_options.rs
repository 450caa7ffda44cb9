//! Pipelines, formats: escape, doubled quotes, the end of a row and white space are read as the source says.

use crate::library::pipeline::{Csv, Terminator, TextSource, Trim};

use crate::kit::prelude::*;
use crate::kit::published::bounded;
use crate::kit::{Person, Raw, collect_rows};

type Source<'a> = TextSource<'a, Raw, Csv>;

/// Returns the rows of `text` with these settings, the same for every chunk size; there is no header.
async fn read<R: Runtime>(
    rt: &R,
    text: &'static str,
    set: fn(Source<'_>) -> Source<'_>,
) -> Result<Vec<Raw>, Failure> {
    let mut answer = None;
    for chunk in [1.rows(), 2.rows(), 1.kib()] {
        let (rows, summary) = collect_rows::<Raw, _, _>(rt, 2, move |sources| {
            set(sources.of_bytes(text).with_headers(false).flexible()).into_chunks(chunk);
        })
        .await?;
        ensure!(summary.rejected() == 0, "{:?}", summary.errors());
        let found: Vec<Raw> = rows.into_iter().map(|(_, row)| row).collect();
        ensure!(answer.get_or_insert_with(|| found.clone()) == &found, "it depends on the chunks");
    }
    answer.context("three ways were tried")
}

pub async fn an_escape_makes_the_next_character_text<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "\"a\\\"b\",c\\\"\n\"\\\\\",\"\\\u{e9}\\\n\"\"\"\n";
    let rows = read(&rt, text, |source| source.with_escape('\\')).await?;
    ensure!(rows == [["a\"b", "c\\\""], ["\\", "\u{e9}\n\""]], "{rows:?}");
    let rows = read(&rt, "\"a\\\",b\n", |source| source).await?;
    ensure!(rows == [["a\\", "b"]], "none by default: {rows:?}");
    Ok(())
}

pub async fn a_quote_that_is_not_doubled_closes_its_field<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows = read(&rt, "\"a\"\"b\",c\n\"\"\"\n", |source| source.with_double_quote(false)).await?;
    ensure!(rows == [vec!["a\"b\"", "c"], vec!["\""]], "{rows:?}");
    let rows =
        read(&rt, "\"a\\\"\"\",b\n", |source| source.with_double_quote(false).with_escape('\\')).await?;
    ensure!(rows == [["a\"\"", "b"]], "{rows:?}");
    Ok(())
}

pub async fn rows_may_end_with_a_character_of_their_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows =
        read(&rt, "a,b\n;;\"c;\",d;e", |source| source.with_terminator(Terminator::Custom(';'))).await?;
    ensure!(rows == [vec!["a", "b\n"], vec!["c;", "d"], vec!["e"]], "{rows:?}");
    let rows = read(&rt, "a\r\n\nb\r", |source| source.with_terminator(Terminator::Custom('\n'))).await?;
    ensure!(rows == [["a\r"], ["b\r"]], "{rows:?}");
    let rows = read(&rt, "a\u{1f}b\u{1e}c\u{1f}d\u{1e}", |source| {
        source.with_delimiter(Delimiter::Custom('\u{1f}')).with_terminator(Terminator::Custom('\u{1e}'))
    })
    .await?;
    ensure!(rows == [["a", "b"], ["c", "d"]], "{rows:?}");
    Ok(())
}

pub async fn lines_are_counted_whatever_ends_a_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "id,name;1,\"a\nb\";\n2,c\nd;\nx,e;";
    let (rows, summary) = collect_rows::<Person, _, _>(&rt, 1, move |sources| {
        sources
            .of_bytes(text)
            .with_terminator(Terminator::Custom(';'))
            .with_trim(Trim::Fields)
            .into_chunks(1.kib());
    })
    .await?;
    let names: Vec<&str> = rows.iter().map(|(_, person)| &*person.name).collect();
    ensure!(names == ["a\nb", "c\nd"], "{names:?}");
    let error = summary.errors().first().context("x is no id")?;
    // The row begins with the LF before it, as the rows before do.
    ensure!((error.position().line(), error.position().byte()) == (Some(4), Some(23)), "{error}");
    Ok(())
}

pub async fn white_space_is_trimmed_where_it_is_to_be<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (trim, columns, fields) in [
        (Trim::None, [" a", "b\t"], [" 1 ", " 2 ", "3"]),
        (Trim::Headers, ["a", "b"], [" 1 ", " 2 ", "3"]),
        (Trim::Fields, [" a", "b\t"], ["1", "2", "3"]),
        (Trim::All, ["a", "b"], ["1", "2", "3"]),
    ] {
        let (rows, summary) = collect_rows::<crate::library::pipeline::Row, _, _>(&rt, 1, move |sources| {
            sources.of_bytes(" a,b\t\n 1 ,\" 2 \",3\n").flexible().with_trim(trim).into_chunks(1.rows());
        })
        .await?;
        ensure!(summary.rejected() == 0, "{:?}", summary.errors());
        let (_, row) = rows.first().context("one row")?;
        let names: Vec<&str> = row.names().context("a header")?.collect();
        let found: Vec<&[u8]> = row.iter().collect();
        ensure!(names == columns, "{trim:?}: {names:?}");
        ensure!(found == fields.map(str::as_bytes), "{trim:?}: {row:?}");
    }
    let rows = read(&rt, "\u{e9} , \u{e9},  ,\n", |source| source.with_trim(Trim::All)).await?;
    ensure!(rows == [["\u{e9}", "\u{e9}", "", ""]], "{rows:?}");
    Ok(())
}

pub async fn all_options_go_through_a_queue<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let queue = bounded(10);
    AsyncTask::emits::<Raw>()
        .on(&rt)
        // Of several workers, the one with the second row may publish first.
        .workers(1)
        .sender(|sources| {
            sources
                .of_bytes("#x\n'a\\'', b |'c''|")
                .with_names(["one", "two"])
                .flexible()
                .with_quote(Some('\''))
                .with_escape('\\')
                .with_double_quote(false)
                .with_comment('#')
                .with_terminator(Terminator::Custom('|'))
                .with_trim(Trim::Fields)
                .into_chunks(1.rows());
        })
        .publish(&queue, "options")
        .await?;
    queue.close();
    let (rows, _) = collect_rows::<crate::library::pipeline::Row, _, _>(&rt, 1, move |sources| {
        sources.of_queue(&queue).csv()
    })
    .await?;
    let found: Vec<Vec<&[u8]>> = rows.iter().map(|(_, row)| row.iter().collect()).collect();
    ensure!(found == [vec![&b"a'"[..], b"b"], vec![&b"c'"[..]]], "{rows:?}");
    let (_, first) = rows.first().context("two rows")?;
    ensure!(first.text("two")? == "b", "{first:?}");
    Ok(())
}

pub async fn options_that_contradict_each_other_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    type Change = fn(Source<'_>) -> Source<'_>;
    let tried: [(Change, &str); 12] = [
        (|source| source.with_escape('é'), "with_escape"),
        (|source| source.with_escape('\n'), "with_escape"),
        (|source| source.with_escape('"'), "with_quote"),
        (|source| source.with_escape(','), "with_delimiter"),
        (|source| source.with_terminator(Terminator::Custom('é')), "with_terminator"),
        (|source| source.with_terminator(Terminator::Custom(',')), "with_delimiter"),
        (|source| source.with_terminator(Terminator::Custom('"')), "with_quote"),
        (|source| source.with_comment(';').with_terminator(Terminator::Custom(';')), "with_comment"),
        (|source| source.with_terminator(Terminator::Custom(';')).resync(), "with_terminator"),
        (
            |source| source.with_terminator(Terminator::Custom(';')).with_max_record_lines(2),
            "with_terminator",
        ),
        (|source| source.with_quote(None).with_escape('\\'), "with_quote(None)"),
        (|source| source.with_quote(None).with_double_quote(false), "with_quote(None)"),
    ];
    for (set, named) in tried {
        let run = collect_rows::<Raw, _, _>(&rt, 1, move |sources| {
            set(sources.of_bytes("a\n").csv()).into_chunks(1.rows());
        });
        match failed(run.await)? {
            AsyncTaskError::InvalidConfig(reason) => ensure!(reason.contains(named), "{reason}"),
            other => bail!("not a refused setting: {other:?}"),
        }
    }
    Ok(())
}
