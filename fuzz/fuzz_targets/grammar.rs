//! The fuzz target for the grammar of CSV: its machine, the walker, the cutter and the splitter against each
//! other and against csv-core, on any bytes in any dialect.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[path = "../../pipeline/tests/grammar/agreement.rs"]
mod agreement;
#[path = "../../pipeline/tests/grammar/readings.rs"]
mod readings;
#[allow(dead_code, reason = "the whole module, of which the target needs a part")]
#[path = "../../pipeline/src/text/mod.rs"]
mod text;

use agreement::Parts;
use text::chunk::ChunkSize;
use text::cut::limits::Limits;
use text::dialect::{Checks, CsvDialect};

#[derive(Arbitrary, Debug)]
struct Input {
    delimiter: u8,
    quote: Option<u8>,
    comment: Option<u8>,
    escape: Option<u8>,
    double_quote: bool,
    terminator: Option<u8>,
    trim: bool,
    strict: bool,
    resync: bool,
    max_lines: Option<u8>,
    max_record: Option<u8>,
    by_bytes: bool,
    size: u8,
    block: u8,
    stops_after: u8,
    text: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let mark = |byte: Option<u8>| byte.map(|byte| byte % 128);
    let dialect = CsvDialect {
        delimiter: input.delimiter % 128,
        quote: mark(input.quote),
        escape: mark(input.escape),
        double_quote: input.double_quote,
        comment: mark(input.comment),
        terminator: mark(input.terminator),
        trim: input.trim,
    };
    // Marks that cannot work are refused.
    let Ok(dialect) = dialect.check() else { return };
    let Input { strict, resync, text, .. } = input;
    // These need quotes, and lines that end rows.
    let (strict, resync) = (strict && dialect.quote.is_some(), resync && dialect.quote.is_some());
    let lines = dialect.quote.is_some() && dialect.terminator.is_none();
    let max_lines = input.max_lines.filter(|_| lines).map_or(u64::MAX, |lines| u64::from(lines).max(1));
    let checks = Checks { strict, resync: resync && lines, max_lines };
    let max_record = input.max_record.map_or(4 << 20, |bytes| usize::from(bytes).max(1));
    let size = usize::from(input.size).max(1);
    let parts = Parts {
        block: usize::from(input.block).max(1),
        size: if input.by_bytes { ChunkSize::Bytes(size) } else { ChunkSize::Rows(size) },
        stops_after: usize::from(input.stops_after).max(1),
    };
    agreement::of_the_machine_with_csv_core(dialect, &text);
    agreement::of_the_walker_with_the_machine(dialect, &text, parts);
    let limits = Limits { max_record, ..Limits::default() };
    agreement::of_the_splitter_with_the_cutter(dialect, (checks, limits), &text, parts);
});
