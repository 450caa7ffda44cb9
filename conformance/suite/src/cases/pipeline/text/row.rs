//! Pipelines, formats: a `Row` owns its fields, as bytes and as text, without a type of the user's.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::library::pipeline::{FieldError, FromRow, Row};
use serde::Deserialize;

use crate::kit::prelude::*;
use crate::kit::{Sample, collect_rows, sample};

const TEXT: &str = "id,name,note\n1,\"Ada, Countess\",\n2,\"two\nlines\",\"said \"\"no\"\"\"\n3,\"a\"b,x\n";

async fn rows_of<R: Runtime>(
    rt: &R,
    settings: Sample,
    text: &'static [u8],
    headers: bool,
) -> Result<(Vec<Row>, FinalEvent), AsyncTaskError> {
    let (rows, summary) = collect_rows::<Row, _, _>(rt, settings.workers, move |sources| {
        sources.of_bytes(text).with_headers(headers).into_chunks(settings.chunk);
    })
    .await?;
    Ok((rows.into_iter().map(|(_, row)| row).collect(), summary))
}

fn samples() -> [Sample; 3] {
    [Sample { chunk: 1.rows(), workers: 1 }, sample(), Sample { chunk: 1.mib(), workers: 3 }]
}

pub async fn fields_are_found_by_index_and_by_name<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for settings in samples() {
        let (rows, _) = rows_of(&rt, settings, TEXT.as_bytes(), true).await?;
        ensure!(rows.len() == 3 && rows.iter().all(|row| row.len() == 3 && !row.is_empty()));
        let second = rows.get(1).context("a second row")?;
        ensure!(second.get(0) == Some(&b"2"[..]) && second.get("id") == Some(&b"2"[..]));
        ensure!(second.text("name")? == "two\nlines" && second.text(2)? == "said \"no\"");
        ensure!(second.parse::<u64>("id")? == 2);
        ensure!(second.iter().eq([&b"2"[..], b"two\nlines", b"said \"no\""]));
        ensure!(second.names().context("there is a header")?.eq(["id", "name", "note"]));
        ensure!(second.get(3).is_none() && second.get("Name").is_none());
        let names: Vec<_> = rows.iter().flat_map(|row| row.text(1)).collect();
        ensure!(names == ["Ada, Countess", "two\nlines", "ab"]);
        ensure!(format!("{second:?}").contains("two"), "{second:?}");
    }
    Ok(())
}

pub async fn without_a_header_there_are_no_names<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, _) = rows_of(&rt, sample(), b"1,a\n2,b\n", false).await?;
    ensure!(rows.iter().all(|row| row.names().is_none() && row.get("id").is_none()));
    ensure!(rows.iter().flat_map(|row| row.parse::<u32>(0)).eq([1, 2]));
    Ok(())
}

pub async fn the_first_of_two_columns_of_one_name_is_found<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, _) = rows_of(&rt, sample(), b"id,id,x\n1,2,3\n", true).await?;
    let row = rows.first().context("one row")?;
    ensure!(row.text("id")? == "1" && row.text(1)? == "2");
    Ok(())
}

pub async fn rows_outlive_their_chunk_and_their_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Thousands of rows, so that tables are filled again while some of their rows are kept.
    let mut text = "id,name\n".to_owned();
    for n in 0..5_000 {
        text.push_str(&format!("{n},\"name \"\"{n}\"\"\"\n"));
    }
    let summary = AsyncTask::emits::<Row>()
        .on(&rt)
        .workers(2)
        .sender(move |sources| sources.of_bytes(text).into_chunks(4.kib()))
        .fold(
            Vec::new,
            |kept, event| {
                if event.sequence() % 7 == 0 {
                    kept.push(event.data().clone());
                }
            },
            |left, right| left.into_iter().chain(right).collect::<Vec<Row>>(),
        )
        .await?;
    let (mut kept, _) = summary;
    kept.sort_by_key(|row| row.parse::<u64>("id").unwrap_or(u64::MAX));
    ensure!(kept.len() == 715);
    for (row, n) in kept.iter().zip((0..).step_by(7)) {
        ensure!(row.parse::<u64>(0)? == n && row.text("name")? == format!("name \"{n}\""));
    }
    Ok(())
}

