//! A lane that reads items: of an iterator, of a stream.

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
        source.rows = self.outlet.control.sender.batch().unwrap_or(source.rows);
        loop {
            self.turn().await?;
            let mut items = Vec::new();
            let filled = self.fill(&mut source, &mut items).await;
            // Items that were taken are sent, however the source ends.
            if !items.is_empty() {
                self.outlet.items(items).await?;
            }
            if let Next::Ended = filled? {
                return Ok(());
            }
        }
    }

    /// Fills a chunk in slices: between them other tasks run, and a cancellation is seen.
    async fn fill(
        &mut self,
        source: &mut ItemChunks<Box<dyn Fill<T>>>,
        items: &mut Vec<T>,
    ) -> Result<Next, Stop> {
        while items.len() < source.rows {
            self.is_wanted()?;
            let (before, most) = (items.len(), self.taking.rows().min(source.rows - items.len()));
            let ended = caught(|| source.items.fill(items, most, source.rows));
            self.count(items.len() - before);
            if ended.map_err(Stop::Failed)? {
                return Ok(Next::Ended);
            }
            self.taking.rest(&self.outlet.control.runtime).await;
        }
        Ok(Next::Full)
    }

    fn count(&self, items: usize) {
        self.outlet.control.counters.read.add(items as u64);
    }

    pub(crate) async fn stream(
        &mut self,
        ItemChunks { items, rows, .. }: ItemChunks<Pin<Box<dyn Stream<Item = T> + Send>>>,
    ) -> Result<(), Stop> {
        let (rows, delay) = match self.outlet.control.sender {
            SenderStrategy::Batched { size, delay } => (size, delay),
            _ => (rows, Duration::ZERO),
        };
        let mut chunks = StreamChunks::new(items, rows, delay);
        loop {
            self.turn().await?;
            let filled = self.pull(&mut chunks).await;
            // Items that were taken are sent, however the source ends.
            let items = chunks.take();
            if !items.is_empty() {
                self.outlet.items(items).await?;
            }
            if let Next::Ended = filled? {
                return Ok(());
            }
        }
    }

    /// As `fill`, from a stream.
    async fn pull(&mut self, chunks: &mut StreamChunks<T, R>) -> Result<Next, Stop> {
        loop {
            self.is_wanted()?;
            let Self { outlet, taking, .. } = &*self;
            let counters: &Counters = &outlet.control.counters;
            let next = self.wanted(chunks.next(&outlet.control.runtime, counters, taking.rows())).await?;
            self.taking.rest(&self.outlet.control.runtime).await;
            match next.map_err(Stop::Failed)? {
                Next::More => {}
                done => return Ok(done),
            }
        }
    }
}
