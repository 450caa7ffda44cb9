//! The sources of the table: thirty numbers, some of which cannot be parsed. A source may fail or panic.

use std::io::{self, Read, Write as _};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use crate::library::DynRuntime;
use crate::library::pipeline::{BoundedQueue, Compression, Csv, Header, Sources, TextSource};

use super::flaky_queue::FlakyQueue;
use super::ledger::Ledger;
use super::number::{CHUNK, Flaw, Number, ROWS};
use super::table::{Combination, Fault, Options, Source};
use crate::kit::explode;
use crate::kit::prelude::*;
use crate::kit::published::bounded;

/// The row at which a source fails or panics.
const BREAK: u64 = 18;

/// The rows that are read where a range is.
const RANGE: Range<u64> = 3..23;

/// The rows of the first source, where there are two.
const FIRST: Range<u64> = 0..11;

/// The most bytes of a chunk where that is bounded.
const FEW_BYTES: usize = 5;

/// A count of the rows that a source has given.
pub(super) type Given = Arc<AtomicU64>;

impl Combination {
    /// True if some rows cannot be parsed.
    pub(super) fn has_bad_rows(self) -> bool {
        use Fault::{AskPanics, BadRows, ParsePanics, RejectsFails, RejectsPanics};
        matches!(self.fault, BadRows | ParsePanics | RejectsFails | RejectsPanics | AskPanics)
    }

    fn source_breaks(self) -> bool {
        matches!(self.fault, Fault::SourceFails | Fault::SourcePanics)
    }

    /// The rows that are read before the source ends or breaks. Those of a queue are not known if it breaks.
    pub(super) fn rows(self) -> Range<u64> {
        let Range { start, end } = if self.options == Options::Range { RANGE } else { 0..ROWS };
        let breaks = self.source_breaks() && self.source != Source::Queue;
        start..if breaks { end.min(BREAK) } else { end }
    }
}

fn text(combination: Combination, rows: Range<u64>) -> String {
    let Combination { source, .. } = combination;
    let header = if source.has_header() { "n\n" } else { "" };
    let row = |n: u64| match (source, Number::of(n, combination).flaw()) {
        (_, Some(Flaw::IsNoNumber)) => "x\n".to_owned(),
        (Source::Json, _) => format!("{{\"n\":{}}}\n", Number::of(n, combination).n),
        _ => format!("{}\n", Number::of(n, combination).n),
    };
    header.to_owned() + &rows.map(row).collect::<String>()
}

fn compressed(source: Source, text: String) -> Result<Vec<u8>, Failure> {
    Ok(match source {
        Source::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(text.as_bytes())?;
            encoder.finish()?
        }
        Source::Zstd => {
            ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
        }
        _ => text.into_bytes(),
    })
}

/// A reader of some bytes, at most seven at a time, that may end in an error or a panic.
struct Broken {
    bytes: Vec<u8>,
    at: usize,
    /// The first row.
    first: u64,
    fault: Fault,
    ledger: Arc<Ledger>,
}

impl Read for Broken {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.ledger.called();
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let count = rest.len().min(into.len()).min(7);
        if count == 0 {
            return match self.fault {
                Fault::SourceFails => Err(io::Error::other("the source is away")),
                Fault::SourcePanics => explode("the source panics"),
                _ => Ok(0),
            };
        }
        if let (Some(into), Some(rest)) = (into.get_mut(..count), rest.get(..count)) {
            into.copy_from_slice(rest);
        }
        self.at += count;
        // A row has about three bytes.
        self.ledger.given(self.first + self.at as u64 / 3);
        Ok(count)
    }
}

/// An iterator that counts what it gives, and panics at [`BREAK`] if it is set to.
pub(super) struct Counted {
    rows: Range<u64>,
    combination: Combination,
    given: Given,
    ledger: Arc<Ledger>,
}

impl Iterator for Counted {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        self.ledger.called();
        if self.combination.fault == Fault::SourcePanics && self.rows.start == BREAK {
            explode::<()>("the source panics");
        }
        let n = self.rows.next()?;
        self.given.fetch_add(1, Ordering::SeqCst);
        self.ledger.given(n);
        Some(Number::of(n, self.combination))
    }
}

/// A stream of the same rows, which is pending once before each third row.
pub(super) struct PausingStream(Counted, bool);

