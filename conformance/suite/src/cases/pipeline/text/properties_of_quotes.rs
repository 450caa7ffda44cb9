//! Pipelines, formats: with any settings for quotes, random text gives the records of a plain reading.
//! Handled and rejected records are those of the rules, read byte by byte, however the text is cut.

use crate::library::pipeline::Row;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::kit::collect_rows;
use crate::kit::prelude::*;

/// The settings for quotes.
#[derive(Clone, Copy, Debug)]
struct Checks {
    strict: bool,
    resync: bool,
    lines: u64,
    bytes: usize,
}

/// A row's fields, or the offset at which the row is rejected.
type Read = Result<Vec<Vec<u8>>, usize>;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Start,
    Plain,
    Quoted,
    Closed,
}

/// One record, found by the rules alone.
struct Record {
    end: usize,
    /// The offset after the first line end at or after the record's start.
    line: usize,
    next: usize,
    wrong: Option<usize>,
}

fn is_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn record(text: &[u8], start: usize, checks: Checks) -> Record {
    let (mut state, mut quote, mut lines) = (State::Start, start, 0);
    let (mut odd, mut first) = (None, None);
    let mut end = text.len();
    for (at, byte) in text.iter().copied().enumerate().skip(start) {
        state = match (state, byte) {
            (State::Start, b'"') => {
                quote = at;
                State::Quoted
            }
            (State::Quoted, b'"') => State::Closed,
            (State::Closed, b'"') => State::Quoted,
            (State::Quoted, byte) => {
                if is_end(byte) {
                    first.get_or_insert((at + 1, quote));
                }
                lines += u64::from(byte == b'\n');
                if lines >= checks.lines {
                    odd.get_or_insert((at + 1, start));
                }
                State::Quoted
            }
            (_, byte) if is_end(byte) => {
                end = at;
                break;
            }
            (_, b',') => State::Start,
            (State::Closed, _) | (_, b'"') if checks.strict => {
                odd.get_or_insert((at, at));
                State::Plain
            }
            _ => State::Plain,
        };
    }
    let rest = text.get(end..).unwrap_or_default();
    let next = end + if rest.starts_with(b"\r\n") { 2 } else { usize::from(!rest.is_empty()) };
    let open = end == text.len() && state == State::Quoted;
    let limit = start + checks.bytes;
    let wrong = match (odd, first) {
        (Some((seen, at)), _) if seen <= limit => Some(at),
        _ if end > limit => Some(start),
        (_, Some((_, quote))) if open && checks.resync => Some(quote),
        _ => open.then_some(quote),
    };
    let line = text.iter().skip(start).position(|byte| is_end(*byte));
    Record { end, line: line.map_or(text.len(), |line| start + line + 1), next, wrong }
}

/// All records of a text.
fn whole(text: &[u8], checks: Checks) -> Vec<Read> {
    let (mut read, mut at) = (Vec::new(), 0);
    while let Some(byte) = text.get(at) {
        if is_end(*byte) {
            at += 1;
            continue;
        }
        let record = record(text, at, checks);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.get(at..record.end).unwrap_or_default());
        let fields = reader.byte_records().flatten().next().unwrap_or_default();
        read.push(record.wrong.map_or(Ok(fields.iter().map(<[u8]>::to_vec).collect()), Err));
        at = if record.wrong.is_some() && checks.resync { record.line } else { record.next };
    }
    read
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b"a"[..]),
        3 => Just(&b","[..]),
        6 => Just(&b"\""[..]),
        4 => Just(&b"\n"[..]),
        1 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn checks() -> impl Strategy<Value = Checks> {
    let lines = prop_oneof![Just(u64::MAX), 1..5u64];
    let bytes = prop_oneof![Just(1_000), 1..20usize];
    (any::<bool>(), any::<bool>(), lines, bytes).prop_map(|(strict, resync, lines, bytes)| Checks {
        strict,
        resync,
        lines,
        bytes,
    })
}

pub fn random_text_is_accepted_and_rejected_by_the_rules(harness: Started) -> Outcome {
    let rt = harness.runtime();
    let strategy = (text(), checks(), 1..40usize, 1..4usize, 1..9usize, any::<bool>());
    let seeds = u32::try_from(harness.flavour().seeds).unwrap_or(u32::MAX).max(1);
    let cases = 100u32.div_ceil(seeds);
    TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() })
        .run(&strategy, |(text, checks, size, workers, block, by_bytes)| {
            let chunk = if by_bytes { size.bytes() } else { size.rows() };
            let input = text.clone();
            let run = collect_rows::<Row, _, _>(&rt, workers, move |sources| {
                let source =
                    sources.of_reader(Blocks(input.into_iter(), block)).with_headers(false).flexible();
                let source = if checks.strict { source.strict() } else { source };
                let source = if checks.resync { source.resync() } else { source };
                source.with_max_record_lines(checks.lines).with_max_record(checks.bytes).into_chunks(chunk);
            });
            let (rows, summary) = harness.block_on(run).map_err(wrong)?.map_err(wrong)?;
            let rows = rows
                .into_iter()
                .map(|(sequence, row)| (sequence, Ok(row.iter().map(<[u8]>::to_vec).collect::<Vec<_>>())));
            let bad = summary.errors().iter().map(|error| {
                (
                    error.sequence(),
                    Err(error.position().byte().and_then(|byte| byte.try_into().ok()).unwrap_or(0)),
                )
            });
            let mut found: Vec<(u64, Read)> = rows.chain(bad).collect();
            found.sort();
            let due: Vec<(u64, Read)> = (0..).zip(whole(&text, checks)).collect();
            prop_assert_eq!(found, due);
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

fn wrong(error: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}
