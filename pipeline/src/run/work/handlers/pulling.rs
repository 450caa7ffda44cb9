//! The handler of a pulled pipeline: it passes events on to the holder of the handle.

use std::sync::Arc;

use async_channel::Sender;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::outcome::names::Names;
use crate::run::work::feed::{Feed, Taken};
use crate::run::work::handlers::handler::Handler;
use crate::run::work::slot::StateSlot;
use crate::stage::chain::Chain;

/// The number of events from which on they are passed on together: enough to make the queue's cost
/// negligible, few enough for the first one not to wait for long.
const BATCH: usize = 256;

/// Puts events into a queue. A full queue makes the workers wait, and they make the sender wait.
pub(crate) struct Pulling<T> {
    pub(crate) queue: Sender<Taken<T>>,
}

impl<T: Send + 'static> Handler<T> for Pulling<T> {
    type Local = ();
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<()> {
        vec![(); workers.len()]
    }

    async fn handle<X: Chain<Out = T>>(&self, _: &StateSlot<()>, feed: &mut Feed<'_, X>) -> bool {
        let mut taken = Taken::default();
        loop {
            let more = feed.take(&mut taken).await;
            feed.state().rest().await;
            if taken.events.len() >= BATCH || !more {
                let rows = taken.rows;
                // No more events are pulled: the remaining ones are dropped, and counted as dropped.
                if rows > 0 && self.queue.send(std::mem::take(&mut taken)).await.is_err() {
                    return false;
                }
                feed.state().counts.handled += rows;
            }
            if !more {
                return false;
            }
        }
    }

    fn is_final(&self) -> bool {
        false
    }

    fn can_retry(&self) -> bool {
        false
    }

    async fn unwanted(&self) {
        self.queue.closed().await;
    }

    async fn close(&self, _: Vec<()>, _: &Names) -> (DeferredRejections, ()) {
        (DeferredRejections::default(), ())
    }
}
