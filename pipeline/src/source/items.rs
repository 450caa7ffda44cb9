//! Iterators and streams as sources.

use futures_core::Stream;

use crate::source::{Plan, Sources};
use crate::text::chunk::ChunkSize;

/// Items to be read; [`into_chunks`](Self::into_chunks) adds them to the pipeline.
#[must_use = "a source is read only once `into_chunks` has added it"]
pub struct ItemSource<'a, T, I> {
    sources: &'a mut Sources<T>,
    items: I,
}

/// The items of a stream: see [`Sources::of_stream`].
pub struct Pulled<St>(pub(crate) St);

/// A source of items, and the number of items in a chunk.
pub(crate) struct ItemChunks<I> {
    pub(crate) name: &'static str,
    pub(crate) items: I,
    pub(crate) rows: usize,
}

impl<'a, T, I> ItemSource<'a, T, I> {
    pub(crate) fn new(sources: &'a mut Sources<T>, items: I) -> Self {
        Self { sources, items }
    }
}

impl<T: Send + 'static, I: Iterator<Item = T> + Send + 'static> ItemSource<'_, T, I> {
    /// Adds the items, `size` of them to a chunk. A size in bytes counts the items' own size, not the data
    /// that they point to.
    pub fn into_chunks(self, size: ChunkSize) {
        let items: Box<dyn Fill<T>> = Box::new(self.items);
        self.sources
            .add(size, || Ok(vec![Plan::Items(ItemChunks { name: "items", items, rows: rows::<T>(size) })]));
    }
}

impl<T: Send + 'static, St: Stream<Item = T> + Send + 'static> ItemSource<'_, T, Pulled<St>> {
    /// Adds the stream's items, `size` of them to a chunk. A chunk goes out earlier when the stream has no
    /// more for the moment. A size in bytes counts the items' own size, not the data that they point to.
    pub fn into_chunks(self, size: ChunkSize) {
        let items = Box::pin(self.items.0);
        let rows = rows::<T>(size);
        self.sources.add(size, || Ok(vec![Plan::Stream(ItemChunks { name: "a stream", items, rows })]));
    }
}

fn rows<T>(size: ChunkSize) -> usize {
    match size {
        ChunkSize::Rows(rows) => rows,
        ChunkSize::Bytes(bytes) => (bytes / size_of::<T>().max(1)).max(1),
    }
}

/// The most items for which a chunk allocates memory in advance, whatever the iterator's size hint.
const ROOM: usize = 1 << 16;

/// An iterator that is read by a slice of a chunk at a time: one virtual call for many items.
pub(crate) trait Fill<T>: Send {
    /// Adds at most `most` items to `chunk`, which is to have `rows` of them in the end. True if there are no
    /// more.
    fn fill(&mut self, chunk: &mut Vec<T>, most: usize, rows: usize) -> bool;
}

impl<T, I: Iterator<Item = T> + Send> Fill<T> for I {
    fn fill(&mut self, chunk: &mut Vec<T>, most: usize, rows: usize) -> bool {
        if chunk.is_empty() {
            chunk.reserve_exact(self.size_hint().0.clamp(1, rows.min(ROOM)));
        }
        let before = chunk.len();
        chunk.extend(self.take(most));
        chunk.len() - before < most
    }
}