pub async fn a_row_reads_through_serde_and_may_borrow<R: Runtime>(rt: R, _: Facts) -> Outcome {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Borrowed<'a> {
        id: u64,
        name: &'a str,
        #[serde(borrow)]
        note: Option<Cow<'a, str>>,
    }
    let (rows, _) = rows_of(&rt, sample(), TEXT.as_bytes(), true).await?;
    let first: Borrowed<'_> = rows.first().context("a row")?.deserialize()?;
    ensure!(first == Borrowed { id: 1, name: "Ada, Countess", note: None });
    let second: Borrowed<'_> = rows.get(1).context("a second row")?.deserialize()?;
    ensure!(second.note.as_deref() == Some("said \"no\"") && second.name == "two\nlines");
    let map: BTreeMap<&str, &str> = rows.get(2).context("a third row")?.deserialize()?;
    ensure!(map == BTreeMap::from([("id", "3"), ("name", "ab"), ("note", "x")]));
    Ok(())
}

pub async fn an_error_names_field_and_column<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = rows_of(&rt, sample(), b"id,name\nx,\xff\n2,b\n", true).await?;
    ensure!(summary.rejected() == 0, "UTF-8 is looked at where text is asked for");
    let row = rows.first().context("a row")?;
    ensure!(row.get("name") == Some(&b"\xff"[..]));
    let parts = |found: Result<(), FieldError>| {
        found.err().map(|error| (error.field(), error.column().map(ToOwned::to_owned), error.to_string()))
    };
    let (field, column, text) = parts(row.parse::<u64>("id").map(drop)).context("x is no number")?;
    ensure!((field, column.as_deref()) == (Some(1), Some("id")), "{text}");
    ensure!(text == "field 1 (id): invalid digit found in string", "{text}");
    let (field, _, text) = parts(row.text(1).map(drop)).context("it is no text")?;
    ensure!(field == Some(2) && text.starts_with("field 2 (name): not valid UTF-8"), "{text}");
    let (_, _, text) = parts(row.text("nome").map(drop)).context("no such column")?;
    ensure!(text == "there is no column \"nome\"", "{text}");
    let (_, _, text) = parts(row.text(2).map(drop)).context("no such field")?;
    ensure!(text == "there is no field 3: the row has 2", "{text}");
    // A receiver may return such an error.
    let (_, summary) = AsyncTask::emits::<Row>()
        .on(&rt)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes("id\n1\nx\n").into_chunks(1.rows()))
        .fold(
            || 0,
            |sum, event| -> Result<(), FieldError> {
                *sum += event.data().parse::<u64>("id")?;
                Ok(())
            },
            |left, right| left + right,
        )
        .await?;
    let error = summary.errors().first().context("x is refused")?;
    ensure!((summary.handled(), error.position().line()) == (1, Some(3)));
    ensure!(error.reason().contains("field 1 (id)"), "{}", error.reason());
    Ok(())
}

pub async fn a_row_of_another_width_is_rejected_unless_flexible<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (rows, summary) = rows_of(&rt, sample(), b"id,name\n1\n2,b\n3,c,d\n", true).await?;
    ensure!(rows.iter().flat_map(|row| row.text("name")).eq(["b"]));
    ensure!(summary.errors().iter().all(|error| error.reason().starts_with("expected 2 fields, found ")));
    ensure!(summary.rejected() == 2);
    let (rows, summary) = collect_rows::<Row, _, _>(&rt, 1, |sources| {
        sources.of_bytes("id,name\n1\n3,c,d\n").flexible().into_chunks(1.rows());
    })
    .await?;
    ensure!(summary.rejected() == 0);
    ensure!(rows.iter().map(|(_, row)| row.len()).eq([1, 3]));
    Ok(())
}

pub async fn a_type_may_read_rows_by_hand<R: Runtime>(rt: R, _: Facts) -> Outcome {
    #[derive(Debug)]
    struct Even(u64);
    impl FromRow for Even {
        fn from_row(row: &Row) -> Result<Self, FieldError> {
            match row.parse("n")? {
                odd if odd % 2 == 1 => Err(FieldError::new(format_args!("{odd} is odd"))),
                even => Ok(Self(even)),
            }
        }
    }
    let (rows, summary) = collect_rows::<Even, _, _>(&rt, 2, |sources| {
        sources.of_bytes("n\n2\n3\nx\n4\n").into_chunks(1.rows());
    })
    .await?;
    ensure!(rows.iter().map(|(_, row)| row.0).eq([2, 4]));
    ensure!(
        summary
            .errors()
            .iter()
            .map(|error| error.reason())
            .eq(["3 is odd", "field 1 (n): invalid digit found in string"])
    );
    Ok(())
}
