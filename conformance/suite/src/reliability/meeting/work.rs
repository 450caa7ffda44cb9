//! The receivers of the table, and the ledger of what they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::{BoxError, DynRuntime};

use super::input::ROWS;
use super::table::Fault;
use crate::kit::explode;
use crate::kit::prelude::*;

/// The time that an asynchronous receiver takes where the limit on the whole is to pass.
const NAP: Duration = Duration::from_millis(1);

/// The actions of receivers, row by row, as they recorded them.
#[derive(Default)]
pub(super) struct Ledger {
    attempts: Counts,
    succeeded: Counts,
    failed: Counts,
    /// Set at the row at which a pipeline is stopped.
    pub(super) reached: Latch,
}

struct Counts(Vec<AtomicU64>);

impl Default for Counts {
    fn default() -> Self {
        Self((0..ROWS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Counts {
    fn get(&self, n: u64) -> u64 {
        self.0.get(n as usize).map_or(0, |count| count.load(Ordering::SeqCst))
    }

    fn add(&self, n: u64) -> u64 {
        self.0.get(n as usize).map_or(0, |count| count.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

impl Ledger {
    pub(super) fn attempts(&self, n: u64) -> u64 {
        self.attempts.get(n)
    }

    pub(super) fn succeeded(&self, n: u64) -> u64 {
        self.succeeded.get(n)
    }

    pub(super) fn failed(&self, n: u64) -> u64 {
        self.failed.get(n)
    }

    /// The number of rows that succeeded.
    pub(super) fn successes(&self) -> u64 {
        (0..ROWS).map(|n| self.succeeded(n)).sum()
    }
}

/// A receiver. Clones are the same one.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) rt: DynRuntime,
    pub(super) fault: Fault,
    /// The row at which the pipeline is stopped.
    pub(super) trigger: u64,
    pub(super) ledger: Arc<Ledger>,
}

/// The outcome for a row, or for a batch of rows.
enum Step {
    Succeed,
    Fail,
    Panic,
    Hang,
}

impl Work {
    /// Called once for each attempt. Passes the number of the attempt at each row to `collect`, like a
    /// receiver that collects before it knows its own outcome.
    fn begin(&self, rows: &[u64], mut collect: impl FnMut(u64, u64)) -> Step {
        let mut step = Step::Succeed;
        for n in rows.iter().copied() {
            let attempt = self.ledger.attempts.add(n);
            collect(n, attempt);
            if n == self.trigger {
                self.ledger.reached.set();
            }
            let picked = n % 11 == 5;
            step = match self.fault {
                Fault::ReceiverFails if picked => Step::Fail,
                Fault::ReceiverPanics if picked => Step::Panic,
                Fault::Retry if (picked && attempt == 1) || n % 13 == 7 => Step::Fail,
                Fault::EventTimeout if picked => Step::Hang,
                _ => step,
            };
        }
        if !matches!(step, Step::Succeed) {
            rows.iter().for_each(|n| {
                self.ledger.failed.add(*n);
            });
        }
        step
    }

    fn succeed(&self, rows: &[u64]) {
        rows.iter().for_each(|n| {
            self.ledger.succeeded.add(*n);
        });
    }

    /// A synchronous receiver.
    pub(super) fn receive(&self, rows: &[u64], collect: impl FnMut(u64, u64)) -> Result<(), BoxError> {
        match self.begin(rows, collect) {
            Step::Fail => return Err("the receiver refuses it".into()),
            Step::Panic => explode("the receiver panics"),
            Step::Succeed | Step::Hang => {}
        }
        self.succeed(rows);
        Ok(())
    }

    /// An asynchronous receiver, which waits once in the middle.
    pub(super) async fn receive_later(
        self,
        rows: Vec<u64>,
        collect: impl FnMut(u64, u64),
    ) -> Result<(), BoxError> {
        let step = self.begin(&rows, collect);
        match self.fault {
            Fault::Timeout => {
                self.rt.sleep_until(self.rt.now() + NAP).await;
            }
            _ => yield_now().await,
        }
        match step {
            Step::Fail => return Err("the receiver refuses it".into()),
            Step::Panic => explode("the receiver panics"),
            Step::Hang => pending().await,
            Step::Succeed => {}
        }
        self.succeed(&rows);
        Ok(())
    }
}
