//! The sender: reads the sources one after the other and puts their chunks into the queue.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use async_channel::{Receiver, Sender};
use futures_core::Stream;
use futures_lite::future::or;

use super::control::Control;
use super::message::{Content, Message, Turn};
use super::pace::Pace;
use super::read::{Blocks, unreadable};
use super::tally::Tally;
use crate::error::AsyncTaskError;
use crate::pipeline::event::Origin;
use crate::pipeline::failure::Place;
use crate::pipeline::progress::Counters;
use crate::pipeline::rows::{BadRow, Cut, Cutter, Decoders, RawChunk, Unreadable};
use crate::pipeline::sources::{Fill, ItemChunks, Plan, TextPlan};
use crate::runtime::Runtime;
use crate::task::{TaskContext, caught};

/// Why the sender sends no more.
enum Stop {
    /// An error ends the pipeline, or all workers are gone.
    NotWanted,
    Failed(AsyncTaskError),
}

/// Where the current source's chunks go.
struct Outlet<T, R: Runtime> {
    queue: Sender<Message<T>>,
    control: Arc<Control<R>>,
    tally: Tally<R>,
    line: Receiver<()>,
    pace: Pace,
    source: u32,
    /// Rows of the sources before, and of this one so far.
    base: u64,
    rows: u64,
}

/// Sends everything; says why it ended early, if it did.
pub(crate) async fn send<T, R>(
    plans: Vec<Plan<T>>,
    queue: Sender<Message<T>>,
    control: Arc<Control<R>>,
) -> Option<AsyncTaskError>
where
    T: Send + 'static,
    R: Runtime,
{
    let mut outlet = Outlet {
        queue,
        tally: Tally::new(control.clone()),
        control,
        line: Turn::line(),
        pace: Pace::new(),
        source: 0,
        base: 0,
        rows: 0,
    };
    // Until a source is open, how much it holds is not known.
    let texts = plans.iter().filter(|plan| matches!(plan, Plan::Text(_))).count() as u64;
    Counters::add(&outlet.control.counters.unknown_totals, texts);
    for (source, plan) in (0..).zip(plans) {
        outlet.source = source;
        outlet.base += std::mem::take(&mut outlet.rows);
        let sent = match plan {
            Plan::Items(items) => outlet.items(items).await,
            Plan::Stream(stream) => outlet.stream(stream).await,
            Plan::Text(text) => outlet.text(text).await,
        };
        match sent {
            Ok(()) => {}
            Err(Stop::NotWanted) => break,
            Err(Stop::Failed(error)) => return Some(error),
        }
    }
    None
}

/// Set once the pipeline was asked to stop: what has been sent is still handled.
fn stopped() -> Option<Stop> {
    let cx = TaskContext::current()?;
    let (level, cause) = (cx.level()?, cx.cause()?);
    Some(Stop::Failed(AsyncTaskError::Cancelled { level, cause }))
}

/// Waits for a source as long as somebody wants what it gives: a source may be silent for ever, and an error that
/// ends the pipeline, or the end of all workers, must not wait for it.
async fn wanted<T, R: Runtime, F: Future>(
    control: &Control<R>,
    queue: &Sender<Message<T>>,
    source: F,
) -> Result<F::Output, Stop> {
    let unwanted = async {
        or(control.limit.reached(), queue.closed()).await;
        Err(Stop::NotWanted)
    };
    let told = async {
        match TaskContext::current() {
            Some(cx) => cx.cancelled().await,
            None => std::future::pending().await,
        }
        Err(stopped().unwrap_or(Stop::NotWanted))
    };
    or(async { Ok(source.await) }, or(unwanted, told)).await
}

