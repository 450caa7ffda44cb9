//! The functions of a run: stages, keys and receivers.

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::library::{BoxError, DynRuntime};

use super::ledger::{CallEnd, KEYS, Ledger, UnderWay, Value};
use super::number::{Number, is_picked};
use super::table::{Combination, Enough, Fault, Stages};
use crate::kit::explode;
use crate::kit::prelude::*;

/// The time that a function which is awaited takes where the limit on the whole is to pass.
const NAP: Duration = Duration::from_millis(1);

/// The row at which a receiver has enough, where it may.
pub(super) const LAST: u64 = 12;

/// The functions of a run. Clones are the same ones.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) rt: DynRuntime,
    pub(super) combination: Combination,
    pub(super) ledger: Arc<Ledger>,
}

/// The outcome of a function for a row, or for a batch of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Succeed,
    Break,
    Fail,
    Panic,
    Hang,
}

/// A stage at which a row may panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Map,
    Filter,
    Spread,
}

impl Combination {
    /// True if there are stages that filter and spread.
    pub(super) fn spreads(self) -> bool {
        self.stages != Stages::Nothing
    }

    /// The number of values of a row.
    pub(super) fn parts(self, row: u64) -> u64 {
        match (self.spreads(), row % 7, row % 5) {
            (true, 3, _) => 0,
            (true, _, 1) => 2,
            _ => 1,
        }
    }

    /// True if it is a stage that hangs, and not the receiver.
    fn hangs_in_stage(self) -> bool {
        self.fault == Fault::Hangs && !self.awaits_receiver()
    }
}

impl Work {
    /// The first stage.
    pub(super) fn map(&self, number: Number) -> Number {
        self.ledger.staged(number.row());
        self.panic_at(Site::Map, &number);
        number
    }

    fn panic_at(&self, site: Site, number: &Number) {
        let here = match number.row() {
            5 => Site::Map,
            16 => Site::Filter,
            _ => Site::Spread,
        };
        if self.combination.fault == Fault::StagePanics && is_picked(number.row()) && site == here {
            self.ledger.failed(number.row());
            explode::<()>("a stage panics");
        }
    }

    pub(super) fn try_map(&self, number: Number) -> Result<Number, BoxError> {
        self.ledger.called();
        let (row, fault) = (number.row(), self.combination.fault);
        // The row has been in the first stage by now.
        let is_first = row == 27 && self.ledger.times_staged(row) == 1;
        let fails = match fault {
            Fault::StageFails => is_picked(row),
            Fault::FailsOnce => is_first,
            _ => false,
        };
        if fails {
            self.ledger.failed(row);
            return Err("a stage refuses it".into());
        }
        Ok(number)
    }

    pub(super) fn keeps(&self, number: &Number) -> bool {
        self.ledger.called();
        self.panic_at(Site::Filter, number);
        let keeps = self.combination.parts(number.row()) > 0;
        if !keeps {
            self.ledger.filtered(number.row());
        }
        keeps
    }

    pub(super) fn looks(&self, _: &Number) {
        self.ledger.called();
    }

    /// The values of a row. The iterator panics, where the stage does.
    pub(super) fn spread(&self, number: Number) -> impl Iterator<Item = Number> + Send + use<> {
        self.ledger.called();
        let work = self.clone();
        let parts = self.combination.parts(number.row());
        (0..parts).map(move |part| {
            work.ledger.called();
            work.panic_at(Site::Spread, &number);
            // Of several values of a row it is the last that has no text.
            let n = if part + 1 == parts { number.n } else { number.row() };
            Number { n, part }
        })
    }

    /// The key of a value.
    pub(super) fn key(&self, number: &Number) -> u64 {
        self.ledger.called();
        if self.combination.fault == Fault::KeyPanics && is_picked(number.row()) {
            self.ledger.failed(number.row());
            explode::<()>("a key panics");
        }
        number.row() % KEYS
    }

