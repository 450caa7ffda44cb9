//! The order of rows by key: a row is handled once the rows before it that have one of its keys are.

use std::collections::HashMap;

use async_channel::Receiver;

use crate::collect::parts::exclusive::Exclusive;
use crate::run::shared::message::Turn;

/// The number of places in the order. Keys whose hashes share one are handled as if they were one key. There are
/// enough for workers to be busy, and few enough for the places to take no memory to speak of.
const PLACES: u64 = 1 << 12;

/// The place of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyPlace(u16);

impl KeyPlace {
    /// The place of the key with this hash.
    pub(crate) fn of(hash: u64) -> Self {
        Self((hash % PLACES) as u16)
    }
}

/// The last row in source order at each place. It is used by one worker at a time: the one whose chunk has its
/// turn.
pub(crate) struct Keys(Exclusive<HashMap<KeyPlace, Receiver<()>>>);

impl Keys {
    pub(crate) fn new() -> Self {
        Self(Exclusive::new(HashMap::new()))
    }

    /// Gives the next rows in source order their turns, for the places of each row. A row waits only for rows
    /// that have got their turns before it. So the first of the rows that were not handled yet never waits, and
    /// no two rows wait for each other.
    pub(crate) fn turns<'a>(&self, rows: impl Iterator<Item = &'a [KeyPlace]>) -> Vec<Vec<Turn>> {
        let turns = |last: &mut HashMap<KeyPlace, Receiver<()>>| {
            let mut turn = |place: &KeyPlace| Turn::after(last.entry(*place).or_insert_with(Turn::first));
            rows.map(|places| places.iter().map(&mut turn).collect()).collect()
        };
        self.0.with(turns).unwrap_or_default()
    }
}
