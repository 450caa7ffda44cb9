//! Iterators and streams as sources.

use futures_core::Stream;

use crate::source::item_chunks::{Filling, ItemChunks};
use crate::source::plan::Plan;
use crate::source::sources::Sources;
use crate::text::chunk::ChunkSize;

/// Items to be read; [`into_chunks`](Self::into_chunks) adds them to the pipeline.
#[must_use = "a source is read only once `into_chunks` has added it"]
pub struct ItemSource<'a, T, I> {
    sources: &'a mut Sources<T>,
    items: I,
}

/// The items of a stream: see [`Sources::of_stream`].
pub struct Pulled<St>(St);

impl<T: Send + 'static> Sources<T> {
    /// Items of an iterator. It runs on the executor's threads, in slices of at most 256 items and about 200
    /// us, whatever the size of a chunk: other tasks run between two slices, and a cancellation is noticed
    /// there. An iterator that blocks belongs in blocking work that feeds a channel, to be read with
    /// [`of_stream`](Self::of_stream).
    pub fn of<I>(&mut self, items: I) -> ItemSource<'_, T, I::IntoIter>
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        ItemSource::new(self, items.into_iter())
    }

    /// Items of a stream, taken in slices like those of an [iterator](Self::of).
    pub fn of_stream<St>(&mut self, stream: St) -> ItemSource<'_, T, Pulled<St>>
    where
        St: Stream<Item = T> + Send + 'static,
    {
        ItemSource::new(self, Pulled(stream))
    }
}

impl<'a, T, I> ItemSource<'a, T, I> {
    fn new(sources: &'a mut Sources<T>, items: I) -> Self {
        Self { sources, items }
    }
}

impl<T: Send + 'static, I: Iterator<Item = T> + Send + 'static> ItemSource<'_, T, I> {
    /// Adds the items, `size` of them to a chunk. A size in bytes counts the items' own size, not the data
    /// that they point to.
    pub fn into_chunks(self, size: ChunkSize) {
        let items = Box::new(Filling::new(self.items));
        let rows = rows(size, size_of::<T>());
        self.sources.plans.add(size, Ok(vec![Plan::Items(ItemChunks { name: "items", items, rows })]));
    }
}

impl<T: Send + 'static, St: Stream<Item = T> + Send + 'static> ItemSource<'_, T, Pulled<St>> {
    /// Adds the stream's items, `size` of them to a chunk. A chunk goes out earlier when the stream has no
    /// more for the moment. A size in bytes counts the items' own size, not the data that they point to.
    pub fn into_chunks(self, size: ChunkSize) {
        let items = Box::new(Filling::new(Box::pin(self.items.0)));
        let rows = rows(size, size_of::<T>());
        self.sources.plans.add(size, Ok(vec![Plan::Stream(ItemChunks { name: "a stream", items, rows })]));
    }
}

/// The number of items in a chunk. Each takes `item` bytes.
fn rows(size: ChunkSize, item: usize) -> usize {
    match size {
        ChunkSize::Rows(rows) => rows,
        ChunkSize::Bytes(bytes) => (bytes / item.max(1)).max(1),
    }
}
