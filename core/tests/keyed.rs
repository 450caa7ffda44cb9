//! The table of keyed policies, against a list that is searched each time.

use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;

#[path = "../src/keyed/entry.rs"]
mod entry;
#[path = "../src/keyed/table.rs"]
#[allow(dead_code, reason = "core has other uses for it")]
mod table;

// The names by which core's files know each other.
mod keyed {
    pub(crate) use crate::entry;

    pub(crate) mod keyable {
        pub(crate) trait Keyable: Clone {
            fn each_address(&self, each: &mut dyn FnMut(usize));
            fn is_idle_apart_from(&self, now: std::time::Instant, is_shared: &dyn Fn(usize) -> bool) -> bool;
        }
    }
}
mod sync {
    pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard};
}

use entry::Entry;
use keyed::keyable::Keyable;
use table::{Insertion, Table};

/// A policy with its number, in use while there is another handle to it.
#[derive(Clone)]
struct Policy(Arc<u32>);

impl Keyable for Policy {
    fn each_address(&self, each: &mut dyn FnMut(usize)) {
        each(Arc::as_ptr(&self.0).addr());
    }

    fn is_idle_apart_from(&self, _: Instant, is_shared: &dyn Fn(usize) -> bool) -> bool {
        is_shared(Arc::as_ptr(&self.0).addr()) || Arc::strong_count(&self.0) == 1
    }
}

/// A hash that many keys share.
fn hash(key: u8) -> u64 {
    u64::from(key % 3)
}

#[derive(Clone, Debug)]
enum Step {
    Get { key: u8, is_kept: bool },
    Drop(usize),
    Remove(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0_u8..12, any::<bool>()).prop_map(|(key, is_kept)| Step::Get { key, is_kept }),
        3 => any::<prop::sample::Index>().prop_map(|at| Step::Drop(at.index(64))),
        1 => (0_u8..12).prop_map(Step::Remove),
    ];
    proptest::collection::vec(step, 0..200)
}

/// The table, and a list of keys and the numbers of their policies, the least recently used first.
struct Both {
    table: Table<u8, Policy>,
    list: Vec<(u8, u32)>,
    max: usize,
    kept: Vec<Policy>,
    next: u32,
}

impl Both {
    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Get { key, is_kept } => {
                let policy = self.get(key)?;
                self.kept.extend(policy.filter(|_| is_kept));
            }
            Step::Drop(at) => {
                if let Some(at) = at.checked_rem(self.kept.len()) {
                    self.kept.swap_remove(at);
                }
            }
            Step::Remove(key) => {
                let removed = self.table.remove(hash(key), |other| *other == key);
                let at = self.list.iter().position(|(other, _)| *other == key);
                let due = at.map(|at| self.list.remove(at).1);
                prop_assert_eq!(removed.map(|policy| *policy.0), due);
            }
        }
        let keys: Vec<_> = self.table.entries().iter().map(|entry| entry.key).collect();
        let due: Vec<_> = self.list.iter().map(|(key, _)| *key).collect();
        prop_assert_eq!(keys, due);
        prop_assert!(self.table.len() <= self.max);
        Ok(())
    }

    /// The policy of a key; `None` if there is no room for it.
    fn get(&mut self, key: u8) -> Result<Option<Policy>, TestCaseError> {
        let found = self.table.find(hash(key), |other| *other == key);
        let at = self.list.iter().position(|(other, _)| *other == key);
        let seen = match (found, at) {
            (Ok(policy), Some(at)) => {
                let used = self.list.remove(at);
                prop_assert_eq!(*policy.0, used.1);
                self.list.push(used);
                return Ok(Some(policy));
            }
            (Err(seen), None) => seen,
            (found, _) => return Err(TestCaseError::fail(format!("found: {}", found.is_ok()))),
        };
        let policy = Policy(Arc::new(self.next));
        let entry = Arc::new(Entry::new(hash(key), key, policy.clone()));
        let inserted = self.table.insert(&entry, &seen, Instant::now(), &mut Vec::new());
        if self.list.len() == self.max {
            let is_idle = |number: u32| self.kept.iter().all(|policy| *policy.0 != number);
            let Some(idle) = self.list.iter().position(|(_, number)| is_idle(*number)) else {
                prop_assert_eq!(inserted, Insertion::Full);
                return Ok(None);
            };
            // The entries before it are in use, and so count as used now.
            let looked_at: Vec<_> = self.list.drain(..=idle).collect();
            self.list.extend(looked_at.into_iter().take(idle));
        }
        prop_assert_eq!(inserted, Insertion::Done);
        self.list.push((key, self.next));
        self.next += 1;
        Ok(Some(policy))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn it_evicts_as_a_list_that_is_looked_through_would(max in 1_usize..8, steps in steps()) {
        let mut both = Both { table: Table::new(max), list: Vec::new(), max, kept: Vec::new(), next: 0 };
        for step in &steps {
            both.step(step)?;
        }
    }
}

