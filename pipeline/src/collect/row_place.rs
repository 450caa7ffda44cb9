//! The row place: the position of the row of a collected value.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::collect::partition::Entry;
use crate::event::single::Event;
use crate::event::single::{Origin, position};
use crate::outcome::names::Names;
use sweet_async_core::Position;

/// The position of a row. Line 0 means that the source has no lines.
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

/// The row place that a value carries: all of it where a duplicate is an error, and nothing otherwise.
pub(crate) trait MaybeRowPlace: Copy + Send + 'static {
    fn from_row_place(row_place: &RowPlace) -> Self;

    fn row_place(self) -> Option<RowPlace>;

    /// Removes the row places from a table.
    fn strip<K: Hash, V>(table: HashTable<Entry<K, V, Self>>, hasher: &RandomState)
    -> HashTable<Entry<K, V>>;
}

impl MaybeRowPlace for () {
    fn from_row_place(_: &RowPlace) -> Self {}

    fn row_place(self) -> Option<RowPlace> {
        None
    }

    fn strip<K: Hash, V>(table: HashTable<Entry<K, V>>, _: &RandomState) -> HashTable<Entry<K, V>> {
        table
    }
}

impl MaybeRowPlace for RowPlace {
    fn from_row_place(row_place: &RowPlace) -> Self {
        *row_place
    }

    fn row_place(self) -> Option<RowPlace> {
        Some(self)
    }

    fn strip<K: Hash, V>(
        table: HashTable<Entry<K, V, Self>>,
        hasher: &RandomState,
    ) -> HashTable<Entry<K, V>> {
        let mut stripped = HashTable::with_capacity(table.len());
        for Entry { key, value, sequence, .. } in table {
            let entry = Entry { key, value, sequence, row_place: () };
            stripped.insert_unique(hasher.hash_one(&entry.key), entry, |entry| hasher.hash_one(&entry.key));
        }
        stripped
    }
}
