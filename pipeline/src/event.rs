//! What a receiver is handed, and what is said at the end.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Position, Progress, RowError};
use sweet_async_core::task::TaskId;

/// The identity of an event: its pipeline and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    task: TaskId,
    sequence: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.task, self.sequence)
    }
}

/// What all events of one chunk have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) task: TaskId,
    pub(crate) source: u32,
    /// The [number](super::names::PublishedSource) of the source that was published; 0 for what comes from no queue.
    pub(crate) published: u32,
    /// Rows of the sources before this one.
    pub(crate) base: u64,
    pub(crate) at: Instant,
}

/// One value on its way through a pipeline, with where it came from.
#[derive(Clone, Debug)]
pub struct Event<T> {
    pub(crate) data: T,
    pub(crate) origin: Origin,
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl<T> Event<T> {
    /// The value.
    pub fn data(&self) -> &T {
        &self.data
    }

    /// The value, taken out. Ask for the rest before.
    pub fn take_data(self) -> T {
        self.data
    }

    /// Its place alone.
    pub(crate) fn without_data(&self) -> Event<()> {
        let Self { origin, sequence, line, byte, .. } = *self;
        Event { data: (), origin, sequence, line, byte }
    }

    /// The value's place in source order, from 0, over all sources of the pipeline. Rejected rows have a place too. Where
    /// sources are read at the same time there are gaps: see [`SenderStrategy`](super::SenderStrategy).
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// When the value's chunk was sent, by the runtime's clock.
    pub fn timestamp(&self) -> Instant {
        self.origin.at
    }

    /// The event's identity.
    pub fn event_id(&self) -> EventId {
        EventId { task: self.origin.task, sequence: self.sequence }
    }

    /// The pipeline's id.
    pub fn task_id(&self) -> TaskId {
        self.origin.task
    }

    /// Where the value stands in its source.
    pub fn position(&self) -> Position {
        position(self.origin.source, self.line, self.byte)
    }
}

/// Lines count from 1: line 0 says that there are none.
pub(crate) fn position(source: u32, line: u64, byte: u64) -> Position {
    let (line, byte) = if line == 0 { (None, None) } else { (Some(line), Some(byte)) };
    Position::new(source, line, byte)
}

/// What a pipeline did, once all of it has ended: `read` = `handled` + `rejected` + `dropped`, exactly. A clone is the
/// same summary, and costs next to nothing.
#[derive(Clone, Default)]
pub struct FinalEvent(Arc<Summary>);

#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) progress: Progress,
    pub(crate) duplicates: u64,
    pub(crate) errors: Vec<RowError>,
    pub(crate) sources: Vec<Arc<str>>,
}

impl From<Summary> for FinalEvent {
    fn from(summary: Summary) -> Self {
        Self(Arc::new(summary))
    }
}

impl FinalEvent {
    /// Of the rows that were there to be pulled, `taken` were; the others are dropped.
    pub(crate) fn with_taken(mut self, taken: u64) -> Self {
        // Nobody else has it yet.
        if let Some(Summary { progress, .. }) = Arc::get_mut(&mut self.0) {
            progress.dropped += progress.handled.saturating_sub(taken);
            progress.handled = taken;
        }
        self
    }

    /// Rows read, headers not counted.
    pub fn read(&self) -> u64 {
        self.0.progress.read
    }

    /// Rows that a receiver took without an error.
    pub fn handled(&self) -> u64 {
        self.0.progress.handled
    }

    /// Rows that could not be parsed, or that a receiver refused: exact, however many errors are kept.
    pub fn rejected(&self) -> u64 {
        self.0.progress.rejected
    }

    /// Rows that were read and that nobody has handled to the end, because the pipeline ended first.
    pub fn dropped(&self) -> u64 {
        self.0.progress.dropped
    }

    /// Values collected under a key that was there already.
    pub fn duplicates(&self) -> u64 {
        self.0.duplicates
    }

    /// Bytes read from text sources.
    pub fn bytes(&self) -> u64 {
        self.0.progress.bytes_read
    }

    /// The first rejected rows in source order, at most `max_errors` of them. One whose error has become the pipeline's
    /// own is not among them.
    pub fn errors(&self) -> &[RowError] {
        &self.0.errors
    }

    /// From start to end, by the runtime's clock.
    pub fn elapsed(&self) -> Duration {
        self.0.progress.elapsed
    }

    /// The sources' names, in the order in which the sender named them; [`Position::source`] is an index into it.
    pub fn sources(&self) -> &[Arc<str>] {
        &self.0.sources
    }
}

impl fmt::Debug for FinalEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FinalEvent").field(&self.0).finish()
    }
}
