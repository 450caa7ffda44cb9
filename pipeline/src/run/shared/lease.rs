//! The leases of claimed chunks, and their owner, which extends and settles them.
//!
//! A lease travels with its chunk from the source reader to the worker, and reports the outcome to that
//! owner.

use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use futures_lite::future::{or, poll_once};

use crate::outcome::names::PublishedSource;
use crate::queue::{DynQueue, QueueError, Receipt};
use crate::run::shared::idle::Idle;
use crate::source::plan::QueueSettings;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Sleep;
use sweet_async_core::runtime::{DynRuntime, Runtime as _};

/// The lease of one chunk. Dropped before the chunk was handled, it gives the message back.
pub(crate) struct Lease {
    pub(crate) id: u64,
    /// The key of the message.
    pub(crate) key: Arc<str>,
    /// The source that was published, once it is known.
    pub(crate) source: Option<Arc<PublishedSource>>,
    pub(crate) outcome: Outcome,
    pub(crate) reports: Sender<Report>,
    /// The idle flag of the queue.
    pub(crate) idle: Arc<Idle>,
}

/// The outcome of a claimed message.
#[derive(Clone)]
pub(crate) enum Outcome {
    Handled,
    /// It is given back, and was not begun.
    Released,
    /// It is given back, with the error of its row if that has ended the pipeline.
    Returned(Option<Arc<str>>),
    /// It becomes a dead letter, with this reason.
    Buried(Arc<str>),
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Unbounded, and closed only when all messages are given back anyway.
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Released);
        let _ = self.reports.try_send(Report::Ended { id: self.id, outcome });
    }
}

/// The reports that a lease owner receives about a message, in this order.
pub(crate) enum Report {
    Claimed(u64, Receipt),
    Ended { id: u64, outcome: Outcome },
}

/// Holds claimed messages until they are handled.
pub(crate) struct LeaseOwner<'a> {
    pub(crate) runtime: &'a DynRuntime,
    pub(crate) queue: &'a dyn DynQueue,
    pub(crate) name: &'a Arc<str>,
    pub(crate) settings: QueueSettings,
    pub(crate) reports: Receiver<Report>,
}

/// The reason of a message that is given back without an error of its own.
const NOT_HANDLED: &str = "its consumer has ended before it was handled";

/// The reason for which a lease owner wakes up before its leases are to be extended.
enum Next {
    Report(Report),
    /// All claimed messages are settled, and no more will be claimed.
    AllSettled,
    WorkersEnded,
}

impl Next {
    async fn of(reports: &Receiver<Report>, workers_ended: impl Future<Output = ()>) -> Self {
        let report = async { reports.recv().await.map_or(Self::AllSettled, Self::Report) };
        let ended = async {
            workers_ended.await;
            Self::WorkersEnded
        };
        or(report, ended).await
    }
}

impl LeaseOwner<'_> {
    /// Keeps all leases until everything is settled, or until `workers_ended` is ready; messages that are not
    /// settled are then given back.
    ///
    /// # Errors
    ///
    /// The queue's.
    pub(crate) async fn keep(self, workers_ended: impl Future<Output = ()>) -> Result<(), AsyncTaskError> {
        let Self { runtime, queue, name, settings, reports } = self;
        let lease = settings.lease;
        let mut workers_ended = std::pin::pin!(workers_ended);
        let mut held: Vec<(u64, Receipt)> = Vec::new();
        let period = lease / 3;
        let mut due = runtime.now().checked_add(period);
        loop {
            let clock = async {
                let _ = Sleep::silent(runtime, due).await;
                None
            };
            let next = async { Some(Next::of(&reports, workers_ended.as_mut()).await) };
            // The clock first: leases must not run out while reports keep coming.
            let next = match or(clock, next).await {
                Some(next) => next,
                None => {
                    let receipts: Vec<_> = held.iter().map(|(_, receipt)| receipt.clone()).collect();
                    let extended = match receipts.len() {
                        0 => Ok(0),
                        _ => queue.extend(receipts, lease).await,
                    };
                    warn_lost(
                        name,
                        held.len(),
                        extended.map_err(|error| QueueError::failure("extending leases of", name, error))?,
                    );
                    // Counted from the end of the extension, which may take longer than a period. Reports
                    // are served after each extension, so that they cannot be starved by the clock.
                    due = runtime.now().checked_add(period);
                    match poll_once(Next::of(&reports, workers_ended.as_mut())).await {
                        Some(next) => next,
                        None => continue,
                    }
                }
            };
            let first = match next {
                Next::AllSettled => return Ok(()),
                Next::Report(report) => Some(report),
                Next::WorkersEnded => None,
            };
            let has_ended = first.is_none();
            let (mut handled, mut released) = (Vec::new(), Vec::new());
            let (mut returned, mut settled) = (Vec::new(), Vec::new());
            for report in first.into_iter().chain(std::iter::from_fn(|| reports.try_recv().ok())) {
                match report {
                    Report::Claimed(id, receipt) => held.push((id, receipt)),
                    Report::Ended { id, outcome } => {
                        let Some(at) = held.iter().position(|(held, _)| *held == id) else { continue };
                        let (_, receipt) = held.swap_remove(at);
                        match outcome {
                            Outcome::Handled => handled.push(receipt),
                            Outcome::Released => released.push(receipt),
                            Outcome::Returned(None) => returned.push(receipt),
                            with_reason => settled.push((receipt, with_reason)),
                        }
                    }
                }
            }
            if has_ended {
                returned.extend(held.drain(..).map(|(_, receipt)| receipt));
            }
            if !handled.is_empty() {
                let count = handled.len();
                let acked = queue.ack(handled).await;
                warn_lost(
                    name,
                    count,
                    acked.map_err(|error| QueueError::failure("acknowledging to", name, error))?,
                );
            }
            if !released.is_empty() {
                let given_back = queue.release(released).await;
                given_back.map_err(|error| QueueError::failure("giving back to", name, error))?;
            }
            if !returned.is_empty() {
                let given_back = queue.nack(returned, NOT_HANDLED, Duration::ZERO).await;
                given_back.map_err(|error| QueueError::failure("giving back to", name, error))?;
            }
            for (receipt, outcome) in settled {
                let receipts = vec![receipt];
                match outcome {
                    Outcome::Buried(reason) => {
                        let buried = queue.bury(receipts, &reason).await;
                        buried.map_err(|error| QueueError::failure("burying in", name, error))?;
                    }
                    Outcome::Handled | Outcome::Released | Outcome::Returned(None) => {}
                    Outcome::Returned(Some(reason)) => {
                        let given_back = queue.nack(receipts, &reason, settings.redeliver_after).await;
                        given_back.map_err(|error| QueueError::failure("giving back to", name, error))?;
                    }
                }
            }
            if has_ended {
                return Ok(());
            }
        }
    }
}

/// Warns about leases that had run out: their messages may be handled twice.
fn warn_lost(name: &str, all: usize, held: usize) {
    if held < all {
        tracing::warn!(
            queue = name,
            lost = all - held,
            "leases have run out: messages may be handled more than once"
        );
    }
}
