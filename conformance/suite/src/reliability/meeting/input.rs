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

fn text(combination: Combination, rows: u64) -> String {
    let Combination { source, .. } = combination;
    let header = if source.has_header() { "n\n" } else { "" };
    let row = |n: u64| match (source, Number::of(n, combination).flaw()) {
        (_, Some(Flaw::IsNoNumber)) => "x\n".to_owned(),
        (Source::Json, _) => format!("{{\"n\":{}}}\n", Number::of(n, combination).n),
        _ => format!("{}\n", Number::of(n, combination).n),
    };
    header.to_owned() + &(0..rows).map(row).collect::<String>()
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
        self.ledger.given(self.at as u64 / 3);
        Ok(count)
    }
}

/// An iterator that counts what it gives, and panics at [`BREAK`] if it is set to.
pub(super) struct Counted {
    next: u64,
    combination: Combination,
    given: Given,
    ledger: Arc<Ledger>,
}

impl Iterator for Counted {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        self.ledger.called();
        let n = self.next;
        if n >= ROWS {
            return None;
        }
        if self.combination.fault == Fault::SourcePanics && n == BREAK {
            explode::<()>("the source panics");
        }
        self.next += 1;
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
        if self.0.next % 3 == 2 && !self.1 {
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
    of: Of,
}

enum Of {
    Text(Vec<u8>),
    Items(Counted),
    Stream(PausingStream),
    Channel(DynRuntime, Given),
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
        let Combination { source, fault, .. } = combination;
        let counted = || Counted { next: 0, combination, given: given.clone(), ledger: ledger.clone() };
        let of = match source {
            Source::Items => Of::Items(counted()),
            Source::Stream => Of::Stream(PausingStream(counted(), false)),
            Source::Channel => Of::Channel(rt.clone(), given.clone()),
            Source::Queue => Of::Queue(FlakyQueue::reading(filled(rt, combination).await?, fault)),
            text => Of::Text(bytes(text, combination)?),
        };
        Ok(Self { combination, ledger: ledger.clone(), of })
    }

    /// Adds the source to a pipeline.
    pub(super) fn add(self, sources: &mut Sources<Number>) {
        let Self { combination, ledger, of } = self;
        if combination.fault == Fault::SenderPanics {
            explode::<()>("the sender panics");
        }
        match of {
            Of::Text(bytes) => {
                let reader = Broken { bytes, at: 0, fault: combination.fault, ledger: ledger.clone() };
                text_source(sources, combination, reader, ledger);
            }
            Of::Items(items) => sources.of(items).into_chunks(CHUNK.items()),
            Of::Stream(stream) => sources.of_stream(stream).into_chunks(CHUNK.items()),
            Of::Channel(rt, given) => {
                let events = sources.channel(CHUNK);
                let send = move || async move {
                    for n in 0..ROWS {
                        ledger.given(n);
                        if events.send(Number::of(n, combination)).await.is_err() {
                            return;
                        }
                        given.fetch_add(1, Ordering::SeqCst);
                    }
                };
                AsyncTask::to::<()>().on(&rt).spawn(send).detach();
            }
            Of::Queue(queue) => sources.of_queue(&queue).lines(),
        }
    }

    /// Returns the queue that is read, if one is.
    pub(super) fn queue(&self) -> Option<BoundedQueue> {
        match &self.of {
            Of::Queue(queue) => Some(queue.inner().clone()),
            _ => None,
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

fn bytes(source: Source, combination: Combination) -> Result<Vec<u8>, Failure> {
    // Compressed data is whole up to the break, since a part of a frame may hold no row at all.
    let rows = if combination.source_breaks() { BREAK } else { ROWS };
    compressed(source, text(combination, rows))
}

/// Returns a queue that holds all rows, and is closed.
async fn filled(rt: &DynRuntime, combination: Combination) -> Result<BoundedQueue, Failure> {
    let queue = bounded(64);
    let text = text(combination, ROWS);
    AsyncTask::emits::<Number>()
        .on(rt)
        .workers(1)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(CHUNK.rows()))
        .publish(&queue, "numbers")
        .await?;
    queue.close();
    Ok(queue)
}
