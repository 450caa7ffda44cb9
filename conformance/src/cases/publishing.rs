//! Sources that fail, pause or panic while they are published: each of their rows is there once in the end.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use flate2::write::GzEncoder;
use futures_lite::AsyncRead;
use sweet_async::pipeline::{Compression, Sources};

use crate::kit::explode;
use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::{Seen, consume};

/// Lines of all sources here.
const LINES: u64 = 350;

/// Lines in a message.
const CHUNK: usize = 100;

/// Behaviour of a reader at the end of what it was given.
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
    /// Before each piece, a polled reader has nothing for the moment.
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

/// The way a script is read.
#[derive(Clone, Copy, Debug)]
enum How {
    Blocking,
    Polled,
}

async fn publish<R: Runtime>(
    rt: &R,
    queue: &LeasedQueue<R>,
    how: How,
    script: Script,
) -> Result<FinalEvent, AsyncTaskError> {
    AsyncTask::emits::<u64>()
        .on(rt)
        .sender(move |sources: &mut Sources<u64>| {
            match how {
                How::Blocking => sources.of_reader(script),
                How::Polled => sources.of_async_reader(script),
            }
            .name("script")
            .lines()
            .into_chunks(CHUNK.lines());
        })
        .publish(queue, "script")
        .await
}

async fn fails_first<R: Runtime>(rt: R, end: End) -> Outcome {
    for how in [How::Blocking, How::Polled] {
        let (queue, seen) = (LeasedQueue::new(&rt), Seen::default());
        // In the middle of the second chunk.
        let failed = publish(&rt, &queue, how, Script::new(150, 64, end)).await;
        ensure!(failed.is_err() && queue.len() == 1, "{how:?}: {} messages", queue.len());
        let published = publish(&rt, &queue, how, Script::new(LINES, 64, End::Sound)).await?;
        ensure!((published.read(), published.handled()) == (4, 4), "{how:?}: {published:?}");
        queue.close();
        consume(&rt, &queue, &seen).await?;
        seen.once(LINES)?;
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
    let (queue, seen) = (LeasedQueue::new(&rt), Seen::default());
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
    consume(&rt, &queue, &seen).await?;
    seen.once(LINES)
}

pub async fn pauses_of_a_reader_change_no_message<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (queue, seen) = (LeasedQueue::new(&rt), Seen::default());
    // Pieces of other lengths, so that it pauses elsewhere; and without a pause.
    for (piece, pauses) in [(7, true), (64, true), (1_000, true), (64, false)] {
        let script = Script { pauses, ..Script::new(LINES, piece, End::Sound) };
        let published = publish(&rt, &queue, How::Polled, script).await?;
        ensure!(
            (published.read(), queue.len()) == (4, 4),
            "{piece}: {published:?}, {} messages",
            queue.len()
        );
    }
    queue.close();
    consume(&rt, &queue, &seen).await?;
    seen.once(LINES)
}
