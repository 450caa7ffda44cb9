//! Where the row of a collected value stood, for those who have to tell.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::collect::partition::Slot;
use crate::event::single::Event;
use crate::event::single::{Origin, position};
use crate::outcome::names::Names;
use sweet_async_core::Position;

/// Where a row stands; line 0 says that there are none.
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

    /// What its source is called.
    pub(crate) fn name(self, names: &Names) -> Arc<str> {
        names.of(self.source, self.published)
    }
}

/// What a value carries of its row's place: all of it where a duplicate is an error, else nothing.
pub(crate) trait MaybeRowPlace: Copy + Send + 'static {
    fn from_spot(spot: &RowPlace) -> Self;

    fn spot(self) -> Option<RowPlace>;

    /// The table without places.
    fn strip<K: Hash, V>(table: HashTable<Slot<K, V, Self>>, hasher: &RandomState) -> HashTable<Slot<K, V>>;
}

impl MaybeRowPlace for () {
    fn from_spot(_: &RowPlace) -> Self {}

    fn spot(self) -> Option<RowPlace> {
        None
    }

    fn strip<K: Hash, V>(table: HashTable<Slot<K, V>>, _: &RandomState) -> HashTable<Slot<K, V>> {
        table
    }
}

impl MaybeRowPlace for RowPlace {
    fn from_spot(spot: &RowPlace) -> Self {
        *spot
    }

    fn spot(self) -> Option<RowPlace> {
        Some(self)
    }

    fn strip<K: Hash, V>(table: HashTable<Slot<K, V, Self>>, hasher: &RandomState) -> HashTable<Slot<K, V>> {
        let mut stripped = HashTable::with_capacity(table.len());
        for Slot { key, value, sequence, .. } in table {
            let slot = Slot { key, value, sequence, spot: () };
            stripped.insert_unique(hasher.hash_one(&slot.key), slot, |slot| hasher.hash_one(&slot.key));
        }
        stripped
    }
}
