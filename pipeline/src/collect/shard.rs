//! What one worker has collected and not handed over yet.
//!
//! While a worker polls its receiver, its shard is in a thread-local, where the receiver's [`Collector`] finds it; in
//! between it is in a slot that the pipeline owns, so that a worker that is killed loses nothing it was given.
//!
//! [`Collector`]: crate::Collector

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use crate::collect::buffer::Buffer;
use crate::collect::calls::{CallId, Calls, FailedCalls};
use crate::collect::errors::Noted;
use crate::collect::inbox::{Inbox, Stray};
use crate::collect::installed::Installed;
use crate::collect::part::Item;
use crate::collect::partition::Slot;
use crate::collect::partitions::Partitions;
use crate::collect::row_place::MaybeRowPlace;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

/// One worker's buffers, one for each part.
pub(crate) struct Shard<K, V, P> {
    pipeline: u64,
    partitions: Arc<Partitions<K, V, P>>,
    calls: Arc<Calls>,
    inbox: Arc<Inbox<K, V, P>>,
    buffers: Box<[Buffer<Item<K, V, P>>]>,
    errors: Buffer<Noted<K>>,
    failed: FailedCalls,
    /// Entries from elsewhere whose call had succeeded before; their turn comes when no call is running.
    late: Vec<Stray<K, V, P>>,
    panic: Option<AsyncTaskError>,
}

impl<K: Hash + Eq, V, P: MaybeRowPlace> Shard<K, V, P> {
    pub(crate) fn new(
        pipeline: u64,
        partitions: Arc<Partitions<K, V, P>>,
        calls: Arc<Calls>,
        inbox: Arc<Inbox<K, V, P>>,
    ) -> Self {
        let buffers = (0..Partitions::<K, V, P>::COUNT).map(|_| Buffer::new()).collect();
        let (errors, failed) = (Buffer::new(), FailedCalls::default());
        Self { pipeline, partitions, calls, inbox, buffers, errors, failed, late: Vec::new(), panic: None }
    }

    /// True if `call` is the one that this worker is at.
    #[inline]
    fn is_of(&self, pipeline: u64, call: CallId) -> bool {
        self.pipeline == pipeline && self.calls.is_running(call)
    }

    #[inline]
    fn collect(&mut self, call: CallId, slot: Slot<K, V, P>) {
        let hash = self.partitions.hasher.hash_one(&slot.key);
        if self.calls.has_waiting() {
            self.take_over();
        }
        let index = Partitions::<K, V, P>::index(hash);
        let Some(buffer) = self.buffers.get_mut(index) else { return };
        buffer.push(call, Item { hash, slot }, |items| self.partitions.absorb(index, items));
    }

    fn note(&mut self, call: CallId, error: Noted<K>) {
        if self.calls.has_waiting() {
            self.take_over();
        }
        self.errors.push(call, error, |errors| self.partitions.note(errors));
    }

    fn put(&mut self, call: CallId, stray: Stray<K, V, P>) {
        match stray {
            Stray::Value(item) => {
                let index = Partitions::<K, V, P>::index(item.hash);
                if let Some(buffer) = self.buffers.get_mut(index) {
                    buffer.append(call, item);
                }
            }
            Stray::Error(error) => self.errors.append(call, error),
        }
    }

    /// Takes over what came from elsewhere: of the running call, of calls that have succeeded, and nothing of the others.
    /// True if any was. Calls no user code that could unwind.
    #[cold]
    #[inline(never)]
    fn take_over(&mut self) -> bool {
        let (running, mut any) = (self.calls.running(), false);
        while let Some((call, stray)) = self.inbox.pop() {
            if Some(call) == running {
                self.calls.remove_waiting(1);
                self.put(call, stray);
                any = true;
            } else if self.failed.contains(call) {
                self.calls.remove_waiting(1);
                // The destructors are the user's; their panics are not this call's.
                let _ = caught(|| drop(stray));
            } else {
                self.late.push(stray);
            }
        }
        if running.is_none() {
            for stray in std::mem::take(&mut self.late) {
                self.calls.remove_waiting(1);
                self.put(CallId::default(), stray);
                any = true;
            }
        }
        any
    }

    /// Ends the running call: what it has collected stays, or is removed.
    pub(crate) fn end(&mut self, succeeded: bool) {
        let Some(call) = self.calls.running() else { return };
        let mut came = false;
        if succeeded {
            came = self.take_over();
        } else {
            self.roll_back(call);
        }
        self.calls.end();
        came |= self.take_over();
        if came {
            let relieved = caught(|| self.relieve());
            // A key's or a merge's panic, and not the call's, whose outcome is known.
            self.panic = self.panic.take().or(relieved.err());
        }
    }

    /// Hands over what is enough for that, where no call is running.
    fn relieve(&mut self) {
        self.errors.relieve(|errors| self.partitions.note(errors));
        for (index, buffer) in self.buffers.iter_mut().enumerate() {
            buffer.relieve(|items| self.partitions.absorb(index, items));
        }
    }

    fn roll_back(&mut self, call: CallId) {
        self.failed.add(call);
        for buffer in &mut self.buffers {
            // The destructors are the user's, and the call has failed anyway.
            let _ = caught(|| buffer.roll_back(call));
        }
        let _ = caught(|| self.errors.roll_back(call));
    }

    /// Hands everything over that is not in use by another worker. What is left of a call that was given up is removed.
    ///
    /// # Errors
    ///
    /// An earlier panic of a key or a merge that was no call's.
    pub(crate) fn flush(&mut self) -> Result<(), AsyncTaskError> {
        self.end(false);
        self.take_over();
        let _ = self.partitions.note(self.errors.settled());
        for (index, buffer) in self.buffers.iter_mut().enumerate().filter(|(_, buffer)| !buffer.is_empty()) {
            let _ = self.partitions.absorb(index, buffer.settled());
        }
        self.panic.take().map_or(Ok(()), Err)
    }
}

/// Puts a value into the thread's shard, if `call` is what that is at; else the value comes back.
pub(crate) fn push<K, V, P>(pipeline: u64, call: CallId, slot: Slot<K, V, P>) -> Result<(), Slot<K, V, P>>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    P: MaybeRowPlace,
{
    let mut installed = Installed::take();
    match installed.get::<Shard<K, V, P>>().filter(|shard| shard.is_of(pipeline, call)) {
        Some(shard) => {
            shard.collect(call, slot);
            Ok(())
        }
        None => Err(slot),
    }
}

/// Puts an error into the thread's shard, as [`push`] does with a value.
pub(crate) fn note<K, V, P>(pipeline: u64, call: CallId, error: Noted<K>) -> Result<(), Noted<K>>
where
    K: Hash + Eq + Send + 'static,
    V: Send + 'static,
    P: MaybeRowPlace,
{
    let mut installed = Installed::take();
    match installed.get::<Shard<K, V, P>>().filter(|shard| shard.is_of(pipeline, call)) {
        Some(shard) => {
            shard.note(call, error);
            Ok(())
        }
        None => Err(error),
    }
}