    /// Waits where a stage is awaited.
    pub(super) async fn pause(&self, row: u64) {
        if self.combination.hangs_in_stage() && is_picked(row) {
            self.ledger.failed(row);
            return pending().await;
        }
        match self.combination.fault {
            Fault::Timeout => {
                self.rt.sleep_until(self.rt.now() + NAP).await;
            }
            _ => yield_now().await,
        }
    }

    /// Called once for each attempt. Passes each value to `collect`, like a receiver that collects before it
    /// knows its own outcome.
    fn begin(&self, values: &[Value], mut collect: impl FnMut(Value)) -> (UnderWay, Step) {
        let Combination { fault, enough, .. } = self.combination;
        let call = self.ledger.begin(values);
        let mut step = Step::Succeed;
        for value in values {
            collect(*value);
            // Of several values of a row it is the last that fails, or makes enough.
            let is_last = value.part + 1 == self.combination.parts(value.row);
            let picked = is_picked(value.row) && is_last;
            step = match fault {
                Fault::ReceiverFails if picked => Step::Fail,
                Fault::ReceiverPanics if picked => Step::Panic,
                // Row 27 fails in its stages, if it has some.
                Fault::FailsOnce
                    if picked && value.attempt == 1 && !(self.combination.spreads() && value.row == 27) =>
                {
                    Step::Fail
                }
                Fault::Hangs if picked && !self.combination.hangs_in_stage() => Step::Hang,
                _ if enough == Enough::Break && value.row == LAST && step == Step::Succeed => Step::Break,
                _ => step,
            };
        }
        (call, step)
    }

    fn finish(&self, call: UnderWay, step: Step) -> Result<ControlFlow<()>, BoxError> {
        let (end, answer) = match step {
            Step::Succeed | Step::Hang => (CallEnd::Succeeded, Ok(ControlFlow::Continue(()))),
            Step::Break => (CallEnd::Broke, Ok(ControlFlow::Break(()))),
            Step::Fail => (CallEnd::Failed, Err("the receiver refuses it".into())),
            Step::Panic => {
                self.ledger.end(call, CallEnd::Failed);
                return explode("the receiver panics");
            }
        };
        self.ledger.end(call, end);
        answer
    }

    /// A synchronous receiver.
    pub(super) fn receive(
        &self,
        values: &[Value],
        collect: impl FnMut(Value),
    ) -> Result<ControlFlow<()>, BoxError> {
        let (call, step) = self.begin(values, collect);
        self.finish(call, step)
    }

    /// An asynchronous receiver, which waits once in the middle.
    pub(super) async fn receive_later(
        self,
        values: Vec<Value>,
        collect: impl FnMut(Value),
    ) -> Result<ControlFlow<()>, BoxError> {
        let (call, step) = self.begin(&values, collect);
        match self.combination.fault {
            Fault::Timeout => {
                self.rt.sleep_until(self.rt.now() + NAP).await;
            }
            _ => yield_now().await,
        }
        if step == Step::Hang {
            for value in &values {
                self.ledger.failed(value.row);
            }
            return pending().await;
        }
        self.finish(call, step)
    }
}

impl From<&Event<Number>> for Value {
    fn from(event: &Event<Number>) -> Self {
        let number = event.data();
        Self { row: number.row(), part: number.part, attempt: event.attempt().into() }
    }
}

/// The functions that are called once, and not for a row.
impl Work {
    fn panics_at(&self, fault: Fault) {
        self.ledger.called();
        if self.combination.fault == fault {
            explode::<()>("a function of the end panics");
        }
    }

    /// The first value of a fold.
    pub(super) fn init(&self) -> Vec<Value> {
        self.panics_at(Fault::InitPanics);
        Vec::new()
    }

    /// Called where two values of a fold are merged.
    pub(super) fn merge(&self) {
        self.panics_at(Fault::MergePanics);
    }

    /// Called in the final handler.
    pub(super) fn handler(&self) {
        self.panics_at(Fault::HandlerPanics);
    }
}
