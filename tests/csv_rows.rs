//! Rows read through serde: they equal those of the csv crate, type for type, and a row that it refuses is
//! refused for the same reason.

#![cfg(all(feature = "csv", feature = "smol"))]
#![allow(dead_code, reason = "fields of types that are only read, printed and compared")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use csv::{ByteRecord, DeserializeErrorKind, ErrorKind, ReaderBuilder, StringRecord};
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sweet_async::AsyncTask;
use sweet_async::pipeline::{ChunkSizeExt as _, ErrorStrategy};

#[derive(Debug, Deserialize)]
struct Plain {
    a: u64,
    b: String,
    c: f64,
}

#[derive(Debug, Deserialize)]
struct Optional {
    #[serde(default)]
    c: Option<i32>,
    a: Option<u8>,
    b: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    A,
    B,
    Xx,
}

#[derive(Debug, Deserialize)]
struct Kinds {
    a: Kind,
    #[serde(default, alias = "c")]
    k: Option<Kind>,
    b: char,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Any {
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
}

#[derive(Debug, Deserialize)]
struct Inferred {
    a: Any,
    b: Any,
    c: Option<Any>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    b: i128,
    c: f64,
}

#[derive(Debug, Deserialize)]
struct Flat {
    a: String,
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Debug, Deserialize)]
struct FlatMap {
    a: String,
    #[serde(flatten)]
    rest: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Lenient {
    #[serde(deserialize_with = "csv::invalid_option")]
    a: Option<u64>,
    b: u8,
    #[serde(default)]
    other: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    a: i8,
    b: i16,
}

#[derive(Debug, Deserialize)]
struct New(u32);

#[derive(Debug, Deserialize)]
struct News {
    a: New,
    b: f32,
    c: (),
    d: bool,
}

#[derive(Debug, Deserialize)]
struct Nested {
    a: u8,
    pair: (u8, String),
}

#[derive(Debug, Deserialize)]
enum Deep {
    A(u8),
    #[serde(rename = "b")]
    B {
        x: u8,
    },
    #[serde(rename = "1")]
    One,
}

/// A value as it prints, or the field that is refused and the reason.
type Read = Result<String, (Option<u64>, String)>;

/// The rows of the csv crate: as text if a whole record is text, otherwise as bytes.
fn theirs<T: DeserializeOwned + Debug>(text: &[u8], header: bool) -> Result<Vec<Read>, csv::Error> {
    let mut reader = ReaderBuilder::new().flexible(true).has_headers(header).from_reader(text);
    let names = if header { Some(reader.headers()?.clone()) } else { None };
    let mut all = Vec::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        let read = match StringRecord::from_byte_record(record.clone()) {
            Ok(text) => text.deserialize::<T>(names.as_ref()),
            Err(_) => record.deserialize(names.as_ref().map(StringRecord::as_byte_record)),
        };
        all.push(read.map(|value| format!("{value:?}")).map_err(|error| match error.kind() {
            ErrorKind::Deserialize { err, .. } => match err.kind() {
                DeserializeErrorKind::InvalidUtf8(fault) => {
                    (err.field(), format!("not valid UTF-8 from its byte {}", fault.valid_up_to()))
                }
                kind => (err.field(), kind.to_string()),
            },
            kind => (None, format!("{kind:?}")),
        }));
    }
    Ok(all)
}

