//! Reading a text source: block by block, and cut where it is read.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_io::AsyncRead;

use crate::error::{AsyncTaskError, SpawnError};
use crate::pipeline::rows::{Cut, Cutter, Unreadable};
use crate::pipeline::sources::{Blocking, Input, Opened};
use crate::runtime::{Join, Runtime};
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
pub(crate) enum Blocks<R: Runtime> {
    /// The next block is read while the one before is sent; `None` after the last one.
    OnPool {
        runtime: R,
        visit: Option<Visit<R>>,
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
        let cutting = Cutting { name, length: None, cutter };
        Ok(match input {
            Input::Async(reader) => Self::OnExecutor(Some(AsyncReading { reader, cutting })),
            Input::Blocking(input) => {
                let reading = Reading { input: Some(input), opened: None, cutting };
                Self::OnPool { runtime: runtime.clone(), visit: Some(Visit::start(runtime, reading)?) }
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
                    match Visit::start(runtime, reading) {
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
    cutter: Cutter,
}

impl Cutting {
    /// Cuts what a read of at most `most` bytes gave.
    fn cut(&mut self, read: io::Result<usize>, most: usize) -> Block {
        let mut block = Block::default();
        let (length, total) = (self.length.unwrap_or(0), self.cutter.total_bytes());
        let failure = match read {
            Ok(0) if total < length => {
                let short = format!("it had {length} bytes when it was opened, and ended after {total}");
                io::Error::new(io::ErrorKind::UnexpectedEof, short)
            }
            Ok(read) if read > most => {
                io::Error::other("the reader says that it filled more than its buffer")
            }
            Ok(read) => {
                block.bytes = read as u64;
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
        self.cutter.stop(&mut block.cuts);
        block.failed = Some(failed("reading", &self.name, failure));
        block
    }
}

fn failed(doing: &str, name: &str, error: io::Error) -> AsyncTaskError {
    AsyncTaskError::Io { context: format!("{doing} {name}").into(), error }
}

/// The error of a source that is not what it should be.
pub(crate) fn unreadable(name: &str, reason: &Unreadable) -> AsyncTaskError {
    failed("reading", name, io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))
}

/// What is read on the blocking pool; it moves there and back for each block.
pub(crate) struct Reading {
    input: Option<Blocking>,
    opened: Option<Opened>,
    cutting: Cutting,
}

impl Reading {
    /// Reads and cuts one block; blocks.
    fn block(&mut self) -> Block {
        let mut length = None;
        if let Some(input) = self.input.take() {
            match input.open() {
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
        Block { length, ..self.cutting.cut(read, BLOCK) }
    }
}

type Answer = (Reading, Block);

/// A block that is being read. Dropping it waits for nothing: a source may stall for ever, and a pipeline that is
/// given up must not.
pub(crate) struct Visit<R: Runtime> {
    join: Option<R::Join<Result<Answer, AsyncTaskError>>>,
}

impl<R: Runtime> Visit<R> {
    pub(crate) fn start(runtime: &R, mut reading: Reading) -> Result<Self, SpawnError> {
        let join = runtime.spawn_blocking(move || {
            caught(move || {
                let block = reading.block();
                (reading, block)
            })
        })?;
        Ok(Self { join: Some(join) })
    }
}

impl<R: Runtime> Future for Visit<R> {
    type Output = Result<Answer, AsyncTaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(join) = &mut self.join else { return Poll::Ready(Err(AsyncTaskError::Shutdown)) };
        let answer = std::task::ready!(Pin::new(join).poll(cx));
        self.join = None;
        Poll::Ready(answer.unwrap_or(Err(AsyncTaskError::Shutdown)))
    }
}

impl<R: Runtime> Drop for Visit<R> {
    fn drop(&mut self) {
        if let Some(join) = self.join.take() {
            join.detach();
        }
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
                Ok(Poll::Ready(read)) => Poll::Ready(Ok(cutting.cut(read, SLICE))),
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