impl<T: Send + 'static, R: Runtime> Outlet<T, R> {
    async fn items(&mut self, mut source: ItemChunks<Box<dyn Fill<T>>>) -> Result<(), Stop> {
        loop {
            if let Some(stop) = stopped() {
                return Err(stop);
            }
            let items = caught(|| source.items.fill(source.rows)).map_err(Stop::Failed)?;
            if items.is_empty() {
                return Ok(());
            }
            self.send_items(items).await?;
            self.pace.rest(&self.control.runtime).await;
        }
    }

    async fn stream(
        &mut self,
        mut source: ItemChunks<Pin<Box<dyn Stream<Item = T> + Send>>>,
    ) -> Result<(), Stop> {
        let mut ended = false;
        while !ended {
            if let Some(stop) = stopped() {
                return Err(stop);
            }
            let mut items = Vec::new();
            let mut failed = None;
            let pull = std::future::poll_fn(|cx| {
                while items.len() < source.rows {
                    match caught(|| source.items.as_mut().poll_next(cx)) {
                        Ok(Poll::Ready(Some(item))) => items.push(item),
                        Ok(Poll::Ready(None)) => {
                            ended = true;
                            return Poll::Ready(());
                        }
                        // What is there goes out: a receiver must not wait for a chunk that may never fill.
                        Ok(Poll::Pending) if items.is_empty() => return Poll::Pending,
                        Ok(Poll::Pending) => return Poll::Ready(()),
                        Err(panic) => {
                            failed = Some(panic);
                            return Poll::Ready(());
                        }
                    }
                }
                Poll::Ready(())
            });
            wanted(&self.control, &self.queue, pull).await?;
            if !items.is_empty() {
                self.send_items(items).await?;
            }
            if let Some(panic) = failed {
                return Err(Stop::Failed(panic));
            }
            self.pace.rest(&self.control.runtime).await;
        }
        Ok(())
    }

    async fn text(&mut self, plan: TextPlan<T>) -> Result<(), Stop> {
        let TextPlan { name, input, format, size, max_record } = plan;
        let learn = |first: &RawChunk| {
            let learnt = format.decoders.learn(first);
            learnt.map_err(|fault| Stop::Failed(unreadable(&name, &Unreadable::Header(fault))))
        };
        let mut learnt: Option<Decoders<T>> = None;
        let cutter = Cutter::new(format.dialect, size, max_record, format.headers);
        let blocks = Blocks::of(&self.control.runtime, name.clone(), input, cutter);
        let mut blocks = blocks.map_err(Stop::Failed)?;
        loop {
            if let Some(stop) = stopped() {
                return Err(stop);
            }
            let block = wanted(&self.control, &self.queue, blocks.next()).await?;
            let Some(block) = block.map_err(Stop::Failed)? else { return Ok(()) };
            let counters = &self.control.counters;
            Counters::add(&counters.bytes, block.bytes);
            if let Some(length) = block.length {
                Counters::add(&counters.total, length);
                Counters::sub(&counters.unknown_totals, 1);
            }
            for cut in block.cuts {
                match cut {
                    Cut::Header(chunk) => learnt = Some(learn(&chunk)?),
                    Cut::Bad(bad) => self.reject(bad)?,
                    Cut::Chunk(chunk) => {
                        let decoders = match &learnt {
                            Some(decoders) => decoders.clone(),
                            None => learnt.insert(learn(&chunk)?).clone(),
                        };
                        self.send_raw(chunk, decoders).await?;
                    }
                }
            }
            if let Some(error) = block.failed {
                return Err(Stop::Failed(error));
            }
            self.pace.rest(&self.control.runtime).await;
        }
    }

    async fn send_items(&mut self, items: Vec<T>) -> Result<(), Stop> {
        let (first, rows) = (self.rows, items.len() as u64);
        self.send(first, rows, Content::Items(items)).await
    }

    async fn send_raw(&mut self, chunk: RawChunk, decoders: Decoders<T>) -> Result<(), Stop> {
        let (first, rows) = (chunk.first_row, chunk.rows);
        self.send(first, rows, Content::Raw { chunk, decoders }).await
    }

    async fn send(&mut self, first: u64, rows: u64, content: Content<T>) -> Result<(), Stop> {
        if self.control.limit.is_set() {
            return Err(Stop::NotWanted);
        }
        self.rows = first + rows;
        Counters::add(&self.control.counters.read, rows);
        let turn = self.control.ordered.then(|| Turn::behind(&mut self.line));
        let message = Message { origin: self.origin(), first, content, turn };
        self.queue.send(message).await.map_err(|_| Stop::NotWanted)
    }

    fn origin(&self) -> Origin {
        let Control { task, runtime, .. } = &*self.control;
        Origin { task: *task, source: self.source, base: self.base, at: runtime.now() }
    }

    /// A row that could not be cut: it is rejected here, no worker sees it.
    fn reject(&mut self, bad: BadRow) -> Result<(), Stop> {
        self.rows = bad.sequence + 1;
        let Some(name) = self.control.names.get(self.source as usize) else { return Ok(()) };
        let sequence = self.base + bad.sequence;
        let place =
            Place { name, origin: self.origin(), sequence, line: bad.line, byte: bad.byte, raw: None };
        let error = place.unreadable(&bad.reason);
        Counters::add(&self.control.counters.read, 1);
        self.tally.reject(&place, error);
        if self.control.limit.is_set() { Err(Stop::NotWanted) } else { Ok(()) }
    }
}
