//! The row place: the position of a row that has collected a value or an error.

use std::sync::Arc;

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

/// The place of a row that has collected values, with the sequence of the row.
pub(crate) type Placed = (u64, RowPlace);

/// The places of all rows that have collected values: those of each worker, in the order of sequences.
#[derive(Default)]
pub(crate) struct Places(Vec<Vec<Placed>>);

impl Places {
    /// Adds the places of one worker.
    pub(crate) fn add(&mut self, mut places: Vec<Placed>) {
        // Mostly in order already.
        places.sort_unstable_by_key(|(sequence, _)| *sequence);
        self.0.push(places);
    }

    /// The place of a row.
    pub(crate) fn find(&self, sequence: u64) -> Option<RowPlace> {
        let find = |places: &Vec<Placed>| {
            let found = places.binary_search_by_key(&sequence, |(sequence, _)| *sequence).ok()?;
            places.get(found).map(|(_, row_place)| *row_place)
        };
        self.0.iter().find_map(find)
    }
}
