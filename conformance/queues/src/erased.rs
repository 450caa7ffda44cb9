//! A queue as a value, whatever its engine, so that cases are compiled once.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sweet_async_core::error::BoxError;
use sweet_async_pipeline::{Claim, Claims, DeadLetter, Depth, Queue, QueueMessage};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A receipt of any engine.
pub(crate) type AnyReceipt = Arc<dyn Any + Send + Sync>;

/// A queue of any engine. A clone is a handle on the same queue.
#[derive(Clone)]
pub(crate) struct AnyQueue(Arc<dyn Erased>);

impl AnyQueue {
    pub(crate) fn new(queue: impl Queue) -> Self {
        Self(Arc::new(queue))
    }
}

/// [`Queue`], with boxed futures.
trait Erased: Send + Sync {
    fn open<'a>(&'a self, job: &'a str) -> Boxed<'a, ()>;
    fn publish(&self, message: QueueMessage) -> Boxed<'_, bool>;
    fn seal<'a>(&'a self, job: &'a str) -> Boxed<'a, ()>;
    fn claim<'a>(
        &'a self,
        job: Option<&'a str>,
        most: usize,
        lease: Duration,
    ) -> Boxed<'a, Claims<AnyReceipt>>;
    fn ack<'a>(&'a self, receipts: &'a [AnyReceipt]) -> Boxed<'a, usize>;
    fn extend<'a>(&'a self, receipts: &'a [AnyReceipt], lease: Duration) -> Boxed<'a, usize>;
    fn nack<'a>(&'a self, receipts: &'a [AnyReceipt], reason: &'a str, after: Duration) -> Boxed<'a, usize>;
    fn release<'a>(&'a self, receipts: &'a [AnyReceipt]) -> Boxed<'a, usize>;
    fn bury<'a>(&'a self, receipts: &'a [AnyReceipt], reason: &'a str) -> Boxed<'a, usize>;
    fn dead(&self, most: usize) -> Boxed<'_, Vec<DeadLetter>>;
    fn redrive<'a>(&'a self, keys: &'a [Arc<str>]) -> Boxed<'a, usize>;
    fn purge<'a>(&'a self, keys: &'a [Arc<str>]) -> Boxed<'a, usize>;
    fn depth(&self) -> Boxed<'_, Depth>;
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    fn has_clock(&self) -> bool;
    fn poll_period(&self) -> Duration;
}

fn own<Q: Queue>(receipts: &[AnyReceipt]) -> Vec<Q::Receipt> {
    receipts.iter().filter_map(|receipt| receipt.downcast_ref()).cloned().collect()
}

/// A method that only passes on what it is given.
macro_rules! boxed {
    ($call:expr) => {
        Box::pin(async move { $call.await.map_err(Into::into) })
    };
}

