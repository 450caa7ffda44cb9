//! Queues, publishing: each row of a source that fails, pauses or panics is there once at the end.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::library::pipeline::{Compression, Sources};
use flate2::write::GzEncoder;
use futures_lite::AsyncRead;

use crate::kit::explode;
use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Deliveries, consume};

/// The number of lines of each source here.
const LINES: u64 = 350;

/// The number of lines in a message.
const CHUNK: usize = 100;

/// The behaviour of a reader after its last piece.
#[derive(Clone, Copy, Debug)]
enum End {
    Sound,
    Fails,
    Panics,
}

/// The lines from 0 up to a number, in pieces.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    end: End,
    /// True if a polled reader is pending once before each piece.
    pauses: bool,
    paused: bool,
}

impl Script {
    /// The first `lines` lines, `piece` bytes at a time.
    fn new(lines: u64, piece: usize, end: End) -> Self {
        let text: String = (0..lines).map(|n| format!("{n}\n")).collect();
        let pieces = text.as_bytes().chunks(piece).map(<[u8]>::to_vec).collect();
        Self { pieces, end, pauses: true, paused: false }
    }
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match (self.pieces.pop_front(), self.end) {
            (Some(piece), _) => piece.as_slice().read(into),
            (None, End::Sound) => Ok(0),
            (None, End::Fails) => Err(io::Error::other("the line is dead")),
            (None, End::Panics) => explode("in a reader"),
        }
    }
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        self.paused = self.pauses && !self.paused;
        if self.paused {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.read(into))
    }
}

/// The kind of reader that a script is read as.
#[derive(Clone, Copy, Debug)]
enum ReaderKind {
    Blocking,
    Polled,
}

async fn publish<R: Runtime>(
    rt: &R,
    queue: &LeasedQueue<R>,
    kind: ReaderKind,
    script: Script,
) -> Result<FinalEvent, AsyncTaskError> {
    AsyncTask::emits::<u64>()
        .on(rt)
        .sender(move |sources: &mut Sources<u64>| {
            match kind {
                ReaderKind::Blocking => sources.of_reader(script),
                ReaderKind::Polled => sources.of_async_reader(script),
            }
            .name("script")
            .lines()
            .into_chunks(CHUNK.lines());
        })
        .publish(queue, "script")
        .await
}

async fn fails_first<R: Runtime>(rt: R, end: End) -> Outcome {
    for kind in [ReaderKind::Blocking, ReaderKind::Polled] {
        let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
        // The script ends in the middle of the second chunk.
        let failed = publish(&rt, &queue, kind, Script::new(150, 64, end)).await;
        ensure!(failed.is_err() && queue.len() == 1, "{kind:?}: {} messages", queue.len());
        let published = publish(&rt, &queue, kind, Script::new(LINES, 64, End::Sound)).await?;
        ensure!((published.read(), published.handled()) == (4, 4), "{kind:?}: {published:?}");
        queue.close();
        consume(&rt, &queue, &deliveries).await?;
        deliveries.check_each_once(LINES)?;
    }
    Ok(())
}

pub async fn an_unfinished_chunk_of_a_source_that_fails_is_not_published<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    fails_first(rt, End::Fails).await
}

pub async fn an_unfinished_chunk_of_a_source_that_panics_is_not_published<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    fails_first(rt, End::Panics).await
}

pub async fn a_file_that_is_cut_short_publishes_no_unfinished_chunk<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text: String = (0..LINES).map(|n| format!("{n}\n")).collect();
    let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::none());
    gzip.write_all(text.as_bytes())?;
    let whole = gzip.finish()?;
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    for length in [whole.len() / 2, whole.len()] {
        let bytes = whole.get(..length).context("it is as long")?.to_vec();
        let published = AsyncTask::emits::<u64>()
            .on(&rt)
            .sender(move |sources| {
                let text = sources.of_bytes(bytes).with_compression(Compression::Gzip);
                text.lines().into_chunks(CHUNK.lines());
            })
            .publish(&queue, "zipped")
            .await;
        ensure!(published.is_ok() == (length == whole.len()), "{published:?}");
    }
    ensure!(queue.len() == 4);
    queue.close();
    consume(&rt, &queue, &deliveries).await?;
    deliveries.check_each_once(LINES)
}

pub async fn pauses_of_a_reader_change_no_message<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, deliveries) = (LeasedQueue::new(&rt), Deliveries::default());
    // Pieces of several lengths, so that the reader pauses elsewhere, and one script without pauses.
    for (piece, pauses) in [(7, true), (64, true), (1_000, true), (64, false)] {
        let script = Script { pauses, ..Script::new(LINES, piece, End::Sound) };
        let published = publish(&rt, &queue, ReaderKind::Polled, script).await?;
        ensure!(
            (published.read(), queue.len()) == (4, 4),
            "{piece}: {published:?}, {} messages",
            queue.len()
        );
    }
    queue.close();
    consume(&rt, &queue, &deliveries).await?;
    deliveries.check_each_once(LINES)
}
