//! The shard of a worker: the entries that it has collected and not handed over yet.
//!
//! While a worker polls its receiver, its shard is in a thread-local, where the receiver's [`Collector`]
//! finds it. Between polls it is in a slot that the pipeline owns, so a worker that is killed loses no entry.
//!
//! [`Collector`]: crate::Collector

use std::any::Any;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use crate::collect::errors::Noted;
use crate::collect::parts::part::Item;
use crate::collect::parts::partition::Entry;
use crate::collect::parts::partitions::{PARTS, Partitions, RemoteValue, part_of};
use crate::collect::row_place::{Placed, RowPlace};
use crate::collect::worker::buffer::Buffer;
use crate::collect::worker::calls::{CallId, Calls, FailedCalls};
use crate::collect::worker::inbox::Inbox;
use crate::collect::worker::installed::Installed;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// One worker's buffers: one for each part, and one for errors.
pub(crate) struct Shard<K, V> {
    pipeline: u64,
    partitions: Arc<Partitions<K, V>>,
    calls: Arc<Calls>,
    inbox: Arc<Inbox>,
    buffers: Vec<Buffer<Item<K, V>>>,
    errors: Buffer<Noted>,
    failed: FailedCalls,
    /// Entries from the inbox whose call had succeeded before. They are added when no call is running: until
    /// then the ends of the buffers belong to the running call.
    deferred: Vec<Box<dyn Any + Send>>,
    /// The places of the rows that have collected; empty unless the pipeline keeps them.
    places: Buffer<Placed>,
    /// The first panic of a key or a merge that belongs to no call.
    panic: Option<AsyncTaskError>,
}

impl<K: Hash + Eq + Send + 'static, V: Send + 'static> Shard<K, V> {
    pub(crate) fn new(
        pipeline: u64,
        partitions: Arc<Partitions<K, V>>,
        calls: Arc<Calls>,
        inbox: Arc<Inbox>,
    ) -> Self {
        let mut buffers = Vec::with_capacity(PARTS);
        buffers.resize_with(PARTS, Buffer::new);
        let (errors, failed) = (Buffer::new(), FailedCalls::default());
        Self {
            pipeline,
            partitions,
            calls,
            inbox,
            buffers,
            errors,
            failed,
            deferred: Vec::new(),
            places: Buffer::new(),
            panic: None,
        }
    }

    /// True if `call` is this worker's running call.
    #[inline]
    fn is_of(&self, pipeline: u64, call: CallId) -> bool {
        self.pipeline == pipeline && self.calls.is_running(call)
    }

    #[inline]
    fn collect(&mut self, call: CallId, entry: Entry<K, V>) {
        let hash = self.partitions.common.hasher.hash_one(&entry.key);
        if self.calls.has_waiting() {
            self.drain_inbox();
        }
        let index = part_of(hash);
        let Some(buffer) = self.buffers.get_mut(index) else { return };
        buffer.push(call, Item { hash, entry }, |items| self.partitions.absorb(index, items));
    }

    fn note(&mut self, call: CallId, error: Noted) {
        if self.calls.has_waiting() {
            self.drain_inbox();
        }
        self.errors.push(call, error, |errors| self.partitions.common.note(errors));
    }

    /// Keeps the place of a row. Several values of one row in succession add it once.
    fn keep_place(&mut self, call: CallId, sequence: u64, row_place: RowPlace) {
        if self.places.last().is_none_or(|(last, _)| *last != sequence) {
            self.places.append(call, (sequence, row_place));
        }
    }

    /// Adds an entry from the inbox: a value or an error.
    fn put(&mut self, call: CallId, entry: Box<dyn Any + Send>) {
        match entry.downcast::<RemoteValue<K, V>>() {
            Ok(value) => {
                let (item, row_place) = *value;
                if self.partitions.common.keeps_places {
                    self.keep_place(call, item.entry.sequence, row_place);
                }
                if let Some(buffer) = self.buffers.get_mut(part_of(item.hash)) {
                    buffer.append(call, item);
                }
            }
            Err(error) => {
                if let Ok(error) = error.downcast() {
                    self.errors.append(call, *error);
                }
            }
        }
    }