impl futures_lite::Stream for PausingStream {
    type Item = Number;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Number>> {
        if self.0.rows.start % 3 == 2 && !self.1 {
            self.1 = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.1 = false;
        Poll::Ready(self.0.next())
    }
}

/// A source that is made before the pipeline.
pub(super) struct Input {
    combination: Combination,
    ledger: Arc<Ledger>,
    of: Vec<Of>,
}

/// One source.
enum Of {
    /// Some text, its first row, and the fault at its end.
    Text(Vec<u8>, u64, Fault),
    Items(Counted),
    Stream(PausingStream),
    Channel(DynRuntime, Range<u64>, Given),
    Queue(FlakyQueue),
}

impl Input {
    /// Makes the source of `combination`, and the queue that it reads, if it reads one.
    pub(super) async fn new(
        rt: &DynRuntime,
        combination: Combination,
        given: &Given,
        ledger: &Arc<Ledger>,
    ) -> Result<Self, Failure> {
        let Combination { source, options, fault, .. } = combination;
        let counted = |rows| Counted { rows, combination, given: given.clone(), ledger: ledger.clone() };
        let first = options.has_two_sources().then_some(FIRST);
        let last = first.as_ref().map_or(0, |first| first.end)..ROWS;
        let mut of = Vec::new();
        for rows in first.into_iter().chain([last]) {
            // The last source has the fault.
            let fault = if rows.end == ROWS { fault } else { Fault::Nothing };
            of.push(match source {
                Source::Items => Of::Items(counted(rows)),
                Source::Stream => Of::Stream(PausingStream(counted(rows), false)),
                Source::Channel => Of::Channel(rt.clone(), rows, given.clone()),
                Source::Queue => Of::Queue(FlakyQueue::reading(filled(rt, combination).await?, fault)),
                text => {
                    let first = rows.start;
                    Of::Text(bytes(text, rows, combination)?, first, fault)
                }
            });
        }
        Ok(Self { combination, ledger: ledger.clone(), of })
    }

    /// Adds the source, or both, to a pipeline.
    pub(super) fn add(self, sources: &mut Sources<Number>) {
        let Self { combination, ledger, of } = self;
        if combination.fault == Fault::SenderPanics {
            explode::<()>("the sender panics");
        }
        of.into_iter().for_each(|of| of.add(sources, combination, ledger.clone()));
    }

    /// Returns the queue that is read, if one is.
    pub(super) fn queue(&self) -> Option<BoundedQueue> {
        self.of.iter().find_map(|of| match of {
            Of::Queue(queue) => Some(queue.inner().clone()),
            _ => None,
        })
    }
}

impl Of {
    fn add(self, sources: &mut Sources<Number>, combination: Combination, ledger: Arc<Ledger>) {
        match self {
            Self::Text(bytes, first, fault) => {
                let reader = Broken { bytes, at: 0, first, fault, ledger: ledger.clone() };
                text_source(sources, combination, reader, ledger);
            }
            Self::Items(items) => sources.of(items).into_chunks(CHUNK.items()),
            Self::Stream(stream) => sources.of_stream(stream).into_chunks(CHUNK.items()),
            Self::Channel(rt, rows, given) => {
                let events = sources.channel(CHUNK);
                let send = move || async move {
                    for n in rows {
                        ledger.given(n);
                        if events.send(Number::of(n, combination)).await.is_err() {
                            return;
                        }
                        given.fetch_add(1, Ordering::SeqCst);
                    }
                };
                AsyncTask::to::<()>().on(&rt).spawn(send).detach();
            }
            Self::Queue(queue) => sources.of_queue(&queue).lines(),
        }
    }
}

/// The options that every format has.
fn with_options<F>(source: TextSource<'_, Number, F>, options: Options) -> TextSource<'_, Number, F> {
    match options {
        Options::Range => source.skip_rows(RANGE.start).max_rows(RANGE.end - RANGE.start),
        Options::SmallChunks => source.with_max_chunk(FEW_BYTES),
        _ => source,
    }
}

fn text_source(sources: &mut Sources<Number>, combination: Combination, reader: Broken, ledger: Arc<Ledger>) {
    let Combination { source, options, fault, .. } = combination;
    let text = sources.of_reader(reader);
    match source {
        Source::Lines => with_options(text.lines(), options).into_chunks(CHUNK.rows()),
        Source::Json => with_options(text.json_lines(), options).into_chunks(CHUNK.rows()),
        _ => {
            let compression = match source {
                Source::Gzip => Compression::Gzip,
                Source::Zstd => Compression::Zstd,
                _ => Compression::None,
            };
            let csv: TextSource<'_, Number, Csv> = with_options(text.csv(), options);
            let csv = csv.with_compression(compression);
            let csv = match options {
                Options::Header => csv.on_header(move |header: Header<'_>| {
                    ledger.called();
                    match fault {
                        Fault::HeaderFails => Err("not this header"),
                        Fault::HeaderPanics => explode("the header panics"),
                        _ if header.names().eq(["n"]) => Ok(()),
                        _ => Err("another header"),
                    }
                }),
                _ => csv,
            };
            csv.into_chunks(CHUNK.rows());
        }
    }
}

fn bytes(source: Source, rows: Range<u64>, combination: Combination) -> Result<Vec<u8>, Failure> {
    // Compressed data is whole up to the break, since a part of a frame may hold no row at all.
    let end = if combination.source_breaks() { rows.end.min(BREAK) } else { rows.end };
    compressed(source, text(combination, rows.start..end))
}

/// Returns a queue that holds all rows, and is closed.
async fn filled(rt: &DynRuntime, combination: Combination) -> Result<BoundedQueue, Failure> {
    let queue = bounded(64);
    let text = text(combination, 0..ROWS);
    AsyncTask::emits::<Number>()
        .on(rt)
        .workers(1)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(CHUNK.rows()))
        .publish(&queue, "numbers")
        .await?;
    queue.close();
    Ok(queue)
}
