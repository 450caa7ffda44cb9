//! A queue whose engine fails or panics once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::library::BoxError;
use crate::library::pipeline::{BoundedQueue, BoundedReceipt, Claim, Queue, QueueMessage};

use super::table::Fault;
use crate::kit::explode;

/// The number of the call, a claim or a publish, that fails.
const BREAK: usize = 3;

/// A queue in memory with an engine that breaks. A clone is a handle on the same queue.
#[derive(Clone)]
pub(super) struct FlakyQueue {
    inner: BoundedQueue,
    claims: Option<Fault>,
    publishes: Option<Fault>,
    calls: Arc<AtomicUsize>,
}

impl FlakyQueue {
    /// Returns a queue to be read, whose third claim breaks.
    pub(super) fn reading(inner: BoundedQueue, fault: Fault) -> Self {
        Self { inner, claims: Some(fault), publishes: None, calls: Arc::default() }
    }

    /// Returns a queue to be published into, whose third publish breaks.
    pub(super) fn publishing(inner: BoundedQueue, fault: Fault) -> Self {
        Self { inner, claims: None, publishes: Some(fault), calls: Arc::default() }
    }

    pub(super) fn inner(&self) -> &BoundedQueue {
        &self.inner
    }

    fn is_time(&self) -> bool {
        self.calls.fetch_add(1, Ordering::SeqCst) + 1 == BREAK
    }
}

impl Queue for FlakyQueue {
    type Receipt = BoundedReceipt;
    type Error = BoxError;

    async fn publish(&self, message: QueueMessage) -> Result<(), BoxError> {
        match self.publishes {
            Some(Fault::ReceiverFails | Fault::FailsOnce) if self.is_time() => {
                return Err("the engine is away".into());
            }
            Some(Fault::ReceiverPanics) if self.is_time() => explode("the engine panics"),
            _ => {}
        }
        Ok(self.inner.publish(message).await?)
    }

    async fn claim(&self, most: usize, lease: Duration) -> Result<Vec<Claim<BoundedReceipt>>, BoxError> {
        match self.claims {
            Some(Fault::SourceFails) if self.is_time() => return Err("the engine is away".into()),
            Some(Fault::SourcePanics) if self.is_time() => explode("the engine panics"),
            _ => {}
        }
        Ok(self.inner.claim(most.min(2), lease).await?)
    }

    async fn ack(&self, receipts: &[BoundedReceipt]) -> Result<usize, BoxError> {
        Ok(self.inner.ack(receipts).await?)
    }

    async fn extend(&self, receipts: &[BoundedReceipt], lease: Duration) -> Result<usize, BoxError> {
        Ok(self.inner.extend(receipts, lease).await?)
    }

    async fn nack(&self, receipts: &[BoundedReceipt]) -> Result<(), BoxError> {
        Ok(self.inner.nack(receipts).await?)
    }
}