impl<Q: Queue> Erased for Q {
    fn open<'a>(&'a self, job: &'a str) -> Boxed<'a, ()> {
        boxed!(Queue::open(self, job))
    }
    fn publish(&self, message: QueueMessage) -> Boxed<'_, bool> {
        boxed!(Queue::publish(self, message))
    }
    fn seal<'a>(&'a self, job: &'a str) -> Boxed<'a, ()> {
        boxed!(Queue::seal(self, job))
    }
    fn claim<'a>(
        &'a self,
        job: Option<&'a str>,
        most: usize,
        lease: Duration,
    ) -> Boxed<'a, Claims<AnyReceipt>> {
        let erased = |claim: Claim<Q::Receipt>| {
            let Claim { message, receipt, deliveries } = claim;
            Claim { message, receipt: Arc::new(receipt) as AnyReceipt, deliveries }
        };
        Box::pin(async move {
            Ok(match Queue::claim(self, job, most, lease).await.map_err(Into::into)? {
                Claims::Messages(claims) => Claims::Messages(claims.into_iter().map(erased).collect()),
                Claims::Empty => Claims::Empty,
                Claims::Over => Claims::Over,
            })
        })
    }
    fn ack<'a>(&'a self, receipts: &'a [AnyReceipt]) -> Boxed<'a, usize> {
        boxed!(Queue::ack(self, &own::<Q>(receipts)))
    }
    fn extend<'a>(&'a self, receipts: &'a [AnyReceipt], lease: Duration) -> Boxed<'a, usize> {
        boxed!(Queue::extend(self, &own::<Q>(receipts), lease))
    }
    fn nack<'a>(&'a self, receipts: &'a [AnyReceipt], reason: &'a str, after: Duration) -> Boxed<'a, usize> {
        boxed!(Queue::nack(self, &own::<Q>(receipts), reason, after))
    }
    fn release<'a>(&'a self, receipts: &'a [AnyReceipt]) -> Boxed<'a, usize> {
        boxed!(Queue::release(self, &own::<Q>(receipts)))
    }
    fn bury<'a>(&'a self, receipts: &'a [AnyReceipt], reason: &'a str) -> Boxed<'a, usize> {
        boxed!(Queue::bury(self, &own::<Q>(receipts), reason))
    }
    fn dead(&self, most: usize) -> Boxed<'_, Vec<DeadLetter>> {
        boxed!(Queue::dead(self, most))
    }
    fn redrive<'a>(&'a self, keys: &'a [Arc<str>]) -> Boxed<'a, usize> {
        boxed!(Queue::redrive(self, keys))
    }
    fn purge<'a>(&'a self, keys: &'a [Arc<str>]) -> Boxed<'a, usize> {
        boxed!(Queue::purge(self, keys))
    }
    fn depth(&self) -> Boxed<'_, Depth> {
        boxed!(Queue::depth(self))
    }
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Queue::changed(self))
    }
    fn has_clock(&self) -> bool {
        Queue::has_clock(self)
    }
    fn poll_period(&self) -> Duration {
        Queue::poll_period(self)
    }
}

impl Queue for AnyQueue {
    type Receipt = AnyReceipt;
    type Error = BoxError;

    async fn open(&self, job: &str) -> Result<(), BoxError> {
        self.0.open(job).await
    }
    async fn publish(&self, message: QueueMessage) -> Result<bool, BoxError> {
        self.0.publish(message).await
    }
    async fn seal(&self, job: &str) -> Result<(), BoxError> {
        self.0.seal(job).await
    }
    async fn claim(
        &self,
        job: Option<&str>,
        most: usize,
        lease: Duration,
    ) -> Result<Claims<AnyReceipt>, BoxError> {
        self.0.claim(job, most, lease).await
    }
    async fn ack(&self, receipts: &[AnyReceipt]) -> Result<usize, BoxError> {
        self.0.ack(receipts).await
    }
    async fn extend(&self, receipts: &[AnyReceipt], lease: Duration) -> Result<usize, BoxError> {
        self.0.extend(receipts, lease).await
    }
    async fn nack(&self, receipts: &[AnyReceipt], reason: &str, after: Duration) -> Result<usize, BoxError> {
        self.0.nack(receipts, reason, after).await
    }
    async fn release(&self, receipts: &[AnyReceipt]) -> Result<usize, BoxError> {
        self.0.release(receipts).await
    }
    async fn bury(&self, receipts: &[AnyReceipt], reason: &str) -> Result<usize, BoxError> {
        self.0.bury(receipts, reason).await
    }
    async fn dead(&self, most: usize) -> Result<Vec<DeadLetter>, BoxError> {
        self.0.dead(most).await
    }
    async fn redrive(&self, keys: &[Arc<str>]) -> Result<usize, BoxError> {
        self.0.redrive(keys).await
    }
    async fn purge(&self, keys: &[Arc<str>]) -> Result<usize, BoxError> {
        self.0.purge(keys).await
    }
    async fn depth(&self) -> Result<Depth, BoxError> {
        self.0.depth().await
    }
    async fn changed(&self) {
        self.0.changed().await;
    }
    fn has_clock(&self) -> bool {
        self.0.has_clock()
    }
    fn poll_period(&self) -> Duration {
        self.0.poll_period()
    }
}
