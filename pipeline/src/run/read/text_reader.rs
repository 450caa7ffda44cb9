//! The source reader's part for text.

use std::sync::Arc;

use futures_lite::future::or;

use crate::outcome::progress::Counters;
use crate::run::read::chunk_sender::Stop;
use crate::run::read::source_reader::SourceReader;
use crate::run::read::text_blocks::{Block, Blocks, Cutting, unreadable};
use crate::source::format::DynFormat;
use crate::source::plan::TextPlan;
use crate::text::chunk::ChunkSize;
use crate::text::chunk::RawChunk;
use crate::text::cut::cutter::{Cut, Cutter};
use crate::text::decode::DynDecoders;
use crate::text::fault::Unreadable;

/// One text source: its format, and the decoders of its chunks.
struct Text {
    name: Arc<str>,
    format: Arc<dyn DynFormat>,
    /// Set once the first record was read.
    decoders: Option<DynDecoders>,
    /// The length in bytes at the start of the pipeline, if it was known then.
    length: Option<u64>,
}

impl Text {
    fn learn(&mut self, first: &RawChunk) -> Result<DynDecoders, Stop> {
        let learnt = self.format.learn(&self.name, first);
        let learnt =
            learnt.map_err(|fault| Stop::Source(unreadable(&self.name, &Unreadable::Header(fault))))?;
        self.decoders = Some(learnt.clone());
        Ok(learnt)
    }
}

impl SourceReader {
    pub(crate) async fn text(&mut self, plan: TextPlan) -> Result<(), Stop> {
        let TextPlan { name, input, format, size, limits, length } = plan;
        let control = self.chunk_sender.control.clone();
        let size = control.sender.batch().map_or(size, ChunkSize::Rows);
        // A message that stands for a chunk names the chunk's position and length, so its chunks are cut as a
        // whole.
        let whole = format.is_whole();
        let cutter = Cutter::new(format.dialect(), size, limits, format.has_header()).in_whole_chunks(whole);
        let cutter = cutter.reporting_at_once(control.policy.stops_on_first());
        let cutting = Cutting::new(name.clone(), cutter, control.counters.clone(), whole);
        let mut blocks = Blocks::of(&control, input, cutting).map_err(Stop::Failed)?;
        let mut text = Text { name, format, decoders: None, length };
        loop {
            let block = match self.wait_to_read().await {
                Ok(()) => self.wanted(blocks.next()).await,
                Err(stop) => Err(stop),
            };
            let block = match block {
                Ok(block) => block.map_err(Stop::Failed)?,
                Err(stop) => {
                    self.rest(blocks, &mut text).await;
                    return Err(stop);
                }
            };
            let Some(block) = block else { return Ok(()) };
            self.block(block, &mut text).await?;
            control.room_for_rejects().await;
            self.block_slice.rest(&control.runtime).await;
        }
    }

    async fn block(&mut self, block: Block, text: &mut Text) -> Result<(), Stop> {
        let counters = &self.chunk_sender.control.counters;
        Counters::add(&counters.bytes, block.bytes);
        if let Some(length) = block.length {
            counters.opened(length, text.length);
        }
        for cut in block.cuts {
            match cut {
                Cut::Header(chunk) => drop(text.learn(&chunk)?),
                Cut::Bad(bad) => self.chunk_sender.reject(bad)?,
                Cut::Chunk(chunk) => {
                    let decoders = match &text.decoders {
                        Some(decoders) => decoders.clone(),
                        None => text.learn(&chunk)?,
                    };
                    self.chunk_sender.raw(chunk, decoders).await?;
                }
            }
        }
        block.failed.map_or(Ok(()), Err)
    }

    /// Handles the end of a source that is read no further, after an error elsewhere or a cancellation. Rows
    /// that were read, and those of the read under way, are still sent. If no worker is left they are
    /// dropped; they are counted already.
    async fn rest(&mut self, mut blocks: Blocks, text: &mut Text) {
        let unwanted = async {
            or(self.chunk_sender.control.limit.reached(), self.chunk_sender.queue.closed()).await;
            None
        };
        let last = or(unwanted, async { blocks.last().await.ok() }).await;
        if let Some(block) = last.flatten() {
            // The first cause is reported, and not this error.
            let _ = self.block(block, text).await;
        }
    }
}
