//! Chunks of items, on the way from an iterator or a stream to a worker.

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

/// The most items for which a chunk allocates memory in advance, whatever the iterator's size hint.
const ROOM: usize = 1 << 16;

/// A source of items, and the number of items in a chunk.
pub(crate) struct ItemChunks<I> {
    pub(crate) name: &'static str,
    pub(crate) items: I,
    pub(crate) rows: usize,
}

/// The items of one chunk: a `Vec<T>` without its type, for the way from the source to a worker.
pub(crate) struct Items {
    items: Box<dyn Any + Send>,
    pub(crate) rows: u64,
}

impl Items {
    /// The items; empty if they are of another type, which no pipeline mixes.
    pub(crate) fn into_vec<T: 'static>(self) -> Vec<T> {
        self.items.downcast().map_or_else(|_| Vec::new(), |items| *items)
    }
}

/// A source of items, and the chunk that is being filled from it.
pub(crate) struct Filling<T, I> {
    items: I,
    chunk: Vec<T>,
}

impl<T, I> Filling<T, I> {
    pub(crate) fn new(items: I) -> Self {
        Self { items, chunk: Vec::new() }
    }
}

/// The chunk of a source of items, without the type of the items.
pub(crate) trait ItemChunk: Send {
    /// The number of items in the chunk.
    fn count(&self) -> usize;

    /// Takes the chunk, and begins another one.
    fn take(&mut self) -> Items;
}

impl<T: Send + 'static, I: Send> ItemChunk for Filling<T, I> {
    fn count(&self) -> usize {
        self.chunk.len()
    }

    fn take(&mut self) -> Items {
        let rows = self.chunk.len() as u64;
        Items { items: Box::new(std::mem::take(&mut self.chunk)), rows }
    }
}

/// An iterator that is read by a slice of a chunk at a time: one virtual call for many items.
pub(crate) trait Fill: ItemChunk {
    /// Adds at most `most` items to the chunk, which is to have `rows` of them in the end. True if there are
    /// no more.
    fn fill(&mut self, most: usize, rows: usize) -> bool;
}

impl<T: Send + 'static, I: Iterator<Item = T> + Send> Fill for Filling<T, I> {
    fn fill(&mut self, most: usize, rows: usize) -> bool {
        let Self { items, chunk } = self;
        if chunk.is_empty() {
            chunk.reserve_exact(items.size_hint().0.clamp(1, rows.min(ROOM)));
        }
        let before = chunk.len();
        chunk.extend(items.take(most));
        chunk.len() - before < most
    }
}

/// A stream whose items are added to a chunk.
pub(crate) trait PollItems: ItemChunk {
    /// Adds the next item to the chunk. `Ready(false)`: there are no more.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<bool>;
}

impl<T: Send + 'static, St: Stream<Item = T> + Send> PollItems for Filling<T, Pin<Box<St>>> {
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        self.items.as_mut().poll_next(cx).map(|item| {
            let is_some = item.is_some();
            self.chunk.extend(item);
            is_some
        })
    }
}
