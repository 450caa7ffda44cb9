//! The source reader's part for items: of an iterator, or of a stream.

use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;

use crate::outcome::progress::Counters;
use crate::run::read::chunk_sender::Stop;
use crate::run::read::source_reader::SourceReader;
use crate::run::read::stream::{Next, StreamChunks};
use crate::source::items::{Fill, ItemChunks};
use crate::source::strategy::SenderStrategy;
use sweet_async_core::extend::caught;
use sweet_async_core::runtime::Runtime;

impl<T: Send + 'static, R: Runtime> SourceReader<T, R> {
    pub(crate) async fn items(&mut self, mut source: ItemChunks<Box<dyn Fill<T>>>) -> Result<(), Stop> {
        source.rows = self.chunk_sender.control.sender.batch().unwrap_or(source.rows);
        loop {
            self.wait_for_gate().await?;
            let mut items = Vec::new();
            let filled = self.fill(&mut source, &mut items).await;
            // Items that were taken are sent, whatever the end of the source.
            if !items.is_empty() {
                self.chunk_sender.items(items).await?;
            }
            if let Next::Ended = filled? {
                return Ok(());
            }
        }
    }

    /// Fills a chunk in slices. Between two slices other tasks run, and a cancellation is noticed.
    async fn fill(
        &mut self,
        source: &mut ItemChunks<Box<dyn Fill<T>>>,
        items: &mut Vec<T>,
    ) -> Result<Next, Stop> {
        while items.len() < source.rows {
            self.is_wanted()?;
            let (before, most) = (items.len(), self.item_slice.rows().min(source.rows - items.len()));
            let ended = caught(|| source.items.fill(items, most, source.rows));
            self.count(items.len() - before);
            if ended.map_err(Stop::Failed)? {
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
        ItemChunks { items, rows, .. }: ItemChunks<Pin<Box<dyn Stream<Item = T> + Send>>>,
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
            let items = chunks.take();
            if !items.is_empty() {
                self.chunk_sender.items(items).await?;
            }
            if let Next::Ended = filled? {
                return Ok(());
            }
        }
    }

    /// Fills a chunk from a stream, as `fill` does from an iterator.
    async fn pull(&mut self, chunks: &mut StreamChunks<T, R>) -> Result<Next, Stop> {
        loop {
            self.is_wanted()?;
            let Self { chunk_sender, item_slice, .. } = &*self;
            let counters: &Counters = &chunk_sender.control.counters;
            let next =
                self.wanted(chunks.next(&chunk_sender.control.runtime, counters, item_slice.rows())).await?;
            self.item_slice.rest(&self.chunk_sender.control.runtime).await;
            match next.map_err(Stop::Failed)? {
                Next::More => {}
                done => return Ok(done),
            }
        }
    }
}
