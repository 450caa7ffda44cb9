//! Reading a text source: block by block, and cut where it is read.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_io::AsyncRead;

use crate::outcome::progress::Counters;
use crate::run::read::blocking_call::BlockingCall;
use crate::run::shared::control::Control;
use crate::source::compression::Codec;
use crate::source::input::{Blocking, Input, Opened};
use crate::text::cut::cutter::{Cut, Cutter};
use crate::text::fault::Unreadable;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime;

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
        control: Arc<Control<R>>,
        visit: Option<BlockingCall<(Reading, Block), R>>,
    },
    OnExecutor(Option<AsyncReading>),
}

impl<R: Runtime> Blocks<R> {
    pub(crate) fn of(
        control: &Arc<Control<R>>,
        input: Input,
        cutting: Cutting,
    ) -> Result<Self, AsyncTaskError> {
        Ok(match input {
            Input::Async(reader) => Self::OnExecutor(Some(AsyncReading { reader, cutting })),
            Input::Blocking(input, codec) => {
                let reading = Reading { input: Some((input, codec)), opened: None, cutting };
                Self::OnPool { control: control.clone(), visit: Some(reading.visit(control)?) }
            }
        })
    }

    /// The next block; `None` after the last one, and after one that failed.
    pub(crate) async fn next(&mut self) -> Result<Option<Block>, AsyncTaskError> {
        match self {
            Self::OnPool { control, visit } => {
                let Some((reading, mut block)) = visited(visit).await? else { return Ok(None) };
                if !block.is_last() {
                    match reading.visit(control) {
                        Ok(next) => *visit = Some(next),
                        Err(error) => block.failed = Some(error),
                    }
                }
                Ok(Some(block))
            }
            Self::OnExecutor(reading) => {
                let Some(reader) = reading else { return Ok(None) };
                let block = reader.block().await;
                if block.is_last() {
                    *reading = None;
                }
                Ok(Some(block))
            }
        }
    }

    /// The block that is being read at the moment, with all complete records, for a source that is read no further; `None` after
    /// the last block.
    pub(crate) async fn last(&mut self) -> Result<Option<Block>, AsyncTaskError> {
        let (mut cutting, mut block) = match self {
            Self::OnPool { visit, .. } => match visited(visit).await? {
                Some((reading, block)) => (reading.cutting, block),
                None => return Ok(None),
            },
            Self::OnExecutor(reading) => match reading.take() {
                Some(reading) => (reading.cutting, Block::default()),
                None => return Ok(None),
            },
        };
        cutting.give_up(&mut block.cuts);
        Ok(Some(block))
    }
}

/// The result of a read that is under way.
async fn visited<R: Runtime>(
    visit: &mut Option<BlockingCall<(Reading, Block), R>>,
) -> Result<Option<(Reading, Block)>, AsyncTaskError> {
    let Some(under_way) = visit else { return Ok(None) };
    let visited = under_way.await;
    *visit = None;
    visited.map(Some)
}

impl Block {
    fn is_last(&self) -> bool {
        self.ended || self.failed.is_some()
    }
}

/// The cutter of one source, with its name for errors, and the counters of its rows.
pub(crate) struct Cutting {
    name: Arc<str>,
    length: Option<u64>,
    /// Bytes that the source has given: of the text, or where that is compressed, of what it is compressed into.
    taken: u64,
    cutter: Cutter,
    counters: Arc<Counters>,
    /// Rows counted so far.
    rows: u64,
    /// Chunks are handled whole: each counts as one row, and one that is not handed out as none.
    whole: bool,
}

impl Cutting {
    pub(crate) fn new(name: Arc<str>, cutter: Cutter, counters: Arc<Counters>, whole: bool) -> Self {
        Self { name, length: None, taken: 0, cutter, counters, rows: 0, whole }
    }

    /// Counts complete rows. Here, and not where they are sent: rows of a sender that is killed were read, too.
    fn count(&mut self, cuts: &[Cut]) {
        let read = match self.whole {
            true => cuts.iter().filter(|cut| !matches!(cut, Cut::Header(_))).count() as u64,
            false => self.cutter.rows() - self.rows,
        };
        self.rows = self.cutter.rows();
        self.counters.read.add(read);
    }

    /// Hands out all complete records of a source that is read no further.
    fn give_up(&mut self, cuts: &mut Vec<Cut>) {
        let mut rest = Vec::new();
        self.cutter.give_up(&mut rest);
        self.count(&rest);
        cuts.append(&mut rest);
    }

    /// The last block of a source that cannot be read any further.
    fn broken(&mut self, error: AsyncTaskError) -> Block {
        let mut block = Block { failed: Some(error), ..Block::default() };
        // The records that are whole are handed on, whatever the size of a chunk; one that was cut short is not.
        self.give_up(&mut block.cuts);
        block
    }

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
                self.count(&block.cuts);
                return block;
            }
            Err(error) => error,
        };
        Block { bytes: block.bytes, ..self.broken(failed("reading", &self.name, failure)) }
    }
}

pub(crate) fn failed(doing: &str, name: &str, error: io::Error) -> AsyncTaskError {
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
    fn visit<R: Runtime>(
        mut self,
        control: &Arc<Control<R>>,
    ) -> Result<BlockingCall<(Self, Block), R>, AsyncTaskError> {
        // Held until the block is counted: the last holder closes the counters.
        let counting = control.clone();
        BlockingCall::start(&control.runtime, move || {
            let block = self.block();
            drop(counting);
            (self, block)
        })
    }

    /// Reads and cuts one block; blocks.
    fn block(&mut self) -> Block {
        let mut length = None;
        if let Some((input, codec)) = self.input.take() {
            // What decompresses a reader begins with its header.
            let opened = caught(|| input.open(codec));
            let opened = opened
                .and_then(|opened| opened.map_err(|error| failed("opening", &self.cutting.name, error)));
            match opened {
                Ok(opened) => {
                    length = opened.length;
                    self.cutting.length = length;
                    self.opened = Some(opened);
                }
                Err(error) => return self.cutting.broken(error),
            }
        }
        let Some(opened) = &mut self.opened else { return Block { ended: true, ..Block::default() } };
        let read = loop {
            let space = self.cutting.cutter.space(BLOCK);
            match caught(|| opened.reader.read(space)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => break read,
                Err(panic) => return self.cutting.broken(panic),
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
    async fn block(&mut self) -> Block {
        let Self { reader, cutting } = self;
        poll_fn(|cx| {
            let space = cutting.cutter.space(SLICE);
            match caught(|| reader.as_mut().poll_read(cx, space)) {
                Ok(Poll::Ready(Err(error))) if error.kind() == io::ErrorKind::Interrupted => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Ok(Poll::Ready(read)) => Poll::Ready(cutting.cut(read, SLICE, None)),
                Ok(Poll::Pending) => {
                    let mut cuts = Vec::new();
                    cutting.cutter.stop(&mut cuts);
                    if cuts.is_empty() {
                        Poll::Pending
                    } else {
                        Poll::Ready(Block { cuts, ..Block::default() })
                    }
                }
                Err(panic) => Poll::Ready(cutting.broken(panic)),
            }
        })
        .await
    }
}