    /// Takes entries from the inbox. An entry of the running call goes to its buffer, one of a failed call is
    /// dropped, and one of a call that has succeeded goes to its buffer once no call is running. Returns true
    /// if an entry went to a buffer. Does not unwind: it runs no user code but destructors, whose panics are
    /// caught.
    #[cold]
    #[inline(never)]
    fn drain_inbox(&mut self) -> bool {
        let (running, mut any) = (self.calls.running(), false);
        while let Some((call, entry)) = self.inbox.pop() {
            if Some(call) == running {
                self.calls.remove_waiting(1);
                self.put(call, entry);
                any = true;
            } else if self.failed.contains(call) {
                self.calls.remove_waiting(1);
                // The panic of a destructor belongs to no running call.
                let _ = caught(|| drop(entry));
            } else {
                self.deferred.push(entry);
            }
        }
        if running.is_none() {
            for entry in std::mem::take(&mut self.deferred) {
                self.calls.remove_waiting(1);
                self.put(CallId::default(), entry);
                any = true;
            }
        }
        any
    }

    /// Ends the running call: its entries stay, or are removed.
    pub(crate) fn end(&mut self, succeeded: bool) {
        let Some(call) = self.calls.running() else { return };
        let mut has_new = false;
        if succeeded {
            has_new = self.drain_inbox();
        } else {
            self.roll_back(call);
        }
        self.calls.end();
        has_new |= self.drain_inbox();
        if has_new {
            let handed_over = caught(|| self.hand_over_full());
            // This panic is one of a key or a merge, and not of the call, which has its outcome.
            self.panic = self.panic.take().or(handed_over.err());
        }
    }

    /// Hands over the buffers that are full enough. No call may be running.
    fn hand_over_full(&mut self) {
        self.errors.hand_over_if_full(|errors| self.partitions.common.note(errors));
        for (index, buffer) in self.buffers.iter_mut().enumerate() {
            buffer.hand_over_if_full(|items| self.partitions.absorb(index, items));
        }
    }

    fn roll_back(&mut self, call: CallId) {
        self.failed.add(call);
        for buffer in &mut self.buffers {
            // A panic of a destructor changes nothing: the call has failed already.
            let _ = caught(|| buffer.roll_back(call));
        }
        let _ = caught(|| self.errors.roll_back(call));
        self.places.roll_back(call);
    }

    /// Hands over all entries whose part no other worker uses. Removes the entries of a call that was dropped
    /// before its outcome.
    ///
    /// # Errors
    ///
    /// An earlier panic of a key or a merge that belonged to no call.
    pub(crate) fn flush(&mut self) -> Result<(), AsyncTaskError> {
        self.end(false);
        self.drain_inbox();
        let _ = self.partitions.common.note(self.errors.settled());
        for (index, buffer) in self.buffers.iter_mut().enumerate().filter(|(_, buffer)| !buffer.is_empty()) {
            let _ = self.partitions.absorb(index, buffer.settled());
        }
        if !self.places.is_empty() {
            self.partitions.common.take_places(std::mem::take(self.places.settled()));
        }
        self.panic.take().map_or(Ok(()), Err)
    }
}

/// Puts a value into the thread's shard. Returns the value if the thread has no shard in which `call` is
/// running, or if the shard keeps the places of rows and `row_place` is `None`.
#[inline]
pub(crate) fn push<K, V>(
    pipeline: u64,
    call: CallId,
    entry: Entry<K, V>,
    row_place: Option<&RowPlace>,
) -> Result<(), Entry<K, V>>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    let mut installed = Installed::take();
    match installed.get::<Shard<K, V>>().filter(|shard| shard.is_of(pipeline, call)) {
        Some(shard) => {
            if shard.partitions.common.keeps_places {
                let Some(row_place) = row_place else { return Err(entry) };
                shard.keep_place(call, entry.sequence, *row_place);
            }
            shard.collect(call, entry);
            Ok(())
        }
        None => Err(entry),
    }
}

/// Puts an error into the thread's shard, as [`push`] does a value.
pub(crate) fn note<K, V>(pipeline: u64, call: CallId, error: Noted) -> Result<(), Noted>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
{
    let mut installed = Installed::take();
    match installed.get::<Shard<K, V>>().filter(|shard| shard.is_of(pipeline, call)) {
        Some(shard) => {
            shard.note(call, error);
            Ok(())
        }
        None => Err(error),
    }
}
