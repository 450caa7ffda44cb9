//! A queue in memory, between pipelines of one process.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_listener::Event;

use crate::queue::engine::{Claim, Claims, DeadLetter, Depth, Queue, QueueMessage};
use crate::queue::messages::{Added, Delivery, Effects, Messages};

/// A bounded [`Queue`] in memory. A clone is a handle on the same queue.
///
/// It has no clock: a claimed message is held until it is acknowledged, buried or given back, or until its receipt is
/// dropped, which gives it back. Messages that come back go before those that were published later. A message is given
/// back at once, whatever the delay.
///
/// Cost: a lock for each call, held for the time of the change alone; for a claim of one job among several, also that
/// of a look at the waiting messages of the others. The keys of all messages are kept as long as the queue is.
#[derive(Clone)]
pub struct BoundedQueue(Arc<Shared>);

struct Shared {
    // A lock, since a call changes several collections at once. It is taken for each chunk, not for each row.
    messages: Mutex<Messages>,
    /// Notified when there is a message, or when no more will come.
    ready: Event,
    /// Notified when there is room, or when messages are refused from now on.
    room: Event,
}

/// The receipt of a message of a [`BoundedQueue`] that is claimed. Dropping the last clone gives the message
/// back, unless it was settled.
#[derive(Clone)]
pub struct BoundedReceipt(Arc<Held>);

struct Held {
    queue: Arc<Shared>,
    delivery: Delivery,
}

impl Drop for Held {
    fn drop(&mut self) {
        let Self { queue, delivery } = self;
        if queue.messages().give_back(*delivery) {
            queue.ready.notify(usize::MAX);
        }
    }
}

/// The error of a [`BoundedQueue`] that takes a message no more: it comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueueRefused {
    /// The queue is closed.
    #[error("the queue is closed")]
    Closed(QueueMessage),
    /// The job of the message is sealed, without this message.
    #[error("job {:?} is sealed, and was without message {:?}", .0.job(), .0.key())]
    Sealed(QueueMessage),
}

impl BoundedQueue {
    /// A queue with room for `capacity` messages that wait for their first delivery. A message that is given back needs
    /// no room.
    pub fn new(capacity: NonZeroUsize) -> Self {
        Self(Arc::new(Shared {
            messages: Mutex::new(Messages::new(capacity.get())),
            ready: Event::new(),
            room: Event::new(),
        }))
    }

    /// Closes the queue: it takes no more messages, of any job. Once those that are there are settled, it is over.
    pub fn close(&self) {
        self.0.messages().close();
        self.0.notify_all();
    }

    /// Returns the number of messages that are neither acknowledged nor buried.
    pub fn unacknowledged(&self) -> usize {
        let Depth { waiting, claimed, .. } = self.0.messages().depth();
        (waiting + claimed) as usize
    }

    /// Settles these deliveries by `settle`, which is false for one that does not stand any more.
    fn settle(
        &self,
        receipts: &[BoundedReceipt],
        settle: impl Fn(&mut Messages, Delivery) -> bool,
    ) -> Result<usize, QueueRefused> {
        let mut messages = self.0.messages();
        // Receipts of another queue are of no message here.
        let own = receipts.iter().filter(|receipt| Arc::ptr_eq(&receipt.0.queue, &self.0));
        let count = own.filter(|receipt| settle(&mut messages, receipt.0.delivery)).count();
        self.0.released(messages);
        Ok(count)
    }
}

impl Shared {
    fn messages(&self) -> MutexGuard<'_, Messages> {
        // No code of a user's runs under the lock.
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify_all(&self) {
        self.ready.notify(usize::MAX);
        self.room.notify(usize::MAX);
    }

    /// Releases the lock, and sees to the effects of what was changed under it.
    fn released(&self, mut messages: MutexGuard<'_, Messages>) {
        let Effects { gone, may_be_over } = messages.effects();
        drop(messages);
        drop(gone);
        if may_be_over {
            self.ready.notify(usize::MAX);
        }
    }
}

