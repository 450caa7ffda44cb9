//! Pipelines, formats: of random input, a pipeline gives the rows that one reader of the whole text gives.

use crate::library::pipeline::Row;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::kit::prelude::*;
use crate::kit::{Raw, Sample, collect_rows, rows};

/// A runner for `cases` random inputs. They are shared out among the seeds, if there are many: each run has
/// others.
fn runner(harness: &Started, cases: u32) -> TestRunner {
    let seeds = u32::try_from(harness.flavour().seeds).unwrap_or(u32::MAX).max(1);
    TestRunner::new(Config { cases: cases.div_ceil(seeds), failure_persistence: None, ..Config::default() })
}

/// Bytes that make up CSV, some of them difficult.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b"a"[..]),
        2 => Just(&b"bc"[..]),
        4 => Just(&b","[..]),
        4 => Just(&b"\""[..]),
        3 => Just(&b"\n"[..]),
        1 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
        1 => Just("\u{e9}".as_bytes()),
        1 => Just("\u{feff}".as_bytes()),
        1 => Just(&b"\xc3"[..]),
        1 => Just(&b" "[..]),
    ];
    proptest::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

/// Delimiter, quote and comment mark, in combinations that make sense.
fn marks() -> impl Strategy<Value = (char, Option<char>, Option<char>)> {
    let delimiter = prop_oneof![3 => Just(','), 1 => Just('\t'), 1 => Just('a')];
    let quote = prop_oneof![3 => Just(Some('"')), 1 => Just(None), 1 => Just(Some('b'))];
    let comment = prop_oneof![1 => Just(None), 1 => Just(Some(' ')), 1 => Just(Some('c'))];
    (delimiter, quote, comment)
}

/// All records of the whole text; a record that is not UTF-8 is `None`.
fn whole(text: &[u8]) -> Vec<Option<Raw>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let field = |field: &[u8]| std::str::from_utf8(field).ok().map(ToOwned::to_owned);
    reader.byte_records().flatten().map(|record| record.iter().map(field).collect()).collect()
}

fn wrong(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

pub fn rows_are_those_of_one_reader_whatever_the_chunks(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let strategy = (text(), 1..6usize, 1..4usize, any::<bool>());
    runner(&harness, 100)
        .run(&strategy, |(text, size, workers, by_bytes)| {
            let chunk = if by_bytes { size.bytes() } else { size.rows() };
            let run = rows(&rt, Sample { chunk, workers }, text.clone());
            let (found, summary) = harness.block_on(run).map_err(wrong)?.map_err(wrong)?;
            let mut expected = whole(&text);
            // A quote that is never closed: the reader makes a row of it, the pipeline an error.
            let open = summary.errors().last().is_some_and(|error| error.reason().contains("never closed"));
            if open {
                expected.pop();
            }
            let bad = expected.iter().filter(|row| row.is_none()).count() + usize::from(open);
            let good: Vec<Raw> = expected.into_iter().flatten().collect();
            prop_assert_eq!(found, good);
            prop_assert_eq!(summary.rejected(), bad as u64);
            prop_assert_eq!(summary.bytes(), text.len() as u64);
            Ok(())
        })
        .map_err(|error| Failure::msg(error.to_string()))
}

pub fn rows_that_borrow_have_the_fields_of_one_reader_in_any_dialect(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let strategy = (text(), marks(), 1..6usize, 1..4usize, any::<bool>());
    runner(&harness, 100)
        .run(&strategy, |(text, (delimiter, quote, comment), size, workers, by_bytes)| {
            let chunk = if by_bytes { size.bytes() } else { size.rows() };
            let input = text.clone();
            let run = collect_rows::<Row, _, _>(&rt, workers, move |sources| {
                let source = sources.of_bytes(input).with_headers(false).flexible();
                let source = source.with_delimiter(Delimiter::Custom(delimiter)).with_quote(quote);
                comment.into_iter().fold(source, |source, mark| source.with_comment(mark)).into_chunks(chunk);
            });
            let (found, summary) = harness.block_on(run).map_err(wrong)?.map_err(wrong)?;
            let found: Vec<Vec<Vec<u8>>> =
                found.iter().map(|(_, row)| row.iter().map(<[u8]>::to_vec).collect()).collect();
            let byte = |mark: char| u8::try_from(mark).unwrap_or_default();
            // The reader makes a row of a comment at the end of the text, unless that line has an end.
            let ended = [&*text, b"\n"].concat();
            let mut reader = csv::ReaderBuilder::new()
                .delimiter(byte(delimiter))
                .quoting(quote.is_some())
                .quote(byte(quote.unwrap_or('"')))
                .comment(comment.map(byte))
                .has_headers(false)
                .flexible(true)
                .from_reader(&*ended);
            let records = reader.byte_records().flatten();
            let mut expected: Vec<Vec<Vec<u8>>> =
                records.map(|record| record.iter().map(<[u8]>::to_vec).collect()).collect();
            // A quote that is never closed: the reader makes a row of it, the pipeline an error.
            prop_assert!(summary.rejected() <= 1);
            if summary.rejected() == 1 {
                expected.pop();
            }
            prop_assert_eq!(found, expected);
            Ok(())
        })
        .map_err(|error| Failure::msg(error.to_string()))
}

pub fn a_fold_gives_the_same_sum_as_an_iterator(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let strategy = (proptest::collection::vec(any::<u32>(), 0..300), 1..20usize, 1..5usize, 1..4usize);
    runner(&harness, 100)
        .run(&strategy, |(items, size, workers, queue)| {
            let sum: u64 = items.iter().copied().map(u64::from).sum();
            let len = items.len() as u64;
            let run = AsyncTask::emits::<u32>()
                .on(&rt)
                .workers(workers)
                .queue(queue)
                .sender(move |sources| sources.of(items).into_chunks(size.items()))
                .fold(|| 0u64, |sum, event| *sum += u64::from(event.take_data()), |a, b| a + b);
            let run = std::future::IntoFuture::into_future(run);
            let (found, summary) = harness.block_on(run).map_err(wrong)?.map_err(wrong)?;
            prop_assert_eq!(found, sum);
            prop_assert_eq!(summary.handled(), len);
            Ok(())
        })
        .map_err(|error| Failure::msg(error.to_string()))
}
