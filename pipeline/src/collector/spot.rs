//! Where the row of a collected value stood, for those who have to tell.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::partition::Slot;
use crate::event::{Origin, position};
use crate::names::Names;
use crate::{Event, Position};

/// Where a row stands; line 0 says that there are none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spot {
    pub(crate) source: u32,
    /// See [`Origin`](crate::event::Origin).
    pub(crate) published: u32,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl Spot {
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
pub(crate) trait MaybeSpot: Copy + Send + 'static {
    fn from_spot(spot: &Spot) -> Self;

    fn spot(self) -> Option<Spot>;

    /// The table without places.
    fn strip<K: Hash, V>(table: HashTable<Slot<K, V, Self>>, hasher: &RandomState) -> HashTable<Slot<K, V>>;
}

impl MaybeSpot for () {
    fn from_spot(_: &Spot) -> Self {}

    fn spot(self) -> Option<Spot> {
        None
    }

    fn strip<K: Hash, V>(table: HashTable<Slot<K, V>>, _: &RandomState) -> HashTable<Slot<K, V>> {
        table
    }
}

impl MaybeSpot for Spot {
    fn from_spot(spot: &Spot) -> Self {
        *spot
    }

    fn spot(self) -> Option<Spot> {
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
