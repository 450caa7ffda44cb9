//! A queue in memory, between pipelines of one process.
//!
//! ```text
//!  publish ──► waiting ──┐                     ┌── ack ──► acknowledged
//!                        ├── claim ──► claimed ┤
//!             returned ──┘                     └── nack, or the receipt is dropped ──► returned
//!
//!  open ── close ──► closed ── no message is left ──► ended: claims return nothing
//! ```
//!
//! 1. A message counts in `unacknowledged` from before it can be claimed until it is acknowledged, or until its
//!    publisher has given up. So a consumer that finds the count 0 has missed none.
//! 2. `is_closed` is never cleared. `waiting` is closed before it is set, so no message is added after that;
//!    `returned` stays open, since its messages were added before.
//! 3. The queue has ended once it is closed and the count is then 0: no message is left, and none comes (1, 2).
//!    A publisher that is refused after that counts for a moment, and delays this answer at most.
//! 4. A claimed message is settled once, by an acknowledgement or by its return. The exchange of `is_settled`
//!    decides which, and excludes the other.
//! 5. A thread that waits listens first and looks then; a change is made first and notified then. So no change
//!    is missed.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use concurrent_queue::{ConcurrentQueue, PushError};
use event_listener::Event;

use crate::queue::engine::{Claim, Queue, QueueMessage};

/// A bounded [`Queue`] in memory. A clone is a handle on the same queue.
///
/// A claimed message is held until it is acknowledged or given back, or until its receipt is dropped, which
/// gives it back: no lease runs out while its holder lives. Keys are ignored. Messages that come back go
/// before all others.
#[derive(Clone)]
pub struct BoundedQueue(Arc<Shared>);

struct Shared {
    waiting: ConcurrentQueue<Stored>,
    returned: ConcurrentQueue<Stored>,
    /// Messages that are published, or about to be, and not acknowledged (1).
    unacknowledged: AtomicUsize,
    /// Set by `close`, and never cleared. No message is added from then on (2).
    is_closed: AtomicBool,
    /// Notified when there is a message, or when no more will come.
    ready: Event,
    /// Notified when there is room, or when the queue is closed.
    room: Event,
}

struct Stored {
    message: QueueMessage,
    deliveries: u32,
}

/// The receipt of a message of a [`BoundedQueue`] that is claimed. Dropping the last clone gives the message
/// back, unless it was acknowledged.
#[derive(Clone)]
pub struct BoundedReceipt(Arc<ClaimedMessage>);

struct ClaimedMessage {
    queue: Arc<Shared>,
    message: QueueMessage,
    deliveries: u32,
    /// Set once the message is acknowledged or given back, whichever is first. Excludes the other (4).
    is_settled: AtomicBool,
}

/// The error of a queue that was closed: the message comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue is closed")]
pub struct QueueClosed(pub QueueMessage);

impl BoundedQueue {
    /// A queue with room for `capacity` messages that wait to be claimed. A message that is given back needs
    /// no room.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            waiting: ConcurrentQueue::bounded(capacity.get()),
            returned: ConcurrentQueue::unbounded(),
            unacknowledged: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            ready: Event::new(),
            room: Event::new(),
        }))
    }

    /// Closes the queue: it takes no more messages. Once those that are there are acknowledged, its consumers
    /// end.
    pub fn close(&self) {
        self.0.waiting.close();
        // SeqCst here and for `unacknowledged`: a consumer that sees `is_closed` set must see every message
        // published before, and its count in `unacknowledged` (3).
        self.0.is_closed.store(true, Ordering::SeqCst);
        self.0.ready.notify(usize::MAX);
        self.0.room.notify(usize::MAX);
    }

    /// Returns the number of messages that are not acknowledged, those of publishers that wait for room
    /// included.
    pub fn unacknowledged(&self) -> usize {
        self.0.unacknowledged.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn next(self: &Arc<Self>) -> Option<Claim<BoundedReceipt>> {
        let stored = self.returned.pop().ok().or_else(|| {
            let stored = self.waiting.pop().ok()?;
            self.room.notify_additional(1);
            Some(stored)
        })?;
        let Stored { message, deliveries } = stored;
        let deliveries = deliveries.saturating_add(1);
        let held = ClaimedMessage {
            queue: self.clone(),
            message: message.clone(),
            deliveries,
            is_settled: AtomicBool::new(false),
        };
        Some(Claim { message, receipt: BoundedReceipt(Arc::new(held)), deliveries })
    }

    /// True once no message will come any more (3).
    fn has_ended(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst) && self.unacknowledged.load(Ordering::SeqCst) == 0
    }

    fn uncount(&self) {
        if self.unacknowledged.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.ready.notify(usize::MAX);
        }
    }
}

/// The count of a message that is being published, from before it can be claimed (1). Dropped without
/// [`commit`](Self::commit), it does not count any more.
struct PublishGuard<'a>(Option<&'a Shared>);

impl<'a> PublishGuard<'a> {
    fn new(queue: &'a Shared) -> Self {
        queue.unacknowledged.fetch_add(1, Ordering::SeqCst);
        Self(Some(queue))
    }

    fn commit(mut self) {
        self.0 = None;
    }
}

impl Drop for PublishGuard<'_> {
    fn drop(&mut self) {
        if let Some(queue) = self.0 {
            queue.uncount();
        }
    }
}

impl ClaimedMessage {
    /// True for the first call only (4).
    fn settle(&self) -> bool {
        !self.is_settled.swap(true, Ordering::AcqRel)
    }

    fn give_back(&self) {
        if self.settle() {
            // Cannot fail: this queue is unbounded, and never closed (2).
            let _ = self
                .queue
                .returned
                .push(Stored { message: self.message.clone(), deliveries: self.deliveries });
            self.queue.ready.notify_additional(1);
        }
    }
}

impl Drop for ClaimedMessage {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Queue for BoundedQueue {
    type Receipt = BoundedReceipt;
    type Error = QueueClosed;

    async fn publish(&self, message: QueueMessage) -> Result<(), QueueClosed> {
        let guard = PublishGuard::new(&self.0);
        let mut stored = Stored { message, deliveries: 0 };
        loop {
            // Listens first (5).
            let listening = self.0.room.listen();
            stored = match self.0.waiting.push(stored) {
                Ok(()) => break,
                Err(PushError::Full(stored)) => stored,
                Err(PushError::Closed(stored)) => return Err(QueueClosed(stored.message)),
            };
            listening.await;
        }
        guard.commit();
        self.0.ready.notify_additional(1);
        Ok(())
    }

    async fn claim(&self, most: usize, _: Duration) -> Result<Vec<Claim<BoundedReceipt>>, QueueClosed> {
        loop {
            // Listens first (5).
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
        Ok(held.map(|receipt| receipt.0.queue.uncount()).count())
    }

    async fn extend(&self, receipts: &[BoundedReceipt], _: Duration) -> Result<usize, QueueClosed> {
        Ok(receipts.iter().filter(|receipt| !receipt.0.is_settled.load(Ordering::Acquire)).count())
    }

    async fn nack(&self, receipts: &[BoundedReceipt]) -> Result<(), QueueClosed> {
        receipts.iter().for_each(|receipt| receipt.0.give_back());
        Ok(())
    }
}
