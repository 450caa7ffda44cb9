//! One event: a value and its position.

use std::fmt;
use std::time::Instant;

use sweet_async_core::Position;
use sweet_async_core::task::TaskId;

/// The identity of an event: its pipeline, and its position in the pipeline.
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

/// The data that all events of one chunk have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) task: TaskId,
    pub(crate) source: u32,
    /// The [number](crate::outcome::names::PublishedSource) of the source that was published; 0 for rows that
    /// come from no queue.
    pub(crate) published: u32,
    /// The sequence of the source's first row: the number of rows of the sources before. Where sources are
    /// read at the same time it is made of the source's number, see
    /// [`SenderStrategy`](crate::SenderStrategy).
    pub(crate) base: u64,
    pub(crate) at: Instant,
}

/// One value on its way through a pipeline, with its position.
#[derive(Clone, Debug)]
pub struct Event<T> {
    pub(crate) data: T,
    pub(crate) origin: Origin,
    pub(crate) sequence: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
    /// The number of the call that gets it, from 1.
    pub(crate) attempt: u32,
}

impl<T> Event<T> {
    /// Returns the value.
    pub fn data(&self) -> &T {
        &self.data
    }

    /// Returns the value and drops the rest, which must be read before.
    pub fn take_data(self) -> T {
        self.data
    }

    /// The event's position alone.
    pub(crate) fn without_data(&self) -> Event<()> {
        self.with(())
    }

    /// An event with another value, at the same position, of the same attempt.
    #[inline]
    pub(crate) fn with<U>(&self, data: U) -> Event<U> {
        let Self { origin, sequence, line, byte, attempt, .. } = *self;
        Event { data, origin, sequence, line, byte, attempt }
    }

    /// The value, and the position alone.
    #[inline]
    pub(crate) fn split(self) -> (T, Event<()>) {
        let Self { data, origin, sequence, line, byte, attempt } = self;
        (data, Event { data: (), origin, sequence, line, byte, attempt })
    }

    /// Returns the value's position in source order, from 0, over all sources of the pipeline. Rejected rows
    /// have a position too. Where sources are read at the same time there are gaps: see
    /// [`SenderStrategy`](crate::SenderStrategy).
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the time at which the value's chunk was ready to be sent to the workers, by the runtime's
    /// clock.
    pub fn timestamp(&self) -> Instant {
        self.origin.at
    }

    /// Returns the event's identity.
    pub fn event_id(&self) -> EventId {
        EventId { task: self.origin.task, sequence: self.sequence }
    }

    /// Returns the pipeline's id.
    pub fn task_id(&self) -> TaskId {
        self.origin.task
    }

    /// Returns the number of this attempt at the event, from 1: more than that where its receiver has failed
    /// before and the strategy is to [retry](crate::ErrorStrategy::retry_with).
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the value's position in its source.
    pub fn position(&self) -> Position {
        position(self.origin.source, self.line, self.byte)
    }
}

/// Makes a position. Lines count from 1: line 0 means that the source has no lines.
pub(crate) fn position(source: u32, line: u64, byte: u64) -> Position {
    let (line, byte) = if line == 0 { (None, None) } else { (Some(line), Some(byte)) };
    Position::new(source, line, byte)
}
