//! Keyed results of a pipeline.
//!
//! The keys are divided into parts by their hash. Each worker has a buffer for each part, and hands a full
//! buffer over to its part. A part has one user at a time: a worker that finds it in use keeps the buffer and
//! goes on, so no worker waits for another. An entry keeps the sequence of its event: source order decides
//! about two values under one key, whatever the order in which they were collected. Entries of a receiver's
//! running call stay at the ends of the buffers until the call has an outcome, and are removed from there if
//! it fails. The rule for duplicates says whether memory is bounded by the distinct keys or by the rows:
//! [`OnDuplicate`](crate::OnDuplicate).
//!
//! ```text
//! Collector (in the receiver) ─► Shard (of the worker) ─full buffer─► Partitions ─► Collection (final event)
//! Collector (elsewhere) ─► Inbox (of the worker) ─┘
//! ```
//!
//! - `worker`: a worker's calls, its shard and its inbox
//! - `parts`: the parts, while they are filled and at the end
//! - `store`: all of that for one pipeline; `registry`: the running pipelines, for collectors elsewhere
//! - `collection`: the result; `collected`: its values as a map

pub(crate) mod collected;
pub(crate) mod collection;
pub(crate) mod deferred_rejections;
pub(crate) mod duplicate;
pub(crate) mod errors;
pub(crate) mod key;
pub(crate) mod parts;
pub(crate) mod registry;
pub(crate) mod row_place;
pub(crate) mod store;
pub(crate) mod worker;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::Arc;

pub(crate) use crate::collect::row_place::RowPlace;
pub(crate) use crate::collect::worker::calls::CallId;

use crate::collect::errors::Noted;
use crate::collect::parts::partition::Entry;
use crate::collect::parts::partitions::Partitions;
use crate::event::single::Event;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::IdField;
use sweet_async_core::task::TaskId;

/// Takes keyed values from a receiver, for the final event.
///
/// It consists of a few numbers: it is made for each event, and costs nothing until it is used. It belongs to
/// the receiver's call or future. Elsewhere it still works, on a slower path, until the pipeline ends.
///
/// The entries of a call count once the call has succeeded, wherever they were collected. A call that returns
/// an error, panics, times out or is killed leaves none. Each attempt of an event that is retried is a call
/// of its own; a batch is one call. Values and errors of one row keep the order in which they were collected.
/// The entries of a call are held in memory until it ends, however many they are.
pub struct Collector<K, V> {
    pipeline: u64,
    call: CallId,
    /// The pipeline's task; `None` where there was no event.
    task: Option<TaskId>,
    sequence: u64,
    row_place: RowPlace,
    types: PhantomData<fn(K, V)>,
}

impl<K, V> Collector<K, V>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    #[inline]
    pub(crate) fn new<T>(pipeline: u64, call: CallId, event: &Event<T>) -> Self {
        let task = Some(event.origin.task);
        Self {
            pipeline,
            call,
            task,
            sequence: event.sequence,
            row_place: RowPlace::of(event),
            types: PhantomData,
        }
    }

    /// A collector for an event, or for the first one of a batch.
    #[inline]
    pub(crate) fn of<T>(pipeline: u64, call: CallId, first: Option<&Event<T>>) -> Self {
        match first {
            Some(event) => Self::new(pipeline, call, event),
            None => Self {
                pipeline,
                call,
                task: None,
                sequence: 0,
                row_place: RowPlace::default(),
                types: PhantomData,
            },
        }
    }

    /// Returns a collector for one event of a batch, with the position of that event in source order.
    pub fn at<T>(&self, event: &Event<T>) -> Self {
        Self::new(self.pipeline, self.call, event)
    }

    /// Collects `value` under `key`. [`on_duplicate`](crate::Pipeline::on_duplicate) decides about several
    /// values under one key; by default, the one that is last in source order stays.
    ///
    /// A value that is collected after the end of its pipeline, by a collector that was moved out of the
    /// receiver, is dropped, and the drop is reported through `tracing`.
    #[inline]
    pub fn collect(&self, key: K, value: V) {
        let entry = Entry { key, value, sequence: self.sequence };
        if let Err(entry) = crate::collect::worker::shard::push(self.pipeline, self.call, entry, None) {
            // The copy is made only here: a collector that is not used otherwise then need not be in memory
            // at all.
            Self { types: PhantomData, ..*self }.collect_slow(entry);
        }
    }

    /// Collects `error` under `key`, next to the values and with the position of this event's row, for
    /// [`Collection::errors`](crate::Collection::errors). The row still counts as handled.
    ///
    /// As for a value, an error that comes after the end is dropped, and that is reported.
    pub fn collect_error(&self, key: K, error: impl Into<BoxError>) {
        let (key, error) = (Box::new(key), AsyncTaskError::failure(error));
        let noted = Noted { sequence: self.sequence, row_place: self.row_place, key, error };
        let noted = crate::collect::worker::shard::note::<K, V>(self.pipeline, self.call, noted);
        let sent = noted.or_else(|noted| match self.partitions() {
            Some(partitions) => partitions.send_error(self.call, noted),
            None => Err(noted),
        });
        if sent.is_err() {
            self.warn_dropped();
        }
    }

    /// The parts of its pipeline, if that has not ended.
    fn partitions(&self) -> Option<Arc<Partitions<K, V>>> {
        crate::collect::registry::find(self.pipeline)?.downcast().ok()
    }

    /// The path for two cases. Where a duplicate is an error, the shard takes the entry with the place of its
    /// row. Where the collector has left its worker, the entry goes through the inbox of the worker that made
    /// the call.
    #[inline(never)]
    fn collect_slow(self, entry: Entry<K, V>) {
        let pushed =
            crate::collect::worker::shard::push(self.pipeline, self.call, entry, Some(&self.row_place));
        let sent = pushed.or_else(|entry| match self.partitions() {
            Some(partitions) => partitions.send(self.call, entry, self.row_place),
            None => Err(entry),
        });
        if sent.is_err() {
            self.warn_dropped();
        }
    }

    fn warn_dropped(&self) {
        warn_dropped(self.task, self.sequence);
    }
}

#[cold]
fn warn_dropped(task: Option<TaskId>, sequence: u64) {
    let id = task.map(TaskId::field);
    tracing::warn!(
        task.id = id.as_ref().map(IdField::value),
        event.sequence = sequence,
        "a value was collected after its pipeline had ended, and is dropped"
    );
}

impl<V: Send + 'static> Collector<u64, V> {
    /// Collects `value` under the sequence of its event.
    pub fn collect_item(&self, value: V) {
        self.collect(self.sequence, value);
    }
}

impl<K, V> fmt::Debug for Collector<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
