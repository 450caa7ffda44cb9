//! The order of rows by key: a row is handled once the rows before it that have one of its keys are.

use std::collections::HashMap;

use crate::collect::parts::exclusive::Exclusive;
use crate::run::shared::turn::{Position, Turn};

/// The number of slots in the order. Keys whose hashes share one are handled as if they were one key. There are
/// enough for workers to be busy, and few enough for the slots to take no memory to speak of.
const SLOTS: u64 = 1 << 12;

/// The slot of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeySlot(u16);

impl KeySlot {
    /// The slot of the key with this hash.
    pub(crate) fn of(hash: u64) -> Self {
        Self((hash % SLOTS) as u16)
    }
}

/// The order of rows. It is used by one worker at a time: the one whose chunk has its turn.
pub(crate) struct Keys(Exclusive<Order>);

/// The last row in source order at each slot.
struct Order {
    of_slot: HashMap<KeySlot, Position>,
    /// The last row that may be at any slot: what a slot begins after.
    of_any: Position,
}

impl Order {
    fn turns(&mut self, slots: Option<&[KeySlot]>) -> Vec<Turn> {
        let Self { of_slot, of_any } = self;
        match slots {
            Some(slots) => {
                let turn =
                    |slot: &KeySlot| Turn::after(of_slot.entry(*slot).or_insert_with(|| of_any.clone()));
                slots.iter().map(turn).collect()
            }
            // It is then the last row at every slot: a slot that is not in the map begins after it.
            None => {
                let last = of_slot.drain().map(|(_, mut before)| Turn::after(&mut before));
                last.chain(std::iter::once(of_any).map(Turn::after)).collect()
            }
        }
    }
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self(Exclusive::new(Order { of_slot: HashMap::new(), of_any: Position::first() }))
    }

    /// Gives the next rows in source order their turns, for the slots of each row; `None` for a row whose slots are
    /// not known. A row waits only for rows that have got their turns before it. So the first of the rows that were
    /// not handled yet never waits, and no two rows wait for each other.
    pub(crate) fn turns<'a>(&self, rows: impl Iterator<Item = Option<&'a [KeySlot]>>) -> Vec<Vec<Turn>> {
        let turns = |order: &mut Order| rows.map(|slots| order.turns(slots)).collect();
        self.0.with(turns).unwrap_or_default()
    }
}
