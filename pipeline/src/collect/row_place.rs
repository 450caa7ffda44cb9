//! The row place: the position of a row that has collected a value or an error.

use std::sync::Arc;

use concurrent_queue::ConcurrentQueue;

use crate::event::single::Event;
use crate::event::single::{Origin, position};
use crate::outcome::names::Names;
use sweet_async_core::Position;

/// The place of a row: its source, and its position there. Line 0 means that the source has no lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RowPlace {
    pub(crate) source: u32,
    /// See [`Origin`](crate::event::single::Origin).
    pub(crate) published: u32,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl RowPlace {
    pub(crate) fn of<T>(event: &Event<T>) -> Self {
        let Origin { source, published, .. } = event.origin;
        Self { source, published, line: event.line, byte: event.byte }
    }

    pub(crate) fn position(self) -> Position {
        position(self.source, self.line, self.byte)
    }

    /// The name of the row's source.
    pub(crate) fn name(self, names: &Names) -> Arc<str> {
        names.of(self.source, self.published)
    }
}

/// The places of rows that have collected values, each with the sequence of its row.
#[derive(Default)]
pub(crate) struct Places(Vec<(u64, RowPlace)>);

impl Places {
    /// Adds the place of a row. Several values of one row in succession add it once.
    pub(crate) fn add(&mut self, sequence: u64, row_place: RowPlace) {
        if self.0.last().is_none_or(|(last, _)| *last != sequence) {
            self.0.push((sequence, row_place));
        }
    }

    /// The places of all workers, in the order of sequences, for [`find`](Self::find).
    pub(crate) fn all(handed_over: &ConcurrentQueue<Self>) -> Self {
        let mut all = Self(handed_over.try_iter().flat_map(|places| places.0).collect());
        all.0.sort_unstable_by_key(|(sequence, _)| *sequence);
        all
    }

    /// The place of a row; only of [`all`](Self::all).
    pub(crate) fn find(&self, sequence: u64) -> Option<RowPlace> {
        let found = self.0.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()?;
        self.0.get(found).map(|(_, row_place)| *row_place)
    }
}
