//! The blocks of a text source, cut on the thread that reads them.

use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_io::AsyncRead;

use crate::outcome::progress::Counters;
use crate::run::read::blocking_call::BlockingCall;
use crate::run::read::chunk_sender::Stop;
use crate::run::shared::control::Control;
use crate::source::compression::codec::Codec;
use crate::source::input::{Blocking, Input, Opened};
use crate::text::cut::cutter::{Cut, Cutter};
use crate::text::fault::Unreadable;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// The bytes of one read on the blocking pool: enough to make the hop there negligible, few enough for some
/// blocks to fit into a cache.
const BLOCK: usize = 512 << 10;

/// The bytes of one read on the executor. They are cut within the time slice that a task may keep its thread.
const SLICE: usize = 64 << 10;

/// The result of one read.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) cuts: Vec<Cut>,
    /// The number of bytes read.
    pub(crate) bytes: u64,
    /// Set by the first read: the number of bytes in all, if the source knows it.
    pub(crate) length: Option<u64>,
    ended: bool,
    /// The reason for reading no further. The rows before it stay valid.
    pub(crate) failed: Option<Stop>,
}

/// A text source that is being read.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each source that is open, and it is seldom moved"
)]
pub(crate) enum Blocks {
    /// The next block is read while the one before is sent. `blocking_call` is `None` after the last block.
    OnPool {
        control: Arc<Control>,
        blocking_call: Option<BlockingCall<(Reading, Block)>>,
    },
    OnExecutor(Option<AsyncReading>),
}

impl Blocks {
    pub(crate) fn of(control: &Arc<Control>, input: Input, cutting: Cutting) -> Result<Self, AsyncTaskError> {
        Ok(match input {
            Input::Async(reader) => Self::OnExecutor(Some(AsyncReading { reader, cutting })),
            Input::Blocking(input, codec) => {
                let reading = Reading { input: Some((input, codec)), opened: None, cutting };
                Self::OnPool { control: control.clone(), blocking_call: Some(reading.start_read(control)?) }
            }
        })
    }

