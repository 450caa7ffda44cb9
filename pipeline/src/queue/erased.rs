//! The erased form of a queue, for a pipeline that does not name its type.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::queue::engine::{Claim, Queue, QueueMessage};
use sweet_async_core::error::BoxError;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A queue's own receipt.
pub(crate) type Receipt = Arc<dyn Any + Send + Sync>;

/// A claimed message.
pub(crate) struct Claimed {
    pub(crate) message: QueueMessage,
    pub(crate) receipt: Receipt,
    pub(crate) deliveries: u32,
}

/// The erased form of [`Queue`], with the same methods.
pub(crate) trait DynQueue: Send + Sync {
    fn claim(&self, most: usize, lease: Duration) -> Boxed<'_, Vec<Claimed>>;
    fn ack(&self, receipts: Vec<Receipt>) -> Boxed<'_, usize>;
    fn extend(&self, receipts: Vec<Receipt>, lease: Duration) -> Boxed<'_, usize>;
    fn nack(&self, receipts: Vec<Receipt>) -> Boxed<'_, ()>;
}

fn own<Q: Queue>(receipts: Vec<Receipt>) -> Vec<Q::Receipt> {
    receipts.iter().filter_map(|receipt| receipt.downcast_ref()).cloned().collect()
}

impl<Q: Queue> DynQueue for Q {
    fn claim(&self, most: usize, lease: Duration) -> Boxed<'_, Vec<Claimed>> {
        let claimed = |delivery: Claim<Q::Receipt>| {
            let Claim { message, receipt, deliveries } = delivery;
            Claimed { message, receipt: Arc::new(receipt), deliveries }
        };
        Box::pin(async move {
            let claims = Queue::claim(self, most, lease).await.map_err(Into::into)?;
            Ok(claims.into_iter().map(claimed).collect())
        })
    }

    fn ack(&self, receipts: Vec<Receipt>) -> Boxed<'_, usize> {
        Box::pin(async move { Queue::ack(self, &own::<Q>(receipts)).await.map_err(Into::into) })
    }

    fn extend(&self, receipts: Vec<Receipt>, lease: Duration) -> Boxed<'_, usize> {
        Box::pin(async move { Queue::extend(self, &own::<Q>(receipts), lease).await.map_err(Into::into) })
    }

    fn nack(&self, receipts: Vec<Receipt>) -> Boxed<'_, ()> {
        Box::pin(async move { Queue::nack(self, &own::<Q>(receipts)).await.map_err(Into::into) })
    }
}
