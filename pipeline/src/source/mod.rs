//! The sources of a pipeline: items, streams, channels, files, readers, bytes and queues.

pub(crate) mod channel;
pub(crate) mod compression;
pub(crate) mod format;
pub(crate) mod input;
pub(crate) mod items;
pub(crate) mod queue;
pub(crate) mod sealed;
pub(crate) mod size;
pub(crate) mod strategy;
pub(crate) mod text;

use std::io::Read;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use futures_io::AsyncRead;

pub(crate) use crate::source::channel::EventSender;
pub(crate) use crate::source::input::{Blocking, Input};
pub(crate) use crate::source::items::ItemSource;
pub(crate) use crate::source::items::{Fill, Filling, ItemChunks, PollItems};
pub(crate) use crate::source::queue::QueuePlan;
pub(crate) use crate::source::queue::QueueSource;
pub(crate) use crate::source::text::TextPlan;
pub(crate) use crate::source::text::TextSource;

use crate::queue::Queue;
use crate::text::chunk::ChunkSize;
use sweet_async_core::error::AsyncTaskError;

/// The sources of a pipeline, as the sender closure adds them. A channel is added at once, a queue when its
/// format is named, and every other source by its `into_chunks`. Several are read one after the other, in the
/// order in which they were added, unless [`SenderStrategy`](crate::SenderStrategy) says otherwise.
pub struct Sources<T> {
    plans: Plans,
    events: PhantomData<fn() -> T>,
}

/// The sources that were added so far.
#[derive(Default)]
pub(crate) struct Plans {
    plans: Vec<Plan>,
    /// The first invalid setting. The pipeline fails with it when it is to start, and reads nothing.
    fault: Option<AsyncTaskError>,
}

/// The output of a sender closure: `()`, since `into_chunks` adds each source.
#[diagnostic::on_unimplemented(
    message = "a sender closure returns `()`, and this one a `{Self}`",
    note = "a source is added by `into_chunks`: end with it, such as `.into_chunks(100.rows())`; one of a queue, with its format"
)]
pub trait SenderOutput: output::Sealed {}

impl SenderOutput for () {}

mod output {
    pub trait Sealed {}
    impl Sealed for () {}
}

/// The most events that a channel has room for: its memory is allocated when it is made.
const MOST_EVENTS: usize = 1 << 20;

/// One source, ready to be read.
pub(crate) enum Plan {
    Items(ItemChunks<Box<dyn Fill>>),
    Stream(ItemChunks<Box<dyn PollItems>>),
    Text(TextPlan),
    Queue(QueuePlan),
}

impl Plan {
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::Items(items) => items.name.into(),
            Self::Stream(stream) => stream.name.into(),
            Self::Text(text) => text.name.clone(),
            Self::Queue(queue) => queue.name.clone(),
        }
    }

    /// Returns its length in bytes, if known.
    pub(crate) fn length(&self) -> Option<u64> {
        if let Self::Text(text) = self { text.length } else { None }
    }

    /// Sets its length in bytes.
    pub(crate) fn set_length(&mut self, length: u64) {
        if let Self::Text(text) = self {
            text.length = Some(length);
        }
    }

    /// Returns the name and the path, if the source is a file.
    pub(crate) fn file(&self) -> Option<(Arc<str>, PathBuf)> {
        let Self::Text(TextPlan { name, input: Input::Blocking(Blocking::File(path), _), .. }) = self else {
            return None;
        };
        Some((name.clone(), path.clone()))
    }
}

