//! The readings of one text that must agree: by the machine alone, byte by byte; by the walker, with its
//! shortcuts; by the cutter and the splitter; and by csv-core.

use std::mem::take;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::text::chunk::{ChunkSize, RawChunk};
use crate::text::csv::split::Splitter;
use crate::text::csv::table::Table;
use crate::text::cut::cutter::{Cut, Cutter};
use crate::text::cut::limits::Limits;
use crate::text::dialect::{Checks, CsvDialect, Dialect};
use crate::text::fault::Unreadable;
use crate::text::grammar::machine::{Event, Machine, State};
use crate::text::grammar::walker::{Sink, Walker};

/// The fields of a row.
pub(crate) type Fields = Vec<Vec<u8>>;

/// An event, its byte and the offset of that.
pub(crate) type Met = (usize, u8, Event);

/// A byte order mark, which csv-core and the cutter pass over at the start of a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}

/// All events of a text that begins in this state, byte by byte. The last is that of the end.
pub(crate) fn stepped(dialect: CsvDialect, mut state: State, text: &[u8]) -> Vec<Met> {
    let machine = Machine::new(dialect);
    let mut events = Vec::new();
    for (at, byte) in text.iter().copied().enumerate() {
        loop {
            let (next, event) = machine.step(state, byte);
            state = next;
            events.push((at, byte, event));
            if event.takes_byte() {
                break;
            }
        }
    }
    events.push((text.len(), 0, Machine::end(state)));
    events
}

/// The rows that these events make. A quote that stays open ends with the text.
pub(crate) fn rows_of(events: &[Met]) -> Vec<Fields> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), Vec::new());
    for (_, byte, event) in events.iter().copied() {
        match event {
            Event::Text
            | Event::RowEndInQuotes
            | Event::QuoteDoubled
            | Event::QuoteInField
            | Event::TextAfterQuote => field.push(byte),
            Event::FieldEnds { .. } => row.push(take(&mut field)),
            Event::RecordEnds { .. } | Event::CrMet { .. } | Event::QuoteOpen => {
                row.push(take(&mut field));
                rows.push(take(&mut row));
            }
            Event::Blank
            | Event::RecordBegins
            | Event::QuoteOpens
            | Event::QuoteMet
            | Event::EscapeMet
            | Event::CrLf
            | Event::CrAlone => {}
        }
    }
    rows
}

/// A sink that keeps what it is given, and stops after so many events.
struct Recorder<const FIELDS: bool> {
    events: Vec<Met>,
    stops_after: usize,
}

impl<const FIELDS: bool> Sink for Recorder<FIELDS> {
    const FIELDS: bool = FIELDS;

    type Stop = ();

