//! The erased form of a queue, for a pipeline that does not name its type.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::queue::engine::{Claim, Claims, Queue};
use sweet_async_core::error::BoxError;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send + 'a>>;

/// A queue's own receipt.
pub(crate) type Receipt = Arc<dyn Any + Send + Sync>;

/// A claimed message.
pub(crate) type Claimed = Claim<Receipt>;

/// The part of a [`Queue`] that its consumers call, erased.
pub(crate) trait DynQueue: Send + Sync {
    fn claim<'a>(&'a self, job: Option<&'a str>, most: usize, lease: Duration) -> Boxed<'a, Claims<Receipt>>;
    fn ack(&self, receipts: Vec<Receipt>) -> Boxed<'_, usize>;
    fn extend(&self, receipts: Vec<Receipt>, lease: Duration) -> Boxed<'_, usize>;
    fn nack<'a>(&'a self, receipts: Vec<Receipt>, reason: &'a str, after: Duration) -> Boxed<'a, usize>;
    fn release(&self, receipts: Vec<Receipt>) -> Boxed<'_, usize>;
    fn bury<'a>(&'a self, receipts: Vec<Receipt>, reason: &'a str) -> Boxed<'a, usize>;
    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
    fn has_clock(&self) -> bool;
}

fn own<Q: Queue>(receipts: Vec<Receipt>) -> Vec<Q::Receipt> {
    receipts.iter().filter_map(|receipt| receipt.downcast_ref()).cloned().collect()
}

impl<Q: Queue> DynQueue for Q {
    fn claim<'a>(&'a self, job: Option<&'a str>, most: usize, lease: Duration) -> Boxed<'a, Claims<Receipt>> {
        let erased = |claim: Claim<Q::Receipt>| {
            let Claim { message, receipt, deliveries } = claim;
            Claim { message, receipt: Arc::new(receipt) as Receipt, deliveries }
        };
        Box::pin(async move {
            Ok(match Queue::claim(self, job, most, lease).await.map_err(Into::into)? {
                Claims::Messages(claims) => Claims::Messages(claims.into_iter().map(erased).collect()),
                Claims::Empty => Claims::Empty,
                Claims::Over => Claims::Over,
            })
        })
    }

    fn ack(&self, receipts: Vec<Receipt>) -> Boxed<'_, usize> {
        Box::pin(async move { Queue::ack(self, &own::<Q>(receipts)).await.map_err(Into::into) })
    }

    fn extend(&self, receipts: Vec<Receipt>, lease: Duration) -> Boxed<'_, usize> {
        Box::pin(async move { Queue::extend(self, &own::<Q>(receipts), lease).await.map_err(Into::into) })
    }

    fn nack<'a>(&'a self, receipts: Vec<Receipt>, reason: &'a str, after: Duration) -> Boxed<'a, usize> {
        Box::pin(
            async move { Queue::nack(self, &own::<Q>(receipts), reason, after).await.map_err(Into::into) },
        )
    }

    fn release(&self, receipts: Vec<Receipt>) -> Boxed<'_, usize> {
        Box::pin(async move { Queue::release(self, &own::<Q>(receipts)).await.map_err(Into::into) })
    }

    fn bury<'a>(&'a self, receipts: Vec<Receipt>, reason: &'a str) -> Boxed<'a, usize> {
        Box::pin(async move { Queue::bury(self, &own::<Q>(receipts), reason).await.map_err(Into::into) })
    }

    fn changed(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Queue::changed(self))
    }

    fn has_clock(&self) -> bool {
        Queue::has_clock(self)
    }
}
