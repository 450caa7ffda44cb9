//! A queue whose engine fails or panics once, and takes its time to publish.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::library::BoxError;
use crate::library::pipeline::{
    BoundedQueue, BoundedReceipt, Claims, DeadLetter, Depth, Queue, QueueMessage,
};

use super::ledger::Ledger;
use super::number::CHUNK;
use super::places::Places;
use super::table::Fault;
use super::work::Work;
use crate::kit::explode;
use crate::kit::prelude::*;

/// The number of the call, a claim or a publish, that fails.
const BREAK: usize = 3;

/// A queue in memory with an engine that breaks. A clone is a handle on the same queue.
#[derive(Clone)]
pub(super) struct FlakyQueue {
    inner: BoundedQueue,
    claims: Option<Fault>,
    publishes: Option<(Fault, Arc<Ledger>)>,
    calls: Arc<AtomicUsize>,
}

impl FlakyQueue {
    /// Returns a queue to be read, whose third claim breaks.
    pub(super) fn reading(inner: BoundedQueue, fault: Fault) -> Self {
        Self { inner, claims: Some(fault), publishes: None, calls: Arc::default() }
    }

    /// Returns the queue of `places`, to be published into. Its third publish breaks.
    pub(super) fn publishing(work: &Work, places: &Places) -> Self {
        let publishes = Some((work.combination.fault, work.ledger.clone()));
        Self { inner: places.published.clone(), claims: None, publishes, calls: Arc::default() }
    }

    pub(super) fn inner(&self) -> &BoundedQueue {
        &self.inner
    }

    /// The number of calls before this one.
    fn calls(&self) -> usize {
        self.calls.fetch_add(1, Ordering::SeqCst)
    }

    fn is_time(&self) -> bool {
        self.calls() + 1 == BREAK
    }
}

impl Queue for FlakyQueue {
    type Receipt = BoundedReceipt;
    type Error = BoxError;

    async fn publish(&self, message: QueueMessage) -> Result<bool, BoxError> {
        let Some((fault, ledger)) = &self.publishes else { return Ok(self.inner.publish(message).await?) };
        let before = self.calls();
        ledger.called();
        // A message has the rows of a chunk, or fewer.
        ledger.given((before * CHUNK) as u64);
        match fault {
            Fault::ReceiverFails | Fault::FailsOnce if before + 1 == BREAK => {
                return Err("the engine is away".into());
            }
            Fault::ReceiverPanics if before + 1 == BREAK => explode("the engine panics"),
            _ => {}
        }
        // A pipeline may be stopped before its message is there, and after.
        yield_now().await;
        let is_new = self.inner.publish(message).await?;
        yield_now().await;
        Ok(is_new)
    }

    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> Result<Claims<BoundedReceipt>, BoxError> {
        match self.claims {
            Some(Fault::SourceFails) if self.is_time() => return Err("the engine is away".into()),
            Some(Fault::SourcePanics) if self.is_time() => explode("the engine panics"),
            _ => {}
        }
        Ok(self.inner.claim(job, most.min(2), lease).await?)
    }

    async fn ack(&self, receipts: &[BoundedReceipt]) -> Result<usize, BoxError> {
        Ok(self.inner.ack(receipts).await?)
    }

    async fn extend(&self, receipts: &[BoundedReceipt], lease: Duration) -> Result<usize, BoxError> {
        Ok(self.inner.extend(receipts, lease).await?)
    }

    async fn nack(
        &self,
        receipts: &[BoundedReceipt],
        reason: &str,
        after: Duration,
    ) -> Result<usize, BoxError> {
        Ok(self.inner.nack(receipts, reason, after).await?)
    }

    async fn open(&self, job: &str) -> Result<(), BoxError> {
        Ok(self.inner.open(job).await?)
    }

    async fn seal(&self, job: &str) -> Result<(), BoxError> {
        Ok(self.inner.seal(job).await?)
    }

    async fn release(&self, receipts: &[BoundedReceipt]) -> Result<usize, BoxError> {
        Ok(self.inner.release(receipts).await?)
    }

    async fn bury(&self, receipts: &[BoundedReceipt], reason: &str) -> Result<usize, BoxError> {
        Ok(self.inner.bury(receipts, reason).await?)
    }

    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, BoxError> {
        Ok(self.inner.dead(most).await?)
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, BoxError> {
        Ok(self.inner.redrive(keys).await?)
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, BoxError> {
        Ok(self.inner.purge(keys).await?)
    }

    async fn depth(&self) -> Result<Depth, BoxError> {
        Ok(self.inner.depth().await?)
    }

    fn has_clock(&self) -> bool {
        false
    }
}
