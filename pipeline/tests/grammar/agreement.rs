//! The agreements between the readings of one text. Each function panics where two of them differ.

use crate::readings::{Fields, by_csv_core, cut, owed, rows_of, stepped, walked, without_mark};
use crate::text::chunk::ChunkSize;
use crate::text::cut::limits::Limits;
use crate::text::dialect::{Checks, CsvDialect};
use crate::text::grammar::machine::{Event, State};

/// How a text comes, and how it is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) block: usize,
    pub(crate) size: ChunkSize,
    pub(crate) stops_after: usize,
}

/// The machine reads what csv-core reads.
pub(crate) fn of_the_machine_with_csv_core(dialect: CsvDialect, text: &[u8]) {
    let rows = rows_of(&stepped(dialect, State::Between, without_mark(text)));
    assert_eq!(rows, by_csv_core(dialect, text, false), "{text:?} in {dialect:?}");
    // The table of csv-core knows no LF where another byte ends rows, so a comment would never end there. And a
    // comment must have an end, or it is a row.
    if dialect.comment.is_none()
        || (matches!(dialect.terminator, None | Some(b'\n')) && text.ends_with(b"\n"))
    {
        assert_eq!(rows, by_csv_core(dialect, text, true), "{text:?} in {dialect:?}");
    }
}

/// A walker hands out the events of the machine, wherever its text is cut and its sink stops.
pub(crate) fn of_the_walker_with_the_machine(dialect: CsvDialect, text: &[u8], parts: Parts) {
    let Parts { block, stops_after, .. } = parts;
    let events = stepped(dialect, State::Between, text);
    let found = owed::<true>(walked::<true>(dialect, State::Between, text, block, stops_after));
    assert_eq!(found, owed::<true>(events.clone()), "fields of {text:?} in {dialect:?}, {parts:?}");
    let found = owed::<false>(walked::<false>(dialect, State::Between, text, block, stops_after));
    assert_eq!(found, owed::<false>(events), "records of {text:?} in {dialect:?}, {parts:?}");
    if dialect.terminator.is_none() {
        let found = owed::<false>(walked::<false>(dialect, State::Rest, text, block, stops_after));
        let events = owed::<false>(stepped(dialect, State::Rest, text));
        assert_eq!(found, events, "the rest of a line of {text:?} in {dialect:?}, {parts:?}");
    }
}

/// The splitter gives the rows that the cutter has found, with the fields and the positions that the machine
/// finds in each. Without checks and limits, these are the rows of csv-core.
pub(crate) fn of_the_splitter_with_the_cutter(
    dialect: CsvDialect,
    (checks, limits): (Checks, Limits),
    text: &[u8],
    parts: Parts,
) {
    // UTF-16 is an error.
    let Ok(cuts) = cut(dialect, checks, (parts.size, limits), text, parts.block) else { return };
    let mut rows: Vec<Fields> = Vec::new();
    let mut refused = 0;
    for (due, cut) in (0..).zip(cuts) {
        let cut = match cut {
            Ok(cut) => cut,
            Err(sequence) => {
                assert_eq!(sequence, due, "of {text:?} in {dialect:?}, {checks:?}, {parts:?}");
                refused += 1;
                continue;
            }
        };
        let about = format!("row {due} of {text:?} in {dialect:?}, {checks:?}, {parts:?}");
        let (before, rest) = text.split_at_checked(cut.byte).unwrap_or_default();
        let events = stepped(dialect, State::Between, rest.get(..cut.len).unwrap_or_default());
        assert_eq!(vec![cut.fields.clone()], trimmed(dialect, rows_of(&events)), "{about}");
        assert!(!matches!(events.last(), Some((_, _, Event::QuoteOpen))), "{about}");
        assert_eq!(cut.sequence, due, "{about}");
        assert_eq!(cut.line, 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64, "{about}");
        rows.push(cut.fields);
    }
    if checks == Checks::default() && text.len() <= limits.max_record {
        let mut expected = trimmed(dialect, by_csv_core(dialect, text, false));
        if refused > 0 {
            // A quote that is never closed.
            assert_eq!(refused, 1);
            expected.pop();
        }
        assert_eq!(rows, expected, "{text:?} in {dialect:?}, {parts:?}");
    }
}

fn trimmed(dialect: CsvDialect, mut rows: Vec<Fields>) -> Vec<Fields> {
    if dialect.trim {
        for field in rows.iter_mut().flatten() {
            *field = field.trim_ascii().to_vec();
        }
    }
    rows
}
