//! Where the row of a collected value stood, for those who have to tell.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::partition::Slot;
use crate::pipeline::event::position;
use crate::pipeline::{Event, Position};

/// Where a row stands; line 0 says that there are none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spot {
    pub(crate) source: u32,
    pub(crate) line: u64,
    pub(crate) byte: u64,
}

impl Spot {
    pub(crate) fn of<T>(event: &Event<T>) -> Self {
        Self { source: event.origin.source, line: event.line, byte: event.byte }
    }

    pub(super) fn position(self) -> Position {
        position(self.source, self.line, self.byte)
    }
}

/// What a value carries of its row's place: all of it where a duplicate is an error, else nothing.
pub(crate) trait MaybeSpot: Copy + Send + 'static {
    fn from_spot(spot: &Spot) -> Self;

    fn position(self) -> Option<Position>;

    /// The table without places.
    fn strip<K: Hash, V>(table: HashTable<Slot<K, V, Self>>, hasher: &RandomState) -> HashTable<Slot<K, V>>;
}

impl MaybeSpot for () {
    fn from_spot(_: &Spot) -> Self {}

    fn position(self) -> Option<Position> {
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

    fn position(self) -> Option<Position> {
        Some(Spot::position(self))
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
