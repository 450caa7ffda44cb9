//! Pipelines, formats: with any options of CSV, alone and together, random text gives the fields that the csv
//! crate gives of the whole, however the text is cut.

use crate::library::pipeline::{Row, Terminator, Trim};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::kit::collect_rows;
use crate::kit::prelude::*;

/// The options of one reading.
#[derive(Clone, Copy, Debug)]
struct Chosen {
    delimiter: char,
    quote: Option<char>,
    escape: Option<char>,
    double_quote: bool,
    comment: Option<char>,
    terminator: Option<char>,
    trim: bool,
}

/// Pieces of text, among them all characters that an option may name.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b"a"[..]),
        4 => Just(&b","[..]),
        6 => Just(&b"\""[..]),
        4 => Just(&b"\\"[..]),
        3 => Just(&b"\n"[..]),
        3 => Just(&b";"[..]),
        2 => Just(&b" "[..]),
        1 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
        1 => Just(&b"#"[..]),
        1 => Just("\u{e9}".as_bytes()),
        1 => Just(&b"\xc3"[..]),
    ];
    proptest::collection::vec(piece, 0..80).prop_map(|pieces| pieces.concat())
}

/// Each option is at its default in about half of all cases, so that pairs of options are common.
fn options() -> impl Strategy<Value = Chosen> {
    let delimiter = prop_oneof![3 => Just(','), 1 => Just('a')];
    let quote = prop_oneof![6 => Just(Some('"')), 1 => Just(None), 1 => Just(Some(' '))];
    let escape = prop_oneof![1 => Just(None), 1 => Just(Some('\\'))];
    let comment = prop_oneof![2 => Just(None), 1 => Just(Some('#'))];
    let terminator =
        prop_oneof![3 => Just(None), 2 => Just(Some(';')), 1 => Just(Some('\n')), 1 => Just(Some('\r'))];
    let marks = (delimiter, quote, escape, comment, terminator);
    (marks, any::<bool>(), any::<bool>()).prop_map(
        |((delimiter, quote, escape, comment, terminator), double_quote, trim)| Chosen {
            delimiter,
            quote,
            // Without quotes, both are refused.
            escape: escape.filter(|_| quote.is_some()),
            double_quote: double_quote || quote.is_none(),
            // The csv crate does not know LF where another byte ends rows: a comment would never end.
            comment: comment.filter(|_| matches!(terminator, None | Some('\n'))),
            terminator,
            trim,
        },
    )
}

/// All records, as the csv crate reads them.
fn whole(text: &[u8], chosen: Chosen) -> Vec<Vec<Vec<u8>>> {
    let byte = |mark: char| u8::try_from(mark).unwrap_or_default();
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(byte(chosen.delimiter)).quoting(chosen.quote.is_some());
    reader.quote(byte(chosen.quote.unwrap_or('"'))).escape(chosen.escape.map(byte));
    reader.double_quote(chosen.double_quote).comment(chosen.comment.map(byte));
    if let Some(terminator) = chosen.terminator {
        reader.terminator(csv::Terminator::Any(byte(terminator)));
    }
    reader.trim(if chosen.trim { csv::Trim::All } else { csv::Trim::None });
    let reader = reader.has_headers(false).flexible(true).from_reader(text);
    let records = reader.into_byte_records().flatten();
    records.map(|record| record.iter().map(<[u8]>::to_vec).collect()).collect()
}

fn wrong(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

pub fn pairs_of_options_give_the_fields_of_one_reader(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let strategy = (text(), options(), 1..40usize, 1..4usize, 1..9usize, any::<bool>());
    let seeds = u32::try_from(harness.flavour().seeds).unwrap_or(u32::MAX).max(1);
    let cases = 100u32.div_ceil(seeds);
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(&strategy, |(mut text, chosen, size, workers, block, by_bytes)| {
            // The csv crate makes a row of a comment at the end of the text, unless that line has an end.
            text.push(b'\n');
            let chunk = if by_bytes { size.bytes() } else { size.rows() };
            let input = text.clone();
            let run = collect_rows::<Row, _, _>(&rt, workers, move |sources| {
                let source =
                    sources.of_reader(Blocks(input.into_iter(), block)).with_headers(false).flexible();
                let source = source
                    .with_delimiter(Delimiter::Custom(chosen.delimiter))
                    .with_quote(chosen.quote)
                    .with_double_quote(chosen.double_quote)
                    .with_terminator(chosen.terminator.map_or(Terminator::LineEnds, Terminator::Custom))
                    .with_trim(if chosen.trim { Trim::All } else { Trim::None });
                let source = chosen.escape.into_iter().fold(source, |source, mark| source.with_escape(mark));
                chosen
                    .comment
                    .into_iter()
                    .fold(source, |source, mark| source.with_comment(mark))
                    .into_chunks(chunk);
            });
            let (found, summary) = harness.block_on(run).map_err(wrong)?.map_err(wrong)?;
            let found: Vec<Vec<Vec<u8>>> =
                found.iter().map(|(_, row)| row.iter().map(<[u8]>::to_vec).collect()).collect();
            let mut expected = whole(&text, chosen);
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

/// A reader that gives at most so many bytes at a time.
struct Blocks(std::vec::IntoIter<u8>, usize);

impl std::io::Read for Blocks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        Ok(into.iter_mut().take(self.1).zip(&mut self.0).map(|(to, byte)| *to = byte).count())
    }
}
