//! The fuzz target for CSV in any dialect, cut anywhere, against the csv crate, which reads the whole.

#![no_main]

use std::io::Read;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use sweet_async::AsyncTask;
use sweet_async::pipeline::{ChunkSize, Delimiter, ErrorStrategy, Row, Terminator, Trim};

#[derive(Arbitrary, Debug)]
struct Input {
    delimiter: u8,
    quote: Option<u8>,
    comment: Option<u8>,
    escape: Option<u8>,
    double_quote: bool,
    terminator: Option<u8>,
    trim: bool,
    by_bytes: bool,
    size: u8,
    block: u8,
    workers: u8,
    text: Vec<u8>,
}

/// A reader that returns at most a fixed number of bytes at a time.
struct Blocks(Vec<u8>, usize, usize);

impl Read for Blocks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let rest = self.0.get(self.1..).unwrap_or_default();
        let mut part = rest.get(..self.2).unwrap_or(rest);
        let n = part.read(into)?;
        self.1 += n;
        Ok(n)
    }
}

fn char(byte: u8) -> char {
    char::from(byte % 128)
}

fuzz_target!(|input: Input| {
    let Input { delimiter, quote, comment, escape, double_quote, terminator, trim, .. } = input;
    let Input { by_bytes, size, block, workers, mut text, .. } = input;
    // The csv crate does not know LF where another byte ends rows: a comment would never end there.
    let comment = comment.filter(|_| terminator.is_none_or(|mark| mark % 128 == b'\n'));
    // The csv crate makes a row of a comment at the end of the text, unless its line is ended.
    text.push(b'\n');
    let (size, workers) = (usize::from(size).max(1), usize::from(workers) % 4 + 1);
    let chunk = if by_bytes { ChunkSize::Bytes(size) } else { ChunkSize::Rows(size) };
    let blocks = Blocks(text.clone(), 0, usize::from(block).max(1));
    let run = AsyncTask::emits::<Row>()
        .workers(workers)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| {
            let source = sources.of_reader(blocks).with_headers(false).flexible();
            let source =
                source.with_delimiter(Delimiter::Custom(char(delimiter))).with_quote(quote.map(char));
            let source = source.with_double_quote(double_quote);
            let source = source.with_trim(if trim { Trim::All } else { Trim::None });
            let end = terminator.map_or(Terminator::LineEnds, |mark| Terminator::Custom(char(mark)));
            let source = source.with_terminator(end);
            let source = escape.into_iter().fold(source, |source, mark| source.with_escape(char(mark)));
            comment
                .into_iter()
                .fold(source, |source, mark| source.with_comment(char(mark)))
                .into_chunks(chunk);
        })
        .fold(
            Vec::new,
            |rows, event| {
                rows.push((event.sequence(), event.data().iter().map(<[u8]>::to_vec).collect::<Vec<_>>()))
            },
            |mut left, right| {
                left.extend(right);
                left
            },
        );
    // Marks that cannot work, and UTF-16, are errors.
    let Ok(Ok((mut rows, summary))) = sweet_async::block_on(async { run.await }) else { return };
    rows.sort();
    let mut reader = csv::ReaderBuilder::new();
    reader.delimiter(delimiter % 128).quoting(quote.is_some()).quote(quote.unwrap_or(b'"') % 128);
    reader.comment(comment.map(|mark| mark % 128)).has_headers(false).flexible(true);
    reader.escape(escape.map(|mark| mark % 128)).double_quote(double_quote);
    if let Some(mark) = terminator {
        reader.terminator(csv::Terminator::Any(mark % 128));
    }
    reader.trim(if trim { csv::Trim::All } else { csv::Trim::None });
    let records = reader.from_reader(&*text).into_byte_records().flatten();
    let mut expected: Vec<Vec<Vec<u8>>> =
        records.map(|record| record.iter().map(<[u8]>::to_vec).collect()).collect();
    if summary.rejected() > 0 {
        assert_eq!(summary.rejected(), 1);
        assert!(summary.errors().iter().all(|error| error.reason().contains("never closed")));
        expected.pop();
    }
    assert!(rows.iter().map(|(_, row)| row).eq(&expected), "{rows:?} in place of {expected:?}");
});
