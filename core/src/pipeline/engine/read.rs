//! Reading a text source: one block at a time, on the blocking pool, and cut there.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{AsyncTaskError, SpawnError};
use crate::pipeline::rows::{Cut, Cutter, Unreadable};
use crate::pipeline::sources::{Input, Opened};
use crate::runtime::{Join, Runtime};
use crate::task::caught;

/// Bytes read at a time: large enough for the hop to the blocking pool not to count, small enough for a few of them
/// to fit into a cache.
const BLOCK: usize = 512 << 10;

/// A text source that is being read; it moves to the blocking pool and back for each block.
pub(crate) struct Reading {
    name: String,
    input: Option<Input>,
    opened: Option<Opened>,
    cutter: Cutter,
}

/// What one visit to the blocking pool gave.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) cuts: Vec<Cut>,
    /// Bytes read.
    pub(crate) bytes: u64,
    /// At the first visit: how many bytes there are in all, if the source can tell.
    pub(crate) length: Option<Option<u64>>,
    pub(crate) ended: bool,
    /// Why no more can be read. The rows before it stand.
    pub(crate) failed: Option<AsyncTaskError>,
}

impl Reading {
    pub(crate) fn new(input: Input, cutter: Cutter) -> Self {
        Self { name: input.name(), input: Some(input), opened: None, cutter }
    }

    /// Reads and cuts one block; blocks.
    fn block(&mut self) -> Block {
        let mut block = Block::default();
        if let Some(input) = self.input.take() {
            match input.open() {
                Ok(opened) => {
                    block.length = Some(opened.length);
                    self.opened = Some(opened);
                }
                Err(error) => return Block { failed: Some(self.failed("opening", error)), ..block },
            }
        }
        if let Err(error) = self.read_and_cut(&mut block) {
            block.failed = Some(error);
        }
        block
    }

    fn read_and_cut(&mut self, block: &mut Block) -> Result<(), AsyncTaskError> {
        let Some(opened) = &mut self.opened else { return Err(AsyncTaskError::Shutdown) };
        let read = loop {
            match opened.reader.read(self.cutter.space(BLOCK)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let (length, total) = (opened.length.unwrap_or(0), self.cutter.total_bytes());
        let failure = match read {
            Ok(0) if total < length => {
                let short = format!("it had {length} bytes when it was opened, and ended after {total}");
                io::Error::new(io::ErrorKind::UnexpectedEof, short)
            }
            Ok(read) => {
                block.bytes = read as u64;
                block.ended = read == 0;
                let cut = match read {
                    0 => self.cutter.finish(&mut block.cuts),
                    read => self.cutter.filled(read, &mut block.cuts),
                };
                return cut.map_err(|reason| self.unreadable(&reason));
            }
            Err(error) => error,
        };
        // The records that are whole are handed on, whatever the size of a chunk; one that was cut short is not.
        self.cutter.stop(&mut block.cuts);
        Err(self.failed("reading", failure))
    }

    fn failed(&self, doing: &str, error: io::Error) -> AsyncTaskError {
        AsyncTaskError::Io { context: format!("{doing} {}", self.name).into(), error }
    }

    pub(crate) fn unreadable(&self, reason: &Unreadable) -> AsyncTaskError {
        self.failed("reading", io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))
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
