//! The ledger of a run: the calls of the user's functions, and their ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::kit::Resident;
use crate::kit::prelude::*;

/// A value: its row, its index among the values of the row, and the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Value {
    pub(super) row: u64,
    pub(super) attempt: u64,
    pub(super) part: u64,
}

/// The end of a call of a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallEnd {
    /// It was dropped, or goes on.
    None,
    Succeeded,
    /// It succeeded and wants no more.
    Broke,
    Failed,
}

/// A call of a receiver for one value, alone or in a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) value: Value,
    pub(super) end: CallEnd,
}

/// The calls of a run.
#[derive(Default)]
pub(super) struct Ledger {
    book: Mutex<Book>,
    /// Set at the row at which the pipeline is stopped.
    pub(super) reached: Latch,
    /// The row at which the pipeline is stopped.
    trigger: AtomicU64,
    /// True if the source sets the latch, since no function is called for a row.
    is_by_source: AtomicBool,
    is_over: AtomicBool,
    late: AtomicU64,
    /// The receivers that are under way, and those of each key.
    receivers: Census,
    of_keys: [Census; KEYS as usize],
}

/// The number of keys.
pub(super) const KEYS: u64 = 5;

#[derive(Default)]
struct Book {
    calls: Vec<Call>,
    /// The rows of which the stages have left nothing.
    filtered: BTreeSet<u64>,
    /// The number of times that the stages have run for a row.
    stages: BTreeMap<u64, u64>,
    /// The rows whose stages have failed, or whose text has.
    failed: BTreeSet<u64>,
}

/// A call that is under way.
pub(super) struct UnderWay {
    indexes: std::ops::Range<usize>,
    _residents: Vec<Resident>,
}

impl Ledger {
    pub(super) fn new(trigger: u64, is_by_source: bool) -> Self {
        Self { trigger: trigger.into(), is_by_source: is_by_source.into(), ..Self::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call of any function of the user's.
    pub(super) fn called(&self) {
        if self.is_over.load(Ordering::SeqCst) {
            self.late.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// From here on no function is to be called.
    pub(super) fn is_over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    /// The number of calls after the end.
    pub(super) fn late(&self) -> u64 {
        self.late.load(Ordering::SeqCst)
    }

    fn passes(&self, row: u64) {
        if row == self.trigger.load(Ordering::SeqCst) {
            self.reached.set();
        }
    }

    /// Notes that the source has given `row`.
    pub(super) fn given(&self, row: u64) {
        if self.is_by_source.load(Ordering::SeqCst) && row >= self.trigger.load(Ordering::SeqCst) {
            self.reached.set();
        }
    }

    /// Notes that the stages run for `row`. Returns the number of times that they have, with this one.
    pub(super) fn staged(&self, row: u64) -> u64 {
        self.called();
        self.passes(row);
        let mut book = self.book();
        let times = book.stages.entry(row).or_default();
        *times += 1;
        *times
    }

    /// The number of times that the stages have run for `row`.
    pub(super) fn times_staged(&self, row: u64) -> u64 {
        self.book().stages.get(&row).copied().unwrap_or(0)
    }

    pub(super) fn filtered(&self, row: u64) {
        self.book().filtered.insert(row);
    }

    pub(super) fn failed(&self, row: u64) {
        self.book().failed.insert(row);
    }

    /// Notes a call of a receiver with these values.
    pub(super) fn begin(&self, values: &[Value]) -> UnderWay {
        self.called();
        let mut residents = vec![self.receivers.enter()];
        residents.extend(values.iter().filter_map(|value| {
            let of_key = self.of_keys.get((value.row % KEYS) as usize)?;
            // A batch has many of a key.
            (values.len() == 1).then(|| of_key.enter())
        }));
        values.iter().for_each(|value| self.passes(value.row));
        let mut book = self.book();
        let before = book.calls.len();
        book.calls.extend(values.iter().map(|value| Call { value: *value, end: CallEnd::None }));
        UnderWay { indexes: before..book.calls.len(), _residents: residents }
    }

    pub(super) fn end(&self, call: UnderWay, end: CallEnd) {
        let mut book = self.book();
        let UnderWay { indexes, _residents } = call;
        for index in indexes {
            if let Some(call) = book.calls.get_mut(index) {
                call.end = end;
            }
        }
    }

    /// The most receivers that were under way at one time, and those of one key.
    pub(super) fn most(&self) -> (usize, usize) {
        (self.receivers.most(), self.of_keys.iter().map(Census::most).max().unwrap_or(0))
    }

    /// All calls, in the order in which they began.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.book().calls.clone()
    }

    pub(super) fn was_filtered(&self, row: u64) -> bool {
        self.book().filtered.contains(&row)
    }

    /// True if something has failed for `row`.
    pub(super) fn has_failed(&self, row: u64) -> bool {
        let book = self.book();
        let is_failure = |call: &Call| call.value.row == row && call.end == CallEnd::Failed;
        book.failed.contains(&row) || book.calls.iter().any(is_failure)
    }
}
