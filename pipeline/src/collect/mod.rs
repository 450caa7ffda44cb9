//! Keyed results of a pipeline.
//!
//! Each worker buffers what it collects by the key's hash and hands a full buffer to the one owner of that
//! [`Partition`], so workers share no lock and no map, and memory is bounded by the distinct keys and not by the rows.
//! An entry keeps the sequence of its event: what becomes of two values under one key is decided by source order,
//! whatever the order in which they were collected. What the running call of a receiver has collected stays in the
//! buffers until the call has an outcome, and is removed from their ends if it fails.
//!
//! ```text
//! Collector (in the receiver) ─► Shard (of the worker) ─full buffer─► Partitions ─► Collection (in the final event)
//! Collector (elsewhere) ─► Inbox (of the worker) ─┘
//! ```

pub(crate) mod buffer;
pub(crate) mod calls;
pub(crate) mod collection;
pub(crate) mod deferred_rejections;
pub(crate) mod duplicate;
pub(crate) mod errors;
pub(crate) mod exclusive;
pub(crate) mod inbox;
pub(crate) mod installed;
pub(crate) mod key;
pub(crate) mod map;
pub(crate) mod part;
pub(crate) mod partition;
pub(crate) mod partitions;
pub(crate) mod returns;
pub(crate) mod row_place;
pub(crate) mod shard;
pub(crate) mod store;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

pub(crate) use crate::collect::calls::CallId;
pub(crate) use crate::collect::row_place::RowPlace;

use crate::collect::errors::Noted;
use crate::collect::partition::Slot;
use crate::collect::partitions::Partitions;
use crate::collect::row_place::MaybeRowPlace;
use crate::event::single::Event;
use sweet_async_core::error::{AsyncTaskError, BoxError};
use sweet_async_core::extend::IdField;
use sweet_async_core::task::TaskId;

/// Takes keyed values from a receiver, for the final event.
///
/// It is a few numbers: made for each event, it costs nothing until it is used. It belongs to the receiver's call or
/// future; elsewhere it still works, on a slower path, until the pipeline ends.
///
/// What a call of the receiver collects counts once the call has succeeded, wherever it was collected. A call that
/// returns an error, panics or times out leaves nothing, nor does one that is killed, and each attempt of an event that is
/// tried again is a call of its own. A batch is one call. Values and errors of one row keep the order in which they were
/// collected. Until its call ends, what it has collected is held in memory, however much that is.
pub struct Collector<K, V> {
    pipeline: u64,
    call: CallId,
    /// The pipeline's task; `None` where it was handed no event.
    task: Option<TaskId>,
    sequence: u64,
    spot: RowPlace,
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
        Self { pipeline, call, task, sequence: event.sequence, spot: RowPlace::of(event), types: PhantomData }
    }

    /// For an event, or the first one of several.
    #[inline]
    pub(crate) fn of<T>(pipeline: u64, call: CallId, first: Option<&Event<T>>) -> Self {
        match first {
            Some(event) => Self::new(pipeline, call, event),
            None => Self {
                pipeline,
                call,
                task: None,
                sequence: 0,
                spot: RowPlace::default(),
                types: PhantomData,
            },
        }
    }

    /// A collector for one event of a batch, with that event's place in source order.
    pub fn at<T>(&self, event: &Event<T>) -> Self {
        Self::new(self.pipeline, self.call, event)
    }

    /// Collects `value` under `key`. What becomes of several values under one key is up to
    /// [`on_duplicate`](crate::Pipeline::on_duplicate): by default, the one that is last in source order stays.
    ///
    /// A value collected after its pipeline has ended, which takes a collector that was moved out of the receiver,
    /// has nowhere to go: it is dropped, and that is reported through `tracing`.
    #[inline]
    pub fn collect(&self, key: K, value: V) {
        let slot = Slot { key, value, sequence: self.sequence, spot: () };
        if let Err(Slot { key, value, .. }) = crate::collect::shard::push(self.pipeline, self.call, slot) {
            // A copy, made only here: then a collector that is not used otherwise need not be in memory at all.
            Self { types: PhantomData, ..*self }.elsewhere(key, value);
        }
    }

    /// Collects `error` under `key`, beside the values and with the place of this event's row, for
    /// [`Collection::errors`](crate::Collection::errors). The row counts as handled all the same.
    ///
    /// As for a value, one that comes after the end is dropped, and that is reported.
    pub fn collect_error(&self, key: K, error: impl Into<BoxError>) {
        let error = AsyncTaskError::failure(error);
        let noted = Noted { sequence: self.sequence, spot: self.spot, key, error };
        let sent = crate::collect::shard::note::<K, V, ()>(self.pipeline, self.call, noted)
            .or_else(|noted| crate::collect::shard::note::<K, V, RowPlace>(self.pipeline, self.call, noted))
            .or_else(|noted| self.send_error::<()>(noted))
            .or_else(|noted| self.send_error::<RowPlace>(noted));
        if sent.is_err() {
            self.too_late();
        }
    }

    fn slot<P: MaybeRowPlace>(&self, key: K, value: V) -> Slot<K, V, P> {
        Slot { key, value, sequence: self.sequence, spot: P::from_spot(&self.spot) }
    }

    /// By way of the worker that made the call.
    fn send<P: MaybeRowPlace>(&self, key: K, value: V) -> Result<(), (K, V)> {
        let Some(partitions) = crate::collect::returns::find::<Partitions<K, V, P>>(self.pipeline) else {
            return Err((key, value));
        };
        partitions.send(self.call, self.slot(key, value)).map_err(|slot| (slot.key, slot.value))
    }

    fn send_error<P: MaybeRowPlace>(&self, noted: Noted<K>) -> Result<(), Noted<K>> {
        match crate::collect::returns::find::<Partitions<K, V, P>>(self.pipeline) {
            Some(partitions) => partitions.send_error(self.call, noted),
            None => Err(noted),
        }
    }

    /// A duplicate is an error here, or this has left its worker.
    #[inline(never)]
    fn elsewhere(self, key: K, value: V) {
        let sent = crate::collect::shard::push(self.pipeline, self.call, self.slot::<RowPlace>(key, value))
            .or_else(|Slot { key, value, .. }| self.send::<()>(key, value))
            .or_else(|(key, value)| self.send::<RowPlace>(key, value));
        if sent.is_err() {
            self.too_late();
        }
    }

    #[cold]
    fn too_late(&self) {
        let id = self.task.map(TaskId::field);
        tracing::warn!(
            task.id = id.as_ref().map(IdField::value),
            event.sequence = self.sequence,
            "a value was collected after its pipeline had ended, and is dropped"
        );
    }
}

impl<V: Send + 'static> Collector<u64, V> {
    /// Collects `value` under its event's sequence.
    pub fn collect_item(&self, value: V) {
        self.collect(self.sequence, value);
    }
}

impl<K, V> fmt::Debug for Collector<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
