//! The handler that publishes values into a queue, as JSON Lines.
//!
//! The values of a chunk are one message, or several where they are many. Where a message ends depends on the
//! values alone, and its key on its first and last row: a chunk that is handled again gives the same messages.

use std::sync::Arc;

use bytes::Bytes;
use concurrent_queue::ConcurrentQueue;
use memchr::memchr_iter;
use serde::Serialize;

use crate::collect::deferred_rejections::DeferredRejections;
use crate::collect::worker::calls::Calls;
use crate::event::single::Event;
use crate::outcome::names::Names;
use crate::output::rows::RowText;
use crate::output::rows::json_lines::JsonText;
use crate::queue::wire::message;
use crate::queue::{Queue, QueueError};
use crate::run::work::completion::Completion;
use crate::run::work::feed::Feed;
use crate::run::work::handlers::handler::Handler;
use crate::run::work::handlers::publishing_chunks::{open_job, seal_job};
use crate::run::work::slot::StateSlot;
use crate::run::work::state::{ChunkData, ClaimedChunk, WorkerState};
use crate::source::format::head_of_messages;
use crate::source::format::marker::JsonLines;
use crate::stage::chain::{Chain, MORE};
use crate::text::chunk::RawChunk;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::DynRuntime;

/// The bytes from which on the next row begins another message: few enough for any engine to take, and enough for
/// most chunks to be one message.
const MESSAGE: usize = 256 << 10;

/// Publishes the values of all workers. Workers publish at the same time.
pub(crate) struct Publishing<Q> {
    queue: Q,
    job: Arc<str>,
    /// The head of all messages.
    head: Bytes,
    /// The first error of the queue, once there is one.
    failure: ConcurrentQueue<AsyncTaskError>,
}

impl<Q: Queue> Publishing<Q> {
    pub(crate) fn new(queue: Q, job: Arc<str>) -> Self {
        let head = head_of_messages::<JsonLines>(&job, &());
        Self { queue, job, head, failure: ConcurrentQueue::bounded(1) }
    }

    /// Publishes values as one message. Returns false once the queue has failed.
    async fn publish(&self, values: Values, chunk: &ChunkData<'_>) -> bool {
        let Values { text, first, last } = values;
        let (job, in_source) = (&self.job, first - chunk.origin.base);
        let key = match &chunk.claimed {
            Some(ClaimedChunk { key, first: begin }) => {
                format!("{job}/{key}/{}-{}", first - begin, last - begin)
            }
            None => format!("{job}/{}/{in_source}-{}", chunk.origin.source, last - chunk.origin.base),
        };
        let rows = memchr_iter(b'\n', &text).count() as u64;
        let (first_line, bytes) = (in_source + 1, text.into());
        let values = RawChunk { bytes, first_row: in_source, rows, first_line, first_byte: 0 };
        let message = message(&self.job, &self.head, &values, key);
        let published = QueueError::of_call("publishing", &self.job, || self.queue.publish(message)).await;
        if let Err(error) = published {
            // One error is enough.
            let _ = self.failure.push(error);
            return false;
        }
        true
    }
}

impl<T, Q> Handler<T> for Publishing<Q>
where
    T: Serialize + Send + 'static,
    Q: Queue,
{
    type Local = Pending;
    type End = ();

    fn locals(&self, workers: &[Arc<Calls>]) -> Vec<Pending> {
        workers.iter().map(|_| Pending::default()).collect()
    }

    async fn handle<X: Chain<Out = T>>(&self, slot: &StateSlot<Pending>, feed: &mut Feed<'_, X>) -> bool {
        loop {
            // A row that fails after its first value is to leave nothing in a message.
            let more = match X::HAS_STAGES {
                true => feed.whole_rows(|events| add_all(slot, events)).await,
                false => add_each(slot, feed),
            };
            feed.state().rest().await;
            let is_given_back = !more && feed.chunk().claimed.is_some() && is_given_back(feed.state());
            let due = slot.with(|pending| {
                let pending = pending.as_mut()?;
                if !more {
                    pending.end_message::<T>();
                }
                Some(std::mem::take(&mut pending.due))
            });
            for values in due.filter(|_| !is_given_back).unwrap_or_default() {
                if !self.publish(values, feed.chunk()).await {
                    // The pipeline fails with the queue's error, and no more rows are wanted.
                    feed.state().control.limit.stop_at(0);
                    return false;
                }
            }
            if !more {
                return false;
            }
        }
    }

    fn can_retry(&self) -> bool {
        false
    }

    async fn begin(&self, _: &DynRuntime) -> Result<(), AsyncTaskError> {
        open_job(&self.queue, &self.job).await
    }

    async fn complete(&self, _: &DynRuntime, completion: Completion) -> Result<(), AsyncTaskError> {
        seal_job(&self.queue, &self.job, completion).await
    }

    async fn close(&self, _: Vec<Pending>, _: &Names) -> (DeferredRejections, ()) {
        (DeferredRejections::failed(self.failure.pop().ok()), ())
    }
}

/// True if the message of the chunk that was handled last is given back, to be handled again from its beginning:
/// rows of it are left, or its last row has ended the pipeline. The wanted part of it is published all the same
/// where the pipeline has enough, and so succeeds.
fn is_given_back(state: &WorkerState) -> bool {
    let limit = &state.control.limit;
    (state.is_cut_short || !limit.allows(state.last.sequence)) && !limit.has_enough()
}

/// Adds the values of rows that have one each, until a slice is full. Returns true if there may be more.
fn add_each<X: Chain<Out: Serialize>>(slot: &StateSlot<Pending>, feed: &mut Feed<'_, X>) -> bool {
    slot.with(|pending| {
        let pending = pending.get_or_insert_default();
        let add = |(), event: Event<X::Out>| {
            pending.begin_row::<X::Out>(event.sequence);
            pending.text.add(&event.data).map(|()| MORE)
        };
        feed.slice(|| (), add, |_| ()).unwrap_or(false)
    })
}

/// Adds all values of a row, or none of them.
fn add_all<T: Serialize>(slot: &StateSlot<Pending>, events: &[Event<T>]) -> Result<(), AsyncTaskError> {
    let Some(first) = events.first() else { return Ok(()) };
    slot.with(|pending| {
        let pending = pending.get_or_insert_default();
        pending.begin_row::<T>(first.sequence);
        let text = &mut pending.text;
        let before = RowText::<T>::mark(text);
        let added = caught(|| events.iter().try_for_each(|event| text.add(&event.data)));
        let added = added.and_then(|added| added);
        if added.is_err() {
            RowText::<T>::undo(text, before);
        }
        added
    })
}

/// The values of one worker that were not published yet.
#[derive(Default)]
pub(crate) struct Pending {
    /// The message under way, and the sequences of its first and its last row.
    text: JsonText,
    first: u64,
    last: u64,
    /// The messages that are complete.
    due: Vec<Values>,
}

/// The values of one message.
struct Values {
    text: Vec<u8>,
    first: u64,
    last: u64,
}

impl Pending {
    /// Notes that values of the row at `sequence` follow.
    fn begin_row<T: Serialize>(&mut self, sequence: u64) {
        if RowText::<T>::bytes(&self.text) >= MESSAGE {
            self.end_message::<T>();
        }
        if RowText::<T>::bytes(&self.text) == 0 {
            self.first = sequence;
        }
        self.last = sequence;
    }

    fn end_message<T: Serialize>(&mut self) {
        if RowText::<T>::bytes(&self.text) > 0 {
            let text = RowText::<T>::take(&mut self.text);
            self.due.push(Values { text, first: self.first, last: self.last });
        }
    }
}