fn ours<T: DeserializeOwned + Debug + Send + 'static>(
    text: &[u8],
    header: bool,
    chunk: usize,
) -> Result<Vec<Read>, TestCaseError> {
    let input = text.to_vec();
    let run = AsyncTask::emits::<T>()
        .workers(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| {
            sources.of_bytes(input).with_headers(header).flexible().into_chunks(chunk.rows());
        })
        .fold(
            Vec::new,
            |rows, event| rows.push((event.sequence(), Ok(format!("{:?}", event.data())))),
            |mut left, right| {
                left.extend(right);
                left
            },
        );
    let (mut rows, summary) = sweet_async::block_on(async { run.await })
        .map_err(|error| TestCaseError::fail(error.to_string()))?
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    rows.extend(summary.errors().iter().map(|error| {
        let reason = error.reason();
        let field = reason.strip_prefix("field ").and_then(|rest| {
            let digits = rest.split(|char: char| !char.is_ascii_digit()).next()?;
            digits.parse::<u64>().ok()
        });
        (error.sequence(), Err((field, reason)))
    }));
    rows.sort_by_key(|(sequence, _)| *sequence);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

fn same<T: DeserializeOwned + Debug + Send + 'static>(
    text: &[u8],
    header: bool,
    chunk: usize,
) -> Result<(), TestCaseError> {
    // A header that is no text is an error on both sides, and no row.
    let Ok(theirs) = theirs::<T>(text, header) else { return Ok(()) };
    let ours = ours::<T>(text, header, chunk)?;
    prop_assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
            (Err((ours, said)), Err((theirs, due))) => {
                prop_assert!(said.contains(&due), "{} in place of {}", said, due);
                // This library names the field in more cases.
                if let Some(theirs) = theirs {
                    prop_assert_eq!(ours, Some(theirs + 1), "{}", said);
                }
            }
            (ours, theirs) => prop_assert!(false, "{:?} in place of {:?}", ours, theirs),
        }
    }
    Ok(())
}

fn field() -> impl Strategy<Value = &'static [u8]> {
    const TEXTS: [&str; 27] = [
        "",
        "",
        "1",
        "-1",
        "0x1f",
        "255",
        "256",
        "3.5",
        "true",
        "false",
        "a",
        "b",
        "xx",
        "A",
        "1e3",
        "inf",
        "NaN",
        "\u{e9}",
        "99999999999999999999999",
        "-99999999999999999999999",
        "\"q\"\"r\"",
        "\" 1\"",
        " 1",
        "-0",
        "+5",
        "0x",
        "\"\"",
    ];
    prop_oneof![
        12 => proptest::sample::select(&TEXTS[..]).prop_map(str::as_bytes),
        1 => Just(&b"\xff"[..]),
        1 => Just(&b"a\xc3"[..]),
    ]
}

fn table() -> impl Strategy<Value = Vec<u8>> {
    const NAMES: [&str; 9] = ["a", "b", "c", "d", "pair", "other", "", "k", "\u{e9}"];
    let header = prop_oneof![
        2 => Just(vec!["a", "b", "c"]),
        1 => Just(vec!["c", "b", "a", "d"]),
        1 => proptest::collection::vec(proptest::sample::select(&NAMES[..]), 1..5),
    ];
    let rows = proptest::collection::vec(proptest::collection::vec(field(), 1..6), 0..6);
    (header, rows).prop_map(|(header, rows)| {
        let mut text = header.join(",").into_bytes();
        for row in rows {
            text.push(b'\n');
            text.extend(row.join(&b","[..]));
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn a_row_is_read_as_the_csv_crate_reads_it(text in table(), header in any::<bool>(), chunk in 1..4usize) {
        same::<Plain>(&text, header, chunk)?;
        same::<Optional>(&text, header, chunk)?;
        same::<Kinds>(&text, header, chunk)?;
        same::<Inferred>(&text, header, chunk)?;
        same::<Flat>(&text, header, chunk)?;
        same::<FlatMap>(&text, header, chunk)?;
        same::<Lenient>(&text, header, chunk)?;
        same::<Strict>(&text, header, chunk)?;
        same::<News>(&text, header, chunk)?;
        same::<Nested>(&text, header, chunk)?;
        same::<Deep>(&text, header, chunk)?;
        same::<Vec<Option<i64>>>(&text, header, chunk)?;
        same::<BTreeMap<String, Any>>(&text, header, chunk)?;
        same::<((u8, Any), String)>(&text, header, chunk)?;
        same::<Option<u16>>(&text, header, chunk)?;
        same::<char>(&text, header, chunk)?;
        same::<[u128; 2]>(&text, header, chunk)?;
    }
}
