//! One event: a value, and where it came from.

use std::fmt;
use std::time::Instant;

use sweet_async_core::Position;
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
    /// The [number](crate::outcome::names::PublishedSource) of the source that was published; 0 for what comes from no queue.
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
    /// sources are read at the same time there are gaps: see [`SenderStrategy`](crate::SenderStrategy).
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
