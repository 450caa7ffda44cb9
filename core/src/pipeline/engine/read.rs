//! Reading a text source: block by block, and cut where it is read.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_io::AsyncRead;

use super::visit::Visit;
use crate::error::{AsyncTaskError, SpawnError};
use crate::pipeline::rows::{Cut, Cutter, Unreadable};
use crate::pipeline::sources::{Blocking, Codec, Input, Opened};
use crate::runtime::Runtime;
use crate::task::caught;

/// Bytes read at a time on the blocking pool: large enough for the hop there not to count, small enough for a few of them
/// to fit into a cache.
const BLOCK: usize = 512 << 10;

/// Bytes read at a time on the executor: cut within a slice of the time that a task may keep its thread.
const SLICE: usize = 64 << 10;

/// What one read gave.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) cuts: Vec<Cut>,
    /// Bytes read.
    pub(crate) bytes: u64,
    /// At the first read: how many bytes there are in all, if the source can tell.
    pub(crate) length: Option<u64>,
    ended: bool,
    /// Why no more can be read. The rows before it stand.
    pub(crate) failed: Option<AsyncTaskError>,
}

/// A text source that is being read.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each source that is open, and it is seldom moved"
)]
pub(crate) enum Blocks<R: Runtime> {
    /// The next block is read while the one before is sent; `None` after the last one.
    OnPool {
        runtime: R,
        visit: Option<Visit<(Reading, Block), R>>,
    },
    OnExecutor(Option<AsyncReading>),
}

impl<R: Runtime> Blocks<R> {
    pub(crate) fn of(
        runtime: &R,
        name: Arc<str>,
        input: Input,
        cutter: Cutter,
    ) -> Result<Self, AsyncTaskError> {
        let cutting = Cutting { name, length: None, taken: 0, cutter };
        Ok(match input {
            Input::Async(reader) => Self::OnExecutor(Some(AsyncReading { reader, cutting })),
            Input::Blocking(input, codec) => {
                let reading = Reading { input: Some((input, codec)), opened: None, cutting };
                Self::OnPool { runtime: runtime.clone(), visit: Some(reading.visit(runtime)?) }
            }
        })
    }

    /// The next block; `None` after the last one, and after one that failed.
    pub(crate) async fn next(&mut self) -> Result<Option<Block>, AsyncTaskError> {
        match self {
            Self::OnPool { runtime, visit } => {
                let Some(reading) = visit else { return Ok(None) };
                let (reading, mut block) = reading.await?;
                *visit = None;
                if !block.is_last() {
                    match reading.visit(runtime) {
                        Ok(next) => *visit = Some(next),
                        Err(error) => block.failed = Some(error.into()),
                    }
                }
                Ok(Some(block))
            }
            Self::OnExecutor(reading) => {
                let Some(reader) = reading else { return Ok(None) };
                let block = reader.block().await?;
                if block.is_last() {
                    *reading = None;
                }
                Ok(Some(block))
            }
        }
    }
}

impl Block {
    fn is_last(&self) -> bool {
        self.ended || self.failed.is_some()
    }
}

/// The cutter of one source, and what its errors say.
struct Cutting {
    name: Arc<str>,
    length: Option<u64>,
    /// Bytes that the source has given: of the text, or where that is compressed, of what it is compressed into.
    taken: u64,
    cutter: Cutter,
}

impl Cutting {
    /// Cuts what a read of at most `most` bytes gave, where the source has given `taken` bytes in all, unless those are
    /// what was read.
    fn cut(&mut self, read: io::Result<usize>, most: usize, taken: Option<u64>) -> Block {
        let taken = taken.unwrap_or(self.taken + read.as_ref().map_or(0, |read| *read as u64));
        let mut block = Block { bytes: taken - self.taken, ..Block::default() };
        self.taken = taken;
        let length = self.length.unwrap_or(0);
        let failure = match read {
            Ok(0) if taken < length => {
                let short = format!("it had {length} bytes when it was opened, and ended after {taken}");
                io::Error::new(io::ErrorKind::UnexpectedEof, short)
            }
            Ok(read) if read > most => {
                io::Error::other("the reader says that it filled more than its buffer")
            }
            Ok(read) => {
                block.ended = read == 0;
                let cut = match read {
                    0 => self.cutter.finish(&mut block.cuts),
                    read => self.cutter.filled(read, &mut block.cuts),
                };
                block.failed = cut.err().map(|reason| unreadable(&self.name, &reason));
                return block;
            }
            Err(error) => error,
        };
        // The records that are whole are handed on, whatever the size of a chunk; one that was cut short is not.
        self.cutter.give_up(&mut block.cuts);
        block.failed = Some(failed("reading", &self.name, failure));
        block
    }
}

pub(super) fn failed(doing: &str, name: &str, error: io::Error) -> AsyncTaskError {
    AsyncTaskError::Io { context: format!("{doing} {name}").into(), error }
}

/// The error of a source that is not what it should be.
pub(crate) fn unreadable(name: &str, reason: &Unreadable) -> AsyncTaskError {
    failed("reading", name, io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))
}

/// What is read on the blocking pool; it moves there and back for each block.
pub(crate) struct Reading {
    input: Option<(Blocking, Option<Codec>)>,
    opened: Option<Opened>,
    cutting: Cutting,
}

impl Reading {
    fn visit<R: Runtime>(mut self, runtime: &R) -> Result<Visit<(Self, Block), R>, SpawnError> {
        Visit::start(runtime, move || {
            let block = self.block();
            (self, block)
        })
    }

    /// Reads and cuts one block; blocks.
    fn block(&mut self) -> Block {
        let mut length = None;
        if let Some((input, codec)) = self.input.take() {
            match input.open(codec) {
                Ok(opened) => {
                    length = opened.length;
                    self.cutting.length = length;
                    self.opened = Some(opened);
                }
                Err(error) => {
                    let failed = Some(failed("opening", &self.cutting.name, error));
                    return Block { failed, ..Block::default() };
                }
            }
        }
        let Some(opened) = &mut self.opened else { return Block { ended: true, ..Block::default() } };
        let read = loop {
            match opened.reader.read(self.cutting.cutter.space(BLOCK)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        Block { length, ..self.cutting.cut(read, BLOCK, opened.reader.taken()) }
    }
}

/// A reader that is polled, and cut where it is polled.
pub(crate) struct AsyncReading {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    cutting: Cutting,
}

impl AsyncReading {
    /// Reads and cuts one slice; what is whole goes out before the reader is waited for.
    ///
    /// # Errors
    ///
    /// The reader panicked.
    async fn block(&mut self) -> Result<Block, AsyncTaskError> {
        let Self { reader, cutting } = self;
        poll_fn(|cx| {
            let space = cutting.cutter.space(SLICE);
            match caught(|| reader.as_mut().poll_read(cx, space)) {
                Ok(Poll::Ready(Err(error))) if error.kind() == io::ErrorKind::Interrupted => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Ok(Poll::Ready(read)) => Poll::Ready(Ok(cutting.cut(read, SLICE, None))),
                Ok(Poll::Pending) => {
                    let mut cuts = Vec::new();
                    cutting.cutter.stop(&mut cuts);
                    if cuts.is_empty() {
                        Poll::Pending
                    } else {
                        Poll::Ready(Ok(Block { cuts, ..Block::default() }))
                    }
                }
                Err(panic) => Poll::Ready(Err(panic)),
            }
        })
        .await
    }
}
