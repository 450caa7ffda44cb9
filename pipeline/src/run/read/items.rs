//! The source reader's part for items: of an iterator, or of a stream.

use std::time::Duration;

use crate::outcome::progress::Counters;
use crate::run::read::chunk_sender::Stop;
use crate::run::read::source_reader::SourceReader;
use crate::run::read::stream::{Next, StreamChunks};
use crate::source::item_chunks::{Fill, ItemChunks, PollItems};
use crate::source::strategy::SenderStrategy;
use sweet_async_core::error::AsyncTaskError;
use sweet_async_core::extend::caught;

impl SourceReader {
    pub(crate) async fn items(&mut self, mut source: ItemChunks<Box<dyn Fill>>) -> Result<(), Stop> {
        source.rows = self.chunk_sender.control.sender.batch().unwrap_or(source.rows);
        loop {
            self.wait_for_gate().await?;
            let filled = self.fill(&mut source).await;
            // Items that were taken are sent, whatever the end of the source.
            if source.items.count() > 0 {
                self.chunk_sender.items(source.items.take()).await?;
            }
            if let Next::Ended = filled? {
                return Ok(());
            }
        }
    }

    /// Fills a chunk in slices. Between two slices other tasks run, and a cancellation is noticed.
    async fn fill(
        &mut self,
        ItemChunks { items, rows, .. }: &mut ItemChunks<Box<dyn Fill>>,
    ) -> Result<Next, Stop> {
        while items.count() < *rows {
            self.is_wanted()?;
            let (before, most) = (items.count(), self.item_slice.rows().min(*rows - items.count()));
            let ended = caught(|| items.fill(most, *rows));
            self.count(items.count() - before);
            if ended.map_err(Stop::Source)? {
                return Ok(Next::Ended);
            }
            self.item_slice.rest(&self.chunk_sender.control.runtime).await;
        }
        Ok(Next::Full)
    }

    fn count(&self, items: usize) {
        self.chunk_sender.control.counters.read.add(items as u64);
    }

    pub(crate) async fn stream(
        &mut self,
        ItemChunks { items, rows, .. }: ItemChunks<Box<dyn PollItems>>,
    ) -> Result<(), Stop> {
        let (rows, delay) = match self.chunk_sender.control.sender {
            SenderStrategy::Batched { size, delay } => (size, delay),
            _ => (rows, Duration::ZERO),
        };
        let mut chunks = StreamChunks::new(items, rows, delay);
        loop {
            self.wait_for_gate().await?;
            let filled = self.pull(&mut chunks).await;
            // Items that were taken are sent, whatever the end of the source.
            if let Some(items) = chunks.take() {
                self.chunk_sender.items(items).await?;
            }
            if let Next::Ended = filled? {
                return Ok(());
            }
        }
    }

    /// Fills a chunk from a stream, as `fill` does from an iterator.
    async fn pull(&mut self, chunks: &mut StreamChunks) -> Result<Next, Stop> {
        loop {
            self.is_wanted()?;
            let Self { chunk_sender, item_slice, .. } = &*self;
            let counters: &Counters = &chunk_sender.control.counters;
            let next =
                self.wanted(chunks.next(&chunk_sender.control.runtime, counters, item_slice.rows())).await?;
            self.item_slice.rest(&self.chunk_sender.control.runtime).await;
            // Other than a panic of the stream, there is only the end of the runtime.
            let failed = |error: AsyncTaskError| match error.is_panic() {
                true => Stop::Source(error),
                false => Stop::Failed(error),
            };
            match next.map_err(failed)? {
                Next::More => {}
                done => return Ok(done),
            }
        }
    }
}
