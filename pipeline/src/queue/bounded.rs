//! A queue in memory, between pipelines of one process.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use concurrent_queue::{ConcurrentQueue, PushError};
use event_listener::Event;

use crate::queue::{Claim, Queue, QueueMessage};

/// A bounded [`Queue`] in memory. A clone is a handle on the same queue.
///
/// What was claimed is held until it is acknowledged or given back, or until its receipt is dropped, which gives it back: no
/// lease runs out while its holder lives. Keys are not looked at. Messages that come back go before all others.
#[derive(Clone)]
pub struct BoundedQueue(Arc<Shared>);

struct Shared {
    waiting: ConcurrentQueue<Kept>,
    returned: ConcurrentQueue<Kept>,
    /// Published, and not acknowledged.
    left: AtomicUsize,
    closed: AtomicBool,
    /// There is a message, or no more will come.
    ready: Event,
    /// There is room.
    room: Event,
}

struct Kept {
    message: QueueMessage,
    deliveries: u32,
}

/// A message of a [`BoundedQueue`] that is claimed. The last clone that is dropped gives it back, unless it was
/// acknowledged.
#[derive(Clone)]
pub struct BoundedReceipt(Arc<Held>);

struct Held {
    queue: Arc<Shared>,
    message: QueueMessage,
    deliveries: u32,
    /// Acknowledged, or given back.
    settled: AtomicBool,
}

/// The queue was closed: the message comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct QueueClosed(pub QueueMessage);

impl BoundedQueue {
    /// A queue with room for `capacity` messages that wait to be claimed.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            waiting: ConcurrentQueue::bounded(capacity.get()),
            returned: ConcurrentQueue::unbounded(),
            left: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            ready: Event::new(),
            room: Event::new(),
        }))
    }

    /// Takes no more messages: once those that are there are acknowledged, its consumers end.
    pub fn close(&self) {
        self.0.waiting.close();
        // SeqCst, and below: whoever sees it set must see all that was published before, and `left` with it.
        self.0.closed.store(true, Ordering::SeqCst);
        self.0.ready.notify(usize::MAX);
        self.0.room.notify(usize::MAX);
    }

    /// How many messages are published and not acknowledged.
    pub fn unacknowledged(&self) -> usize {
        self.0.left.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn next(self: &Arc<Self>) -> Option<Claim<BoundedReceipt>> {
        let kept = self.returned.pop().ok().or_else(|| {
            let kept = self.waiting.pop().ok()?;
            self.room.notify_additional(1);
            Some(kept)
        })?;
        let Kept { message, deliveries } = kept;
        let deliveries = deliveries.saturating_add(1);
        let held = Held {
            queue: self.clone(),
            message: message.clone(),
            deliveries,
            settled: AtomicBool::new(false),
        };
        Some(Claim { message, receipt: BoundedReceipt(Arc::new(held)), deliveries })
    }

    fn has_ended(&self) -> bool {
        self.closed.load(Ordering::SeqCst) && self.left.load(Ordering::SeqCst) == 0
    }

    fn forget(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.ready.notify(usize::MAX);
        }
    }
}

/// A message that is being published counts before it can be claimed, so that nobody takes the queue for empty; dropped, it
/// does not count any more.
struct Counted<'a>(Option<&'a Shared>);

impl<'a> Counted<'a> {
    fn new(queue: &'a Shared) -> Self {
        queue.left.fetch_add(1, Ordering::SeqCst);
        Self(Some(queue))
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.forget();
        }
    }
}

impl Held {
    /// True for whoever is first.
    fn settle(&self) -> bool {
        !self.settled.swap(true, Ordering::AcqRel)
    }

    fn give_back(&self) {
        if self.settle() {
            // It takes as many as there are.
            let _ =
                self.queue.returned.push(Kept { message: self.message.clone(), deliveries: self.deliveries });
            self.queue.ready.notify_additional(1);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Queue for BoundedQueue {
    type Receipt = BoundedReceipt;
    type Error = QueueClosed;

    async fn publish(&self, message: QueueMessage) -> Result<(), QueueClosed> {
        let counted = Counted::new(&self.0);
        let mut kept = Kept { message, deliveries: 0 };
        loop {
            let listening = self.0.room.listen();
            kept = match self.0.waiting.push(kept) {
                Ok(()) => break,
                Err(PushError::Full(kept)) => kept,
                Err(PushError::Closed(kept)) => return Err(QueueClosed(kept.message)),
            };
            listening.await;
        }
        counted.keep();
        self.0.ready.notify_additional(1);
        Ok(())
    }

    async fn claim(&self, most: usize, _: Duration) -> Result<Vec<Claim<BoundedReceipt>>, QueueClosed> {
        loop {
            let listening = self.0.ready.listen();
            let claimed: Vec<_> = std::iter::from_fn(|| self.0.next()).take(most.max(1)).collect();
            if !claimed.is_empty() || self.0.has_ended() {
                return Ok(claimed);
            }
            listening.await;
        }
    }

    async fn ack(&self, receipts: &[BoundedReceipt]) -> Result<usize, QueueClosed> {
        let held = receipts.iter().filter(|receipt| receipt.0.settle());
        Ok(held.map(|receipt| receipt.0.queue.forget()).count())
    }

    async fn extend(&self, receipts: &[BoundedReceipt], _: Duration) -> Result<usize, QueueClosed> {
        Ok(receipts.iter().filter(|receipt| !receipt.0.settled.load(Ordering::Acquire)).count())
    }

    async fn nack(&self, receipts: &[BoundedReceipt]) -> Result<(), QueueClosed> {
        receipts.iter().for_each(|receipt| receipt.0.give_back());
        Ok(())
    }
}
