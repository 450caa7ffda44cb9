//! A worker: takes chunks off the queue, parses them, and hands their rows to the receiver.

use std::sync::Arc;

use async_channel::Receiver;

use super::batch::{Batch, Tally};
use super::control::Control;
use super::handler::{Handler, Slot};
use super::message::{Content, Message, Turn};
use super::pace::Pace;
use crate::pipeline::ErrorStrategy;
use crate::pipeline::event::Origin;
use crate::pipeline::progress::Counters;
use crate::pipeline::rows::{Decoded, Decoder, Decoders, RawChunk};
use crate::runtime::Runtime;

/// Rows that are parsed before others may run, where they are parsed before their turn.
const PARSED: usize = 256;

/// What the workers of a pipeline share.
pub(crate) struct Crew<T, R, H: Handler<T>> {
    pub(crate) handler: H,
    pub(crate) slots: Box<[Slot<H::Local>]>,
    pub(crate) control: Arc<Control<R>>,
}

/// One worker's own.
struct Worker<'a, T, R, H: Handler<T>> {
    crew: &'a Crew<T, R, H>,
    slot: &'a Slot<H::Local>,
    tally: Tally,
    pace: Pace,
    /// The current source's, since making one is dear; chunks come source by source.
    decoder: Option<(u32, Box<dyn Decoder<T>>)>,
}

/// Works until the queue is closed and empty.
pub(crate) async fn work<T, R, H>(
    crew: Arc<Crew<T, R, H>>,
    index: usize,
    queue: Receiver<Message<T>>,
) -> Tally
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    let Some(slot) = crew.slots.get(index) else { return Tally::default() };
    let mut worker = Worker { crew: &crew, slot, tally: Tally::default(), pace: Pace::new(), decoder: None };
    while let Ok(message) = queue.recv().await {
        worker.chunk(message).await;
    }
    while !slot.with(|local| local.as_mut().is_none_or(|local| crew.handler.flush(local))) {
        futures_lite::future::yield_now().await;
    }
    worker.tally
}

impl<T, R, H> Worker<'_, T, R, H>
where
    T: Send + 'static,
    R: Runtime,
    H: Handler<T>,
{
    async fn chunk(&mut self, message: Message<T>) {
        let Message { origin, first, content, turn } = message;
        let control = &self.crew.control;
        if !control.limit.allows(origin.base + first) {
            return;
        }
        let before = (self.tally.handled, self.tally.rejects.count);
        match content {
            Content::Items(items) => {
                if let Some(turn) = &turn {
                    turn.wait().await;
                }
                let rows = items.into_iter().zip(first..);
                self.rows(
                    rows.map(|(data, sequence)| Decoded {
                        sequence,
                        line: 0,
                        byte: 0,
                        len: 0,
                        data: Ok(data),
                    }),
                    origin,
                )
                .await;
            }
            Content::Raw { chunk, decoders } => self.raw(&chunk, &decoders, origin, turn.as_ref()).await,
        }
        Counters::add(&control.counters.handled, self.tally.handled - before.0);
        Counters::add(&control.counters.rejected, self.tally.rejects.count - before.1);
        let late = self.crew.handler.rejected();
        if late != u64::MAX && control.policy.strategy == ErrorStrategy::StopOnFirst {
            control.limit.stop_at(late);
        }
    }

    async fn raw(&mut self, chunk: &RawChunk, make: &Decoders<T>, origin: Origin, turn: Option<&Turn>) {
        let mut decoder = match self.decoder.take() {
            Some(decoder) if decoder.0 == origin.source => decoder,
            _ => (origin.source, make()),
        };
        decoder.1.start(chunk);
        let rows = &mut decoder.1;
        match turn {
            None => self.rows(std::iter::from_fn(|| rows.next()), origin).await,
            Some(turn) => {
                // Parsed whole before its turn: that is the part that runs in parallel.
                let mut parsed = Vec::new();
                let mut before = None;
                let mut pace = Pace::new();
                while before != Some(parsed.len()) {
                    before = Some(parsed.len());
                    parsed.extend(std::iter::from_fn(|| rows.next()).take(PARSED));
                    pace.rest(&self.crew.control.runtime).await;
                }
                turn.wait().await;
                self.rows(parsed.into_iter(), origin).await;
            }
        }
        decoder.1.release();
        self.decoder = Some(decoder);
    }

    async fn rows(&mut self, rows: impl Iterator<Item = Decoded<T>> + Send, origin: Origin) {
        let control = &self.crew.control;
        let Some(name) = control.names.get(origin.source as usize) else { return };
        let mut batch = Batch::new(rows, origin, name, control, &mut self.tally);
        self.crew.handler.handle(self.slot, &mut self.pace, &mut batch).await;
    }
}