    fn take(&mut self, event: Event, byte: u8, at: usize) -> ControlFlow<()> {
        self.events.push((at, byte, event));
        if self.events.len().is_multiple_of(self.stops_after) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// The events of a walk. The text comes in blocks, and the sink stops every so often.
pub(crate) fn walked<const FIELDS: bool>(
    dialect: CsvDialect,
    state: State,
    text: &[u8],
    block: usize,
    stops_after: usize,
) -> Vec<Met> {
    let mut walker = Walker::new::<Recorder<FIELDS>>(dialect);
    let mut sink = Recorder::<FIELDS> { events: Vec::new(), stops_after };
    walker.jump(0, state);
    for end in (0..text.len()).step_by(block.max(1)).skip(1).chain([text.len()]) {
        let data = text.get(..end).unwrap_or_default();
        walker.jump(walker.at(), walker.state());
        while walker.walk(data, &mut sink).is_some() {}
    }
    sink.events.push((walker.at(), 0, Machine::end(walker.state())));
    sink.events
}

/// The events that a walker owes to a sink.
pub(crate) fn owed<const FIELDS: bool>(events: Vec<Met>) -> Vec<Met> {
    let is_owed = |(_, byte, event): &Met| match event {
        Event::Blank | Event::Text => FIELDS && *byte == b'\n',
        Event::RowEndInQuotes => !FIELDS || *byte == b'\n',
        Event::FieldEnds { .. } => FIELDS,
        _ => true,
    };
    events.into_iter().filter(is_owed).collect()
}

/// The rows that csv-core reads, with its table of transitions or without.
pub(crate) fn by_csv_core(dialect: CsvDialect, text: &[u8], table: bool) -> Vec<Fields> {
    let CsvDialect { delimiter, quote, escape, double_quote, comment, terminator, .. } = dialect;
    let mut builder = csv_core::ReaderBuilder::new();
    builder.delimiter(delimiter).quoting(quote.is_some()).quote(quote.unwrap_or(b'"')).escape(escape);
    builder.double_quote(double_quote).comment(comment).nfa(!table);
    builder.terminator(terminator.map_or(csv_core::Terminator::CRLF, csv_core::Terminator::Any));
    let mut reader = builder.build();
    let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 2]);
    let (mut rows, mut rest, mut written, mut fields) = (Vec::new(), text, 0, 0);
    loop {
        let room = (output.get_mut(written..), ends.get_mut(fields..));
        let (result, read, wrote, ended) =
            reader.read_record(rest, room.0.unwrap_or_default(), room.1.unwrap_or_default());
        (rest, written, fields) = (rest.get(read..).unwrap_or_default(), written + wrote, fields + ended);
        match result {
            csv_core::ReadRecordResult::Record => {
                let starts = [0].into_iter().chain(ends.iter().copied());
                let spans = starts.zip(ends.iter().copied()).take(fields);
                let field = |(start, end)| output.get(start..end).unwrap_or_default().to_vec();
                rows.push(spans.map(field).collect());
                (written, fields) = (0, 0);
            }
            csv_core::ReadRecordResult::End => return rows,
            // What is left is then empty, and stands for the end.
            full => assert_eq!(full, csv_core::ReadRecordResult::InputEmpty, "with room for the whole text"),
        }
    }
}

/// A row of the cutter and the splitter, and its position in the text.
pub(crate) struct Cutting {
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: usize,
    pub(crate) len: usize,
    pub(crate) fields: Fields,
}

/// All that the cutter gives, in its order: rows, or the sequence of a row that is refused.
pub(crate) type Cuts = Vec<Result<Cutting, u64>>;

/// Cuts a text that comes in blocks, and splits its chunks.
///
/// # Errors
///
/// The text is UTF-16.
pub(crate) fn cut(
    dialect: CsvDialect,
    checks: Checks,
    (size, limits): (ChunkSize, Limits),
    text: &[u8],
    block: usize,
) -> Result<Cuts, Unreadable> {
    let mut cutter = Cutter::new(Dialect::Csv(dialect, checks), size, limits, false);
    let (mut cuts, mut pieces) = (Vec::new(), Vec::new());
    for block in text.chunks(block.max(1)) {
        cutter.space(block.len()).copy_from_slice(block);
        cutter.filled(block.len(), &mut pieces)?;
    }
    cutter.finish(&mut pieces)?;
    let mut splitter = Splitter::new(dialect);
    for piece in pieces {
        match piece {
            Cut::Bad(bad) => cuts.push(Err(bad.sequence)),
            Cut::Header(chunk) | Cut::Chunk(chunk) => cuts.extend(split(&mut splitter, &chunk).map(Ok)),
        }
    }
    Ok(cuts)
}

/// Splits a chunk, and checks that it has the number of rows that the cutter has counted.
fn split(splitter: &mut Splitter, chunk: &RawChunk) -> impl Iterator<Item = Cutting> {
    let mut rows = Vec::new();
    splitter.start(chunk.bytes.clone());
    loop {
        let mut table = Table::new(Arc::default());
        splitter.fill(&mut table);
        if table.records.is_empty() {
            break;
        }
        for (index, span) in table.records.iter().enumerate() {
            let record = table.record(index);
            rows.push(Cutting {
                sequence: chunk.first_row + rows.len() as u64,
                line: chunk.first_line + span.line,
                byte: chunk.first_byte as usize + span.start,
                len: span.len,
                fields: (0..record.len()).filter_map(|field| record.get(field)).map(<[u8]>::to_vec).collect(),
            });
        }
    }
    assert_eq!(rows.len() as u64, chunk.rows, "the splitter and the cutter disagree in {:?}", chunk.bytes);
    rows.into_iter()
}
