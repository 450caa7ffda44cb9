//! Several events that are passed to the receiver together.

use std::ops::Deref;
use std::vec;

use crate::event::single::Event;

/// Events that are handled together. A batch is never empty. The events are in the order in which their
/// worker got them. See [`PipelineSender::batched`](crate::PipelineSender::batched).
#[derive(Clone, Debug)]
pub struct Batch<T>(Vec<Event<T>>);

impl<T> Batch<T> {
    pub(crate) fn new(events: Vec<Event<T>>) -> Self {
        Self(events)
    }

    /// Returns the events.
    pub fn into_events(self) -> Vec<Event<T>> {
        self.0
    }
}

/// The number of rows from which events come. Events of one row are next to each other.
pub(crate) fn rows<T>(events: &[Event<T>]) -> u64 {
    events.chunk_by(|one, next| one.sequence == next.sequence).count() as u64
}

impl<T> Deref for Batch<T> {
    type Target = [Event<T>];

    fn deref(&self) -> &[Event<T>] {
        &self.0
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = Event<T>;
    type IntoIter = vec::IntoIter<Event<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