    /// Returns the next block; `None` after the last one, and after one that failed.
    pub(crate) async fn next(&mut self) -> Result<Option<Block>, AsyncTaskError> {
        match self {
            Self::OnPool { control, blocking_call } => {
                let Some((reading, mut block)) = finished(blocking_call).await? else { return Ok(None) };
                if !block.is_last() {
                    match reading.start_read(control) {
                        Ok(next) => *blocking_call = Some(next),
                        Err(error) => block.failed = Some(Stop::Failed(error)),
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

    /// Returns the block that is being read at the moment, with all complete records, for a source that is
    /// read no further. `None` after the last block.
    pub(crate) async fn last(&mut self) -> Result<Option<Block>, AsyncTaskError> {
        let (mut cutting, mut block) = match self {
            Self::OnPool { blocking_call, .. } => match finished(blocking_call).await? {
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

/// Waits for the result of a read that is under way.
async fn finished(
    blocking_call: &mut Option<BlockingCall<(Reading, Block)>>,
) -> Result<Option<(Reading, Block)>, AsyncTaskError> {
    let Some(under_way) = blocking_call else { return Ok(None) };
    let result = under_way.await;
    *blocking_call = None;
    result.map(Some)
}

impl Block {
    fn is_last(&self) -> bool {
        self.ended || self.failed.is_some()
    }
}

/// The cutter of one source, with the source's name for errors, and the counters of its rows.
pub(crate) struct Cutting {
    name: Arc<str>,
    length: Option<u64>,
    /// The number of bytes that the source has given. Of a compressed source these are the compressed bytes.
    bytes_read: u64,
    cutter: Cutter,
    counters: Arc<Counters>,
    /// The number of rows counted so far.
    rows: u64,
    /// Set where chunks are handled as a whole: each chunk counts as one row, and one that is held back
    /// counts as none.
    whole: bool,
}

impl Cutting {
    pub(crate) fn new(name: Arc<str>, cutter: Cutter, counters: Arc<Counters>, whole: bool) -> Self {
        Self { name, length: None, bytes_read: 0, cutter, counters, rows: 0, whole }
    }

    /// Counts complete rows. This is done here and not where they are sent: rows of a sender that is killed
    /// were read as well.
    fn count(&mut self, cuts: &[Cut]) {
        let read = match self.whole {
            true => cuts.iter().filter(|cut| !matches!(cut, Cut::Header(_))).count() as u64,
            false => self.cutter.rows() - self.rows,
        };
        self.rows = self.cutter.rows();
        self.counters.read.add(read);
    }

    /// Adds all complete records, for a source that is read no further.
    fn give_up(&mut self, cuts: &mut Vec<Cut>) {
        let mut rest = Vec::new();
        self.cutter.give_up(&mut rest);
        self.count(&rest);
        cuts.append(&mut rest);
    }

    /// Makes the last block of a source that cannot be read any further.
    fn broken(&mut self, error: AsyncTaskError) -> Block {
        let mut block = Block { failed: Some(Stop::Source(error)), ..Block::default() };
        // Complete records are passed on, whatever the size of a chunk. A record that was cut short is not.
        self.give_up(&mut block.cuts);
        block
    }

    /// Cuts the bytes of one read of at most `most` bytes. `bytes_read` is the number of bytes that the
    /// source has given in all; `None` if these are the bytes that were read.
    fn cut(&mut self, read: io::Result<usize>, most: usize, bytes_read: Option<u64>) -> Block {
        let bytes_read = bytes_read.unwrap_or(self.bytes_read + read.as_ref().map_or(0, |read| *read as u64));
        let mut block = Block { bytes: bytes_read - self.bytes_read, ..Block::default() };
        self.bytes_read = bytes_read;
        let length = self.length.unwrap_or(0);
        let failure = match read {
            Ok(0) if bytes_read < length => {
                let short = format!("it had {length} bytes when it was opened, and ended after {bytes_read}");
                io::Error::new(io::ErrorKind::UnexpectedEof, short)
            }
            Ok(read) if read > most => {
                io::Error::other("the reader says that it filled more than its buffer")
            }
            Ok(read) => {
                let cut = match read {
                    0 => self.cutter.finish(&mut block.cuts),
                    read => self.cutter.filled(read, &mut block.cuts),
                };
                block.ended = read == 0 || self.cutter.is_done();
                block.failed = cut.err().map(|reason| Stop::Source(unreadable(&self.name, &reason)));
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

/// The error of a source whose content is invalid.
pub(crate) fn unreadable(name: &str, reason: &Unreadable) -> AsyncTaskError {
    failed("reading", name, io::Error::new(io::ErrorKind::InvalidData, reason.to_string()))
}

/// The part of a source that moves to the blocking pool and back for each block.
pub(crate) struct Reading {
    input: Option<(Blocking, Option<Codec>)>,
    opened: Option<Opened>,
    cutting: Cutting,
}

impl Reading {
    fn start_read(mut self, control: &Arc<Control>) -> Result<BlockingCall<(Self, Block)>, AsyncTaskError> {
        // Held until the block is counted: the last holder closes the counters.
        let counting = control.clone();
        BlockingCall::start(&control.runtime, move || {
            let block = self.block();
            drop(counting);
            (self, block)
        })
    }

    /// Reads and cuts one block. Blocks the thread.
    fn block(&mut self) -> Block {
        let mut length = None;
        if let Some((input, codec)) = self.input.take() {
            // Opening may call the user's reader: a decompressor reads its header at once.
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
        Block { length, ..self.cutting.cut(read, BLOCK, opened.reader.bytes_read()) }
    }
}

/// A reader that is polled on the executor, where its bytes are cut as well.
pub(crate) struct AsyncReading {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    cutting: Cutting,
}

impl AsyncReading {
    /// Reads and cuts one slice. Complete records go out before the reader is waited for.
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