impl<T: Send + 'static> Sources<T> {
    pub(crate) fn new() -> Self {
        Self { plans: Plans::default(), events: PhantomData }
    }

    /// Items of an iterator. It runs on the executor's threads, in slices of at most 256 items and about 200
    /// us, whatever the size of a chunk: other tasks run between two slices, and a cancellation is noticed
    /// there. An iterator that blocks belongs in blocking work that feeds a channel, to be read with
    /// [`of_stream`](Self::of_stream).
    pub fn of<I>(&mut self, items: I) -> ItemSource<'_, T, I::IntoIter>
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        ItemSource::new(self, items.into_iter())
    }

    /// Items of a stream, taken in slices like those of an [iterator](Self::of).
    pub fn of_stream<St>(&mut self, stream: St) -> ItemSource<'_, T, crate::source::items::Pulled<St>>
    where
        St: Stream<Item = T> + Send + 'static,
    {
        ItemSource::new(self, crate::source::items::Pulled(stream))
    }

    /// Events that are sent by hand, through the sender that this returns. The sender closure passes it to
    /// the code that is to send. The source ends once all clones of the sender are dropped, or once one of
    /// them [closes](EventSender::close) the channel. The channel has room for `capacity` events, and as many
    /// may be on their way into a chunk; events that are there go out at once. A capacity of zero, or of more
    /// than 1,048,576, is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// A receiver that keeps a sender keeps its own pipeline from ending.
    ///
    /// ```
    /// # use sweet_async_core::{AsyncTaskError, Runtime, TaskBuilder};
    /// # use sweet_async_pipeline::{Event, PipelineBuilder};
    /// # async fn sum<R: Runtime>(runtime: R) -> Result<u64, AsyncTaskError> {
    /// let (sum, _summary) = PipelineBuilder::<u64, _>::new(runtime.clone())
    ///     .sender(move |sources| {
    ///         let events = sources.channel(16);
    ///         TaskBuilder::<(), _>::new(runtime)
    ///             .try_spawn(|| async move {
    ///                 for event in 0..100 {
    ///                     events.send(event).await?;
    ///                 }
    ///                 Ok(())
    ///             })
    ///             .detach();
    ///     })
    ///     .fold(|| 0, |sum, event: Event<u64>| *sum += event.take_data(), |left, right| left + right)
    ///     .await?;
    /// # Ok(sum)
    /// # }
    /// ```
    pub fn channel(&mut self, capacity: usize) -> EventSender<T> {
        let (sender, incoming) = EventSender::channel(capacity.min(MOST_EVENTS));
        if (1..=MOST_EVENTS).contains(&capacity) {
            let items = Box::new(Filling::new(Box::pin(incoming)));
            self.plans.push(Plan::Stream(ItemChunks { name: "a channel", items, rows: capacity }));
        } else {
            let range = format!("from 1 to {MOST_EVENTS}");
            self.plans.refuse(AsyncTaskError::out_of_range("`capacity` of a channel", capacity, &range));
        }
        sender
    }

    /// Rows of a file: CSV with a header, unless the source says otherwise. The file is read on the blocking
    /// pool, and opened when its turn comes. A file that cannot be opened is noticed when the pipeline
    /// starts, before any source is read.
    ///
    /// Data that is appended to the file before its end is reached is read too. Its last row needs no line
    /// end: in a file that is still being written, the part of the last line that is there is a row, whole or
    /// not. So a file should be complete when it is read, or be renamed to its name once it is.
    ///
    /// A file that is cut shorter than it was when it was opened is an error ([`AsyncTaskError::Io`]), once
    /// its rows until then have been handed on. If a file is replaced by another, the one that was opened is
    /// read on.
    pub fn of_file(&mut self, path: impl Into<PathBuf>) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Blocking(Blocking::File(path.into()), None)])
    }

    /// Rows of several files, one file after the other, each with a header of its own; otherwise as
    /// [`of_file`](Self::of_file). An empty list of files is refused ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// The first file that cannot be read ends the whole pipeline, whatever its
    /// [`ErrorStrategy`](crate::ErrorStrategy), which is about rows. A missing file ends it before any row of
    /// the others is handled; a file that turns out to be corrupt or in UTF-16 ends it once its turn has
    /// come. To read on without such a file, skip it:
    /// [`on_source_error`](crate::PipelineBuilder::on_source_error).
    pub fn of_files<P: Into<PathBuf>>(&mut self, paths: impl IntoIterator<Item = P>) -> TextSource<'_, T> {
        let input = |path: P| Input::Blocking(Blocking::File(path.into()), None);
        TextSource::new(self, paths.into_iter().map(input).collect())
    }

    /// Rows of a reader, read on the blocking pool: CSV with a header, unless the source says otherwise. A
    /// read that was [`Interrupted`](std::io::ErrorKind::Interrupted) is tried again. Rows go out once they
    /// fill a chunk: a reader that gives rows only now and then needs small chunks.
    ///
    /// A read is blocking work of the pipeline's task. A read that stalls is not waited for at the limit of
    /// [`with_timeout`](crate::PipelineBuilder::with_timeout). It delays every other end of the pipeline
    /// until it returns, a kill and the error of a row among them. A hard kill reports that the read goes on
    /// ([`CancelOutcome::Abandoned`](sweet_async_core::CancelOutcome::Abandoned)). A reader that may stall
    /// for long needs a time limit of its own, or should be a polled one
    /// ([`of_async_reader`](Self::of_async_reader)). At a graceful cancellation the pipeline handles what has
    /// been read, and what the read under way still gives within the grace period.
    pub fn of_reader(&mut self, reader: impl Read + Send + 'static) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Blocking(Blocking::Reader(Box::new(reader)), None)])
    }

    /// As [`of_reader`](Self::of_reader), for a reader that is polled: on the executor's threads, at most 64
    /// KiB at a time, so that other tasks can run in between. A chunk goes out earlier when the reader has no
    /// more for the moment, unless it is [published](crate::PipelineSender::publish). The reader is dropped
    /// when the pipeline ends.
    pub fn of_async_reader(&mut self, reader: impl AsyncRead + Send + 'static) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Async(Box::pin(reader))])
    }

    /// Rows of bytes in memory: CSV with a header, unless the source says otherwise.
    pub fn of_bytes(&mut self, bytes: impl Into<Bytes>) -> TextSource<'_, T> {
        TextSource::new(self, vec![Input::Blocking(Blocking::Bytes(bytes.into()), None)])
    }

    /// The messages that other pipelines have [published](crate::PipelineSender::publish) into `queue`, from
    /// its first message to its end. A queue that never ends is read until the pipeline is cancelled. The
    /// source must name the format of its publisher.
    ///
    /// A message is acknowledged as soon as its last row is handled, or rejected by a strategy that goes on.
    /// Values that receivers have collected or folded by then are in this process alone; where they must
    /// outlive the process, the receiver itself writes them. Messages that the pipeline's end leaves
    /// unhandled are given back; after a kill, others claim them when the lease runs out. So rows may be
    /// handled more than once. A [pulled](crate::PipelineSender::pull) pipeline does not know what becomes of
    /// its events, and is refused a queue ([`AsyncTaskError::InvalidConfig`]).
    ///
    /// An event's position is that in the source that was published; its sequence counts in the order of
    /// claims. The order of rows is kept within a message. Errors name the source that was published.
    pub fn of_queue(&mut self, queue: &impl Queue) -> QueueSource<'_, T> {
        QueueSource::new(self, queue.clone())
    }

    pub(crate) fn into_plans(self) -> Result<Vec<Plan>, AsyncTaskError> {
        self.plans.into_all()
    }
}

impl Plans {
    fn push(&mut self, plan: Plan) {
        self.plans.push(plan);
    }

    fn add(&mut self, size: ChunkSize, plans: Result<Vec<Plan>, AsyncTaskError>) {
        let plans = match size {
            ChunkSize::Rows(0) | ChunkSize::Bytes(0) => {
                Err(AsyncTaskError::out_of_range("the size of `into_chunks`", 0, "at least 1"))
            }
            _ => plans,
        };
        self.extend(plans);
    }

    fn extend(&mut self, plans: Result<Vec<Plan>, AsyncTaskError>) {
        match plans {
            Ok(plans) => self.plans.extend(plans),
            Err(fault) => self.refuse(fault),
        }
    }

    fn refuse(&mut self, fault: AsyncTaskError) {
        self.fault.get_or_insert(fault);
    }

    fn into_all(self) -> Result<Vec<Plan>, AsyncTaskError> {
        match self.fault {
            Some(fault) => Err(fault),
            None if self.plans.is_empty() => Err(AsyncTaskError::config(
                "the sender named no source: call one of Sources' methods, such as of or of_file, and into_chunks on what it gives",
            )),
            None => Ok(self.plans),
        }
    }
}
