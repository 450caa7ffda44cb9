//! The fate of each row, and the rows of which a run has handled every value.

use std::collections::BTreeSet;

use super::super::drive::Observations;
use super::super::ledger::CallEnd;
use super::super::number::{is_bad, is_picked};
use super::super::table::{Combination, End, Fault, Policy, Strategy};

/// The outcome of a row, if the pipeline comes to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Handled,
    Rejected,
    /// Chance decides, or the row's batch.
    Unknown,
}

/// The expectations of a run.
pub(super) struct Expected {
    combination: Combination,
    /// The rows of which all values were handled, in one attempt, or of which the stages have left none.
    done: BTreeSet<u64>,
    /// Those of them that have values.
    with_values: BTreeSet<u64>,
}

impl Combination {
    pub(super) fn fate(self, row: u64) -> Fate {
        let fails = match self.fault {
            _ if self.has_bad_rows() => is_bad(row),
            Fault::StageFails | Fault::StagePanics | Fault::Hangs => is_picked(row),
            // The queue does not fail for a row.
            Fault::ReceiverFails | Fault::ReceiverPanics => is_picked(row) && self.end != End::PublishItems,
            Fault::TextFails | Fault::TextPanics | Fault::ClonePanics => is_picked(row),
            // With one worker, events need no keys to come in order, unless its stages run for several rows.
            Fault::KeyPanics if self.asks_for_keys() => is_picked(row),
            Fault::FailsOnce => is_picked(row) && self.strategy != Strategy::Retry,
            _ => false,
        };
        // A key is asked for after the first attempt, unless chance has taken the place of that.
        let is_asked = self.fault != Fault::KeyPanics || self.policy != Policy::Chaos;
        let fails = fails && is_asked;
        let may_fail = match self.policy {
            Policy::Chaos => true,
            // It is open after some failures.
            Policy::Breaker => self.rejects_rows(),
            // The limit may also pass for a row that a busy machine delays.
            Policy::EventTimeout => self.fault == Fault::Hangs,
            _ => false,
        };
        // A batch fails for one of its rows.
        let is_whole = self.mode.is_batched() && self.fails_in_batches();
        match (fails, may_fail || is_whole) {
            // Unless it is not begun: its batch may be, before the attempt that fails.
            (true, _) if self.parts(row) > 0 || self.has_bad_rows() => Fate::Rejected,
            (_, true) => Fate::Unknown,
            _ => Fate::Handled,
        }
    }

    fn asks_for_keys(self) -> bool {
        self.most_workers() > 1 || self.stages.is_at_once()
    }

    /// True if the fault is the error of a row.
    pub(super) fn rejects_rows(self) -> bool {
        use Fault::{ClonePanics, FailsOnce, Hangs, KeyPanics, ReceiverFails, ReceiverPanics};
        use Fault::{StageFails, StagePanics, TextFails, TextPanics};
        let of_row = [
            StageFails,
            StagePanics,
            Hangs,
            ReceiverFails,
            ReceiverPanics,
            TextFails,
            TextPanics,
            ClonePanics,
            KeyPanics,
            FailsOnce,
        ];
        self.has_bad_rows() || of_row.contains(&self.fault)
    }

    /// True if the fault is the error of a whole batch, where there are batches.
    fn fails_in_batches(self) -> bool {
        use Fault::{ClonePanics, FailsOnce, Hangs, ReceiverFails, ReceiverPanics};
        [Hangs, ReceiverFails, ReceiverPanics, ClonePanics, FailsOnce].contains(&self.fault)
    }
}

impl Expected {
    pub(super) fn new(combination: Combination, observed: &Observations) -> Self {
        let rows = || combination.rows();
        let taken = observed.taken();
        let with_values: BTreeSet<u64> =
            rows().filter(|row| is_done(combination, observed, &taken, *row)).collect();
        let is_empty = |row: &u64| combination.parts(*row) == 0 && observed.ledger.was_filtered(*row);
        let done = rows().filter(is_empty).chain(with_values.iter().copied()).collect();
        Self { combination, done, with_values }
    }

    /// True if the values of `row` are known to be handled, where the end tells which are.
    pub(super) fn is_done(&self, row: u64) -> bool {
        self.done.contains(&row)
    }

    pub(super) fn done(&self) -> u64 {
        self.done.len() as u64
    }

    pub(super) fn done_with_values(&self) -> u64 {
        self.with_values.len() as u64
    }

    /// True if it is known of each row whether it was handled.
    pub(super) fn is_known(&self, observed: &Observations) -> bool {
        let Combination { end, .. } = self.combination;
        match end {
            End::Publish => false,
            // Values of a chunk that was cut short, or of a message that was not published, are gone.
            End::PublishItems => observed.summary().is_some(),
            // A list and a file that were given up are gone.
            End::List | End::Lines | End::Json | End::Csv => observed.summary().is_some(),
            _ => true,
        }
    }
}

/// True if all values of `row` were handled.
fn is_done(
    combination: Combination,
    observed: &Observations,
    taken: &BTreeSet<(u64, u64)>,
    row: u64,
) -> bool {
    let parts = combination.parts(row);
    let has_all =
        |values: &BTreeSet<(u64, u64)>| parts > 0 && (0..parts).all(|part| values.contains(&(row, part)));
    if !combination.end.has_receiver() {
        return has_all(taken);
    }
    let calls = observed.ledger.calls();
    let of_row = || calls.iter().filter(|call| call.value.row == row);
    if of_row().any(|call| call.end == CallEnd::Broke) {
        return true;
    }
    let attempts: BTreeSet<u64> = of_row().map(|call| call.value.attempt).collect();
    attempts.into_iter().any(|attempt| {
        let succeeded =
            of_row().filter(|call| call.value.attempt == attempt && call.end == CallEnd::Succeeded);
        has_all(&succeeded.map(|call| (call.value.row, call.value.part)).collect())
    })
}

impl Observations {
    /// The values that an end without a receiver has taken, each of them once.
    pub(super) fn taken(&self) -> BTreeSet<(u64, u64)> {
        self.taken_in_order().into_iter().collect()
    }

    /// The values that an end without a receiver has taken, in the order in which it has.
    pub(super) fn taken_in_order(&self) -> Vec<(u64, u64)> {
        if let Some(listed) = &self.listed {
            return listed.clone();
        }
        if let Some(messages) = &self.messages {
            return messages.iter().flat_map(|message| message.values.iter().copied()).collect();
        }
        let sent = self.places.tray.with(|content| content.values.clone());
        self.written.clone().unwrap_or(sent)
    }
}
