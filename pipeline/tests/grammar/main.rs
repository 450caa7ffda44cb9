//! One grammar of CSV: its machine, the walker with its shortcuts, the cutter and the splitter read the same in
//! every text and every dialect, and this is what csv-core reads.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

mod agreement;
mod readings;

#[allow(dead_code, unreachable_pub, reason = "the whole module, of which the tests need a part")]
#[path = "../../src/text/mod.rs"]
mod text;

use agreement::Parts;
use text::chunk::ChunkSize;
use text::cut::limits::Limits;
use text::dialect::{Checks, CsvDialect};

/// Every combination of these values, that the library does not refuse. So every pair of options is among them.
fn dialects() -> impl Iterator<Item = CsvDialect> {
    let marks = |marks: &'static [Option<u8>]| marks.iter().copied();
    let flags = || [false, true].into_iter();
    let dialects = [b',', b'a'].into_iter().flat_map(move |delimiter| {
        marks(&[Some(b'"'), None, Some(b' ')]).flat_map(move |quote| {
            marks(&[None, Some(b'\\')]).flat_map(move |escape| {
                flags().flat_map(move |double_quote| {
                    marks(&[None, Some(b'#')]).flat_map(move |comment| {
                        marks(&[None, Some(b';'), Some(b'\n'), Some(b'\r')]).flat_map(move |terminator| {
                            flags().map(move |trim| CsvDialect {
                                delimiter,
                                quote,
                                escape,
                                double_quote,
                                comment,
                                terminator,
                                trim,
                            })
                        })
                    })
                })
            })
        })
    });
    dialects.filter(|dialect| dialect.check().is_ok())
}

/// Pieces of text, among them all bytes that a dialect may name. Some are there more than once.
const PIECES: [&[u8]; 24] = [
    b"a",
    b"a",
    b",",
    b",",
    b"\"",
    b"\"",
    b"\"",
    b"\"",
    b"\\",
    b"\\",
    b"\n",
    b"\n",
    b";",
    b";",
    b" ",
    b" ",
    b"\r",
    b"\r\n",
    b"#",
    "\u{e9}".as_bytes(),
    "\u{feff}".as_bytes(),
    b"\xc3",
    b"\0",
    b"longer than the sixty-four bytes that are searched together, without a mark",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0..PIECES.len(), 0..60).prop_map(|pieces| {
        pieces.into_iter().filter_map(|piece| PIECES.get(piece)).copied().flatten().copied().collect()
    })
}

fn parts() -> impl Strategy<Value = Parts> {
    (1..90usize, 1..40usize, any::<bool>(), 1..9usize).prop_map(|(block, size, by_bytes, stops_after)| {
        Parts {
            block,
            size: if by_bytes { ChunkSize::Bytes(size) } else { ChunkSize::Rows(size) },
            stops_after,
        }
    })
}

fn checks() -> impl Strategy<Value = (Checks, Limits)> {
    let lines = prop_oneof![Just(u64::MAX), 1..5u64];
    let bytes = prop_oneof![Just(4 << 20), 1..20usize];
    (any::<bool>(), any::<bool>(), lines, bytes).prop_map(|(strict, resync, max_lines, max_record)| {
        (Checks { strict, resync, max_lines }, Limits { max_record, ..Limits::default() })
    })
}

/// Runs `test` on random inputs. A failure is a panic of an agreement, with the smallest input that it has.
fn run<S: Strategy>(cases: u32, inputs: &S, test: impl Fn(S::Value)) -> Result<(), String> {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let test = |input| {
        test(input);
        Ok::<(), TestCaseError>(())
    };
    TestRunner::new(config).run(inputs, test).map_err(|error| error.to_string())
}

#[test]
fn the_machine_reads_what_csv_core_reads_in_all_options() -> Result<(), String> {
    run(30, &text(), |text| {
        dialects().for_each(|dialect| agreement::of_the_machine_with_csv_core(dialect, &text));
    })
}

#[test]
fn shortcuts_leave_out_nothing_in_all_options() -> Result<(), String> {
    run(30, &(text(), parts()), |(text, parts)| {
        dialects().for_each(|dialect| agreement::of_the_walker_with_the_machine(dialect, &text, parts));
    })
}

#[test]
fn the_splitter_reads_the_rows_of_the_cutter_in_all_options() -> Result<(), String> {
    let unchecked = (Checks::default(), Limits::default());
    run(30, &(text(), parts()), |(text, parts)| {
        dialects().for_each(|dialect| {
            agreement::of_the_splitter_with_the_cutter(dialect, unchecked, &text, parts);
        });
    })
}

#[test]
fn the_splitter_reads_the_rows_that_checks_leave() -> Result<(), String> {
    let dialects: Vec<_> = dialects().filter(|it| it.quote.is_some() && it.terminator.is_none()).collect();
    run(
        2_000,
        &(proptest::sample::select(dialects), checks(), text(), parts()),
        |(dialect, checks, text, parts)| {
            agreement::of_the_splitter_with_the_cutter(dialect, checks, &text, parts);
        },
    )
}

#[test]
fn all_short_texts_are_read_alike() {
    let default = CsvDialect::default();
    let dialects = [
        default,
        CsvDialect { escape: Some(b'\\'), ..default },
        CsvDialect { double_quote: false, comment: Some(b'\\'), ..default },
        CsvDialect { terminator: Some(b'\\'), ..default },
    ];
    let bytes = *b"a,\"\\\n\r";
    for len in 0..6 {
        for number in 0..bytes.len().pow(len) {
            let digits = (0..len).map(|digit| number / bytes.len().pow(digit) % bytes.len());
            let text: Vec<u8> = digits.filter_map(|digit| bytes.get(digit).copied()).collect();
            for (block, dialect) in (1..).zip(dialects) {
                let parts = Parts { block, size: ChunkSize::Rows(2), stops_after: block };
                agreement::of_the_machine_with_csv_core(dialect, &text);
                agreement::of_the_walker_with_the_machine(dialect, &text, parts);
                let unchecked = (Checks::default(), Limits::default());
                agreement::of_the_splitter_with_the_cutter(dialect, unchecked, &text, parts);
            }
        }
    }
}

#[test]
fn bytes_that_cannot_work_together_are_no_dialect() {
    let default = CsvDialect::default();
    let refused = [
        CsvDialect { quote: Some(b','), ..default },
        CsvDialect { escape: Some(b'"'), ..default },
        CsvDialect { comment: Some(b'\n'), ..default },
        CsvDialect { terminator: Some(b','), ..default },
        CsvDialect { delimiter: 0xc3, ..default },
        CsvDialect { terminator: Some(0xa9), ..default },
    ];
    for dialect in refused {
        assert!(dialect.check().is_err(), "{dialect:?}");
    }
    assert!(default.check().is_ok());
}
