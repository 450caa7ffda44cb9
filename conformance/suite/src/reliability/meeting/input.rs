//! The sources of the table: thirty numbers, some of which cannot be parsed. A source may fail or panic.

use std::io::{self, Read, Write as _};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use crate::library::DynRuntime;
use crate::library::pipeline::{BoundedQueue, Compression, Sources};
use serde::Deserialize;

use super::flaky_queue::FlakyQueue;
use super::table::{Combination, Fault, Source};
use crate::kit::explode;
use crate::kit::prelude::*;
use crate::kit::published::bounded;

/// The number of rows.
pub(super) const ROWS: u64 = 30;

/// The number of rows in a chunk.
pub(super) const CHUNK: usize = 4;

/// The row at which a source fails or panics.
const BREAK: u64 = 18;

/// A row.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Number {
    pub(super) n: u64,
}

impl FromStr for Number {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { n: text.parse()? })
    }
}

/// True for the rows that cannot be parsed, where the fault is bad rows.
pub(super) fn is_bad(n: u64) -> bool {
    n % 9 == 4
}

/// A count of the rows that a source has given.
pub(super) type Given = Arc<AtomicU64>;

fn text(source: Source, bad: bool, rows: u64) -> String {
    let header = if matches!(source, Source::Lines | Source::Json | Source::Queue) { "" } else { "n\n" };
    let row = |n: u64| match (source, bad && is_bad(n)) {
        (Source::Json, false) => format!("{{\"n\":{n}}}\n"),
        (_, false) => format!("{n}\n"),
        (_, true) => "x\n".to_owned(),
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
}

impl Read for Broken {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
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
        Ok(count)
    }
}

/// An iterator that counts what it gives, and panics at [`BREAK`] if it is set to.
pub(super) struct Counted {
    next: u64,
    panics: bool,
    given: Given,
}

impl Iterator for Counted {
    type Item = Number;

    fn next(&mut self) -> Option<Number> {
        let n = self.next;
        if n >= ROWS {
            return None;
        }
        if self.panics && n == BREAK {
            explode::<()>("the source panics");
        }
        self.next += 1;
        self.given.fetch_add(1, Ordering::SeqCst);
        Some(Number { n })
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
pub(super) enum Input {
    Text(Source, Fault, Vec<u8>),
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
    ) -> Result<Self, Failure> {
        let Combination { source, fault, .. } = combination;
        let counted = || Counted { next: 0, panics: fault == Fault::SourcePanics, given: given.clone() };
        Ok(match source {
            Source::Items => Self::Items(counted()),
            Source::Stream => Self::Stream(PausingStream(counted(), false)),
            Source::Channel => Self::Channel(rt.clone(), given.clone()),
            Source::Queue => Self::Queue(FlakyQueue::reading(filled(rt, fault).await?, fault)),
            text => Self::Text(text, fault, bytes(text, fault)?),
        })
    }

    /// Adds the source to a pipeline.
    pub(super) fn add(self, sources: &mut Sources<Number>) {
        match self {
            Self::Text(source, fault, bytes) => {
                let reader = Broken { bytes, at: 0, fault };
                match source {
                    Source::Lines => sources.of_reader(reader).lines().into_chunks(CHUNK.rows()),
                    Source::Json => sources.of_reader(reader).json_lines().into_chunks(CHUNK.rows()),
                    Source::Gzip => sources
                        .of_reader(reader)
                        .with_compression(Compression::Gzip)
                        .into_chunks(CHUNK.rows()),
                    Source::Zstd => sources
                        .of_reader(reader)
                        .with_compression(Compression::Zstd)
                        .into_chunks(CHUNK.rows()),
                    _ => sources.of_reader(reader).into_chunks(CHUNK.rows()),
                }
            }
            Self::Items(items) => sources.of(items).into_chunks(CHUNK.items()),
            Self::Stream(stream) => sources.of_stream(stream).into_chunks(CHUNK.items()),
            Self::Channel(rt, given) => {
                let events = sources.channel(CHUNK);
                let send = move || async move {
                    for n in 0..ROWS {
                        if events.send(Number { n }).await.is_err() {
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

    /// Returns the queue that is read, if one is.
    pub(super) fn queue(&self) -> Option<BoundedQueue> {
        match self {
            Self::Queue(queue) => Some(queue.inner().clone()),
            _ => None,
        }
    }
}

fn bytes(source: Source, fault: Fault) -> Result<Vec<u8>, Failure> {
    let broken = matches!(fault, Fault::SourceFails | Fault::SourcePanics);
    // Compressed data is whole up to the break, since a part of a frame may hold no row at all.
    let rows = if broken { BREAK } else { ROWS };
    compressed(source, text(source, fault == Fault::BadRows, rows))
}

/// Returns a queue that holds all rows, and is closed.
async fn filled(rt: &DynRuntime, fault: Fault) -> Result<BoundedQueue, Failure> {
    let queue = bounded(64);
    let text = text(Source::Queue, fault == Fault::BadRows, ROWS);
    AsyncTask::emits::<Number>()
        .on(rt)
        .workers(1)
        .sender(move |sources| sources.of_bytes(text).lines().into_chunks(CHUNK.rows()))
        .publish(&queue, "numbers")
        .await?;
    queue.close();
    Ok(queue)
}

/// Returns the number of rows that a source gives whole before it breaks.
pub(super) fn whole_rows(fault: Fault) -> u64 {
    if matches!(fault, Fault::SourceFails | Fault::SourcePanics) { BREAK } else { ROWS }
}