impl Queue for BoundedQueue {
    type Receipt = BoundedReceipt;
    type Error = QueueRefused;

    async fn open(&self, job: &str) -> Result<(), QueueRefused> {
        self.0.messages().open(job);
        Ok(())
    }

    async fn publish(&self, mut message: QueueMessage) -> Result<bool, QueueRefused> {
        loop {
            // Listens, then looks: no change is missed.
            let listening = self.0.room.listen();
            let added = self.0.messages().add(message);
            message = match added {
                Added::New => break,
                Added::Known(message) => {
                    drop(message);
                    // It may have been notified of room, which is for another then.
                    self.0.room.notify_additional(1);
                    return Ok(false);
                }
                Added::Full(message) => message,
                Added::Refused { message, is_closed: true } => return Err(QueueRefused::Closed(message)),
                Added::Refused { message, is_closed: false } => return Err(QueueRefused::Sealed(message)),
            };
            listening.await;
        }
        // All of them: the one that is notified may claim another job.
        self.0.ready.notify(usize::MAX);
        Ok(true)
    }

    async fn seal(&self, job: &str) -> Result<(), QueueRefused> {
        self.0.messages().seal(job);
        self.0.notify_all();
        Ok(())
    }

    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        _: Duration,
    ) -> Result<Claims<BoundedReceipt>, QueueRefused> {
        loop {
            // Listens, then looks.
            let listening = self.0.ready.listen();
            let (claims, freed) = self.0.messages().claim(job, most);
            let held = |claim: Claim<Delivery>| {
                let Claim { message, receipt: delivery, deliveries } = claim;
                let receipt = BoundedReceipt(Arc::new(Held { queue: self.0.clone(), delivery }));
                Claim { message, receipt, deliveries }
            };
            match claims {
                Claims::Messages(claims) => {
                    self.0.room.notify_additional(freed);
                    return Ok(Claims::Messages(claims.into_iter().map(held).collect()));
                }
                Claims::Over => return Ok(Claims::Over),
                Claims::Empty => {}
            }
            listening.await;
        }
    }

    async fn ack(&self, receipts: &[BoundedReceipt]) -> Result<usize, QueueRefused> {
        self.settle(receipts, Messages::ack)
    }

    async fn extend(&self, receipts: &[BoundedReceipt], _: Duration) -> Result<usize, QueueRefused> {
        let messages = self.0.messages();
        let own = receipts.iter().filter(|receipt| Arc::ptr_eq(&receipt.0.queue, &self.0));
        Ok(own.filter(|receipt| messages.is_held(receipt.0.delivery)).count())
    }

    async fn nack(&self, receipts: &[BoundedReceipt], _: &str, _: Duration) -> Result<usize, QueueRefused> {
        let count = self.settle(receipts, Messages::give_back)?;
        self.0.ready.notify(usize::MAX);
        Ok(count)
    }

    async fn release(&self, receipts: &[BoundedReceipt]) -> Result<usize, QueueRefused> {
        let count = self.settle(receipts, Messages::release)?;
        self.0.ready.notify(usize::MAX);
        Ok(count)
    }

    async fn bury(&self, receipts: &[BoundedReceipt], reason: &str) -> Result<usize, QueueRefused> {
        self.settle(receipts, |messages, delivery| messages.bury(delivery, reason))
    }

    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, QueueRefused> {
        Ok(self.0.messages().dead(most))
    }

    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, QueueRefused> {
        let count = self.0.messages().redrive(keys);
        self.0.ready.notify(usize::MAX);
        Ok(count)
    }

    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, QueueRefused> {
        let mut messages = self.0.messages();
        let count = messages.purge(keys);
        self.0.released(messages);
        Ok(count)
    }

    async fn depth(&self) -> Result<Depth, QueueRefused> {
        Ok(self.0.messages().depth())
    }

    async fn changed(&self) {
        self.0.ready.listen().await;
    }

    fn has_clock(&self) -> bool {
        false
    }
}