#[test]
fn an_entry_is_not_added_where_its_bucket_has_changed() {
    let (table, is_key) = (Table::new(8), |key: &u8| *key == 3);
    let Err(seen) = table.find(hash(3), is_key) else { return assert_eq!(table.len(), 0) };
    let entries = [1, 2].map(|number| Arc::new(Entry::new(hash(3), 3, Policy(Arc::new(number)))));
    let insert = |entry| table.insert(entry, &seen, Instant::now(), &mut Vec::new());
    let inserted = entries.each_ref().map(insert);
    assert_eq!(inserted, [Insertion::Done, Insertion::Changed]);
    assert_eq!(table.find(hash(3), is_key).ok().map(|policy| *policy.0), Some(1));
    assert_eq!(table.len(), 1);
}

/// Adds a policy for `key`, and returns the keys; `None` if there is no room.
fn added(table: &Table<u8, Policy>, key: u8, policy: &Policy) -> Option<Vec<u8>> {
    let Err(seen) = table.find(hash(key), |other| *other == key) else { return None };
    let entry = Arc::new(Entry::new(hash(key), key, policy.clone()));
    let inserted = table.insert(&entry, &seen, Instant::now(), &mut Vec::new());
    (inserted == Insertion::Done).then(|| table.entries().iter().map(|entry| entry.key).collect())
}

#[test]
fn a_policy_that_keys_share_keeps_none_of_them() {
    let (table, shared) = (Table::new(2), [0, 1].map(|number| Policy(Arc::new(number))));
    let [one, other] = &shared;
    assert_eq!(added(&table, 1, one), Some(vec![1]));
    assert_eq!(added(&table, 2, one), Some(vec![1, 2]));
    assert_eq!(added(&table, 3, one), Some(vec![2, 3]));
    assert_eq!(added(&table, 4, other), Some(vec![3, 4]));
    // Each of the two is now the policy of one key alone, and has a handle here.
    let third = Policy(Arc::new(2));
    assert_eq!(added(&table, 5, &third), None);
    // A refused entry leaves no trace: `third` is not shared now.
    assert_eq!(added(&table, 6, &third), None);
    assert_eq!(added(&table, 7, one), Some(vec![4, 7]));
    // A removed one neither.
    assert!(table.remove(hash(7), |key| *key == 7).is_some());
    assert_eq!(added(&table, 8, one), Some(vec![4, 8]));
    assert_eq!(added(&table, 9, &third), None);
}

#[test]
fn the_bounds_of_the_bound_work() {
    for max in [1, usize::MAX] {
        let table = Table::<u8, Policy>::new(max);
        for key in 0..3 {
            let Err(seen) = table.find(hash(key), |other| *other == key) else { continue };
            let entry = Arc::new(Entry::new(hash(key), key, Policy(Arc::new(0))));
            let inserted = table.insert(&entry, &seen, Instant::now(), &mut Vec::new());
            assert_eq!(inserted, Insertion::Done);
        }
        assert_eq!(table.len(), max.min(3));
    }
}
