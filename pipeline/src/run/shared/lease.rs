//! A chunk's lease, on the way from the lane that has claimed it to the worker that handles it, and what that says of it.

use std::sync::Arc;
use std::time::Duration;

use async_channel::{Receiver, Sender};
use futures_lite::future::or;

use crate::outcome::names::PublishedSource;
use crate::queue::{DynQueue, QueueError, Receipt};
use crate::run::shared::idle::Idle;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::Sleep;
use sweet_async_core::runtime::Runtime;

/// Goes with a chunk. Whoever drops it without having handled the chunk gives it back.
pub(crate) struct Lease {
    pub(crate) id: u64,
    /// The source that was published, once it is known.
    pub(crate) source: Option<Arc<PublishedSource>>,
    pub(crate) handled: bool,
    pub(crate) tell: Sender<Told>,
    /// Of the queue.
    pub(crate) idle: Arc<Idle>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Unbounded, and closed only where all is given back anyway.
        let _ = self.tell.try_send(Told::Ended { id: self.id, handled: self.handled });
    }
}

/// What a keeper is told of a message, in this order.
pub(crate) enum Told {
    Claimed(u64, Receipt),
    Ended { id: u64, handled: bool },
}

/// Holds what was claimed until it is handled.
pub(crate) struct Keeper<'a, R> {
    pub(crate) runtime: &'a R,
    pub(crate) queue: &'a dyn DynQueue,
    pub(crate) name: &'a Arc<str>,
    pub(crate) lease: Duration,
    pub(crate) told: Receiver<Told>,
}

/// What a keeper wakes for.
enum Next {
    Told(Told),
    /// All that was claimed is settled, and no more will be.
    Over,
    /// All workers are gone.
    Gone,
    Extend,
}

impl<R: Runtime> Keeper<'_, R> {
    /// Keeps all leases until everything is settled, or until `gone`, when what is left is given back.
    ///
    /// # Errors
    ///
    /// The queue's.
    pub(crate) async fn keep(self, gone: impl Future<Output = ()>) -> Result<(), AsyncTaskError> {
        let Self { runtime, queue, name, lease, told } = self;
        let mut gone = std::pin::pin!(gone);
        let mut held: Vec<(u64, Receipt)> = Vec::new();
        let period = lease / 3;
        let mut due = runtime.now().checked_add(period);
        loop {
            let extend = async {
                let _ = Sleep::silent(runtime, due).await;
                Next::Extend
            };
            let told_of = async { told.recv().await.map_or(Next::Over, Next::Told) };
            let gone = async {
                gone.as_mut().await;
                Next::Gone
            };
            // The clock first: leases must not run out while there is ever more to be told.
            let first = match or(extend, or(told_of, gone)).await {
                Next::Extend => {
                    due = runtime.now().checked_add(period);
                    let receipts: Vec<_> = held.iter().map(|(_, receipt)| receipt.clone()).collect();
                    let extended = match receipts.len() {
                        0 => Ok(0),
                        _ => queue.extend(receipts, lease).await,
                    };
                    lost(
                        name,
                        held.len(),
                        extended.map_err(|error| QueueError::failure("extending leases of", name, error))?,
                    );
                    continue;
                }
                Next::Over => return Ok(()),
                Next::Told(told) => Some(told),
                Next::Gone => None,
            };
            let (over, mut handled, mut returned) = (first.is_none(), Vec::new(), Vec::new());
            for told in first.into_iter().chain(std::iter::from_fn(|| told.try_recv().ok())) {
                match told {
                    Told::Claimed(id, receipt) => held.push((id, receipt)),
                    Told::Ended { id, handled: was_handled } => {
                        let Some(at) = held.iter().position(|(held, _)| *held == id) else { continue };
                        let (_, receipt) = held.swap_remove(at);
                        if was_handled { handled.push(receipt) } else { returned.push(receipt) }
                    }
                }
            }
            if over {
                returned.extend(held.drain(..).map(|(_, receipt)| receipt));
            }
            if !handled.is_empty() {
                let count = handled.len();
                let acked = queue.ack(handled).await;
                lost(
                    name,
                    count,
                    acked.map_err(|error| QueueError::failure("acknowledging to", name, error))?,
                );
            }
            if !returned.is_empty() {
                let back = queue.nack(returned).await;
                back.map_err(|error| QueueError::failure("giving back to", name, error))?;
            }
            if over {
                return Ok(());
            }
        }
    }
}

/// Tells of leases that had run out: what they were for may be handled twice.
fn lost(name: &str, all: usize, held: usize) {
    if held < all {
        tracing::warn!(
            queue = name,
            lost = all - held,
            "leases have run out: messages may be handled more than once"
        );
    }
}
