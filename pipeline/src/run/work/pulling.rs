//! Events that are handed on to whoever pulls them.

use std::sync::Arc;

use async_channel::Sender;

use crate::collect::calls::Calls;
use crate::collect::deferred_rejections::Late;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::run::shared::time_slice::TimeSlice;
use crate::run::work::feed::Feed;
use crate::run::work::handler::Handler;
use crate::run::work::slot::Slot;
use crate::text::decode::Decoded;
use sweet_async_core::runtime::Runtime;

/// Events that go together at most: enough for the queue not to count, few enough for the first not to wait for long.
const TOGETHER: usize = 256;

/// Puts events into a queue. A full one makes the workers wait, and these the sender.
pub(crate) struct Pulling<T> {
    pub(crate) queue: Sender<Vec<Event<T>>>,
}

impl<T: Send + 'static> Handler<T> for Pulling<T> {
    type Local = ();
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<()> {
        vec![(); workers.len()]
    }

    async fn handle<R, I>(&self, _: &Slot<()>, pace: &mut TimeSlice, feed: &mut Feed<'_, T, R, I>) -> bool
    where
        R: Runtime,
        I: Iterator<Item = Decoded<T>> + Send,
    {
        let mut events = Vec::new();
        loop {
            let more = feed.take(pace.rows(), &mut events);
            feed.rest(pace).await;
            if events.len() >= TOGETHER || !more {
                let count = events.len() as u64;
                // Nobody pulls any more: what is left is dropped, and counted so.
                if count > 0 && self.queue.send(std::mem::take(&mut events)).await.is_err() {
                    return false;
                }
                feed.desk.tally.handled += count;
            }
            if !more {
                return false;
            }
        }
    }

    fn is_final(&self) -> bool {
        false
    }

    async fn unwanted(&self) {
        self.queue.closed().await;
    }

    async fn close(&self, _: Vec<()>, _: &Names) -> (Late, ()) {
        (Late::default(), ())
    }
}
