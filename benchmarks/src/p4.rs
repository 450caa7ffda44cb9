//! P4: the cost of a pipeline per item when the work is nothing, against `buffer_unordered`.

use std::future::ready;
use std::hint::black_box;
use std::time::Duration;

use futures::StreamExt as _;
use sweet_async::pipeline::{ChunkSizeExt as _, Collector, Event, FinalEvent, PipelineBuilder};

use crate::backend::Backend;
use crate::measure::{Row, check, timed};
use crate::{Failure, Size};

/// The kind of receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `for_each`.
    Each,
    /// `receiver`, which collects nothing.
    Receiver,
    /// `fold`, which adds up.
    Fold,
    /// `for_each` after one `map`.
    Mapped,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Each, Self::Receiver, Self::Fold, Self::Mapped];

    /// The name in the results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Each => "for_each",
            Self::Receiver => "receiver",
            Self::Fold => "fold",
            Self::Mapped => "map, for_each",
        }
    }
}

/// Sends `items` numbers through a pipeline.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn pipeline<B: Backend>(
    backend: &B,
    kind: Kind,
    items: u64,
    chunk: usize,
    workers: usize,
) -> Result<(), Failure> {
    let pipeline = PipelineBuilder::<u64, _>::new(backend.runtime().clone())
        .workers(workers)
        .sender(move |sources| sources.of(0..items).into_chunks(chunk.items()));
    let handled = match kind {
        Kind::Each => pipeline.for_each(nothing).await?.handled(),
        Kind::Mapped => pipeline.map(|item| black_box(item) + 1).for_each(nothing).await?.handled(),
        Kind::Receiver => pipeline
            .receiver(|event, _: Collector<u64, ()>| nothing(event))
            .await_final_event(|summary, _| summary.as_ref().map(FinalEvent::handled).ok())
            .await
            .ok_or("the pipeline failed")?,
        Kind::Fold => {
            let fold = pipeline.fold(
                || 0,
                |sum: &mut u64, event: Event<u64>| *sum += event.take_data() + 1,
                |a, b| a + b,
            );
            let (sum, summary) = fold.await?;
            check(&sum, &(1..=items).sum())?;
            summary.handled()
        }
    };
    check(&handled, &items)
}

/// Does the least that a receiver can do without being optimised away.
fn nothing(event: Event<u64>) {
    black_box(event.take_data() + 1);
}

/// The peer: one future for each item, 64 at a time.
///
/// # Errors
///
/// A wrong result.
pub async fn buffer_unordered(items: u64) -> Result<(), Failure> {
    let results = futures::stream::iter(0..items).map(|item| async move { item + 1 }).buffer_unordered(64);
    let sum = results.fold(0u64, |sum, item| ready(sum + item)).await;
    check(&sum, &(1..=items).sum())
}

/// The lower bound: a pipeline for this one case, written by hand, without positions, errors or panics.
///
/// # Errors
///
/// A wrong result.
pub async fn by_hand<B: Backend>(
    backend: &B,
    items: u64,
    chunk: usize,
    workers: usize,
) -> Result<(), Failure> {
    let (sender, receiver) = async_channel::bounded::<Vec<u64>>(workers * 2);
    let worker_tasks: Vec<_> = (0..workers)
        .map(|_| {
            let receiver = receiver.clone();
            backend.raw_spawn(async move {
                let mut sum = 0;
                while let Ok(chunk) = receiver.recv().await {
                    sum += chunk.into_iter().map(|item| black_box(item + 1)).sum::<u64>();
                }
                sum
            })
        })
        .collect();
    drop(receiver);
    let sending = backend.raw_spawn(async move {
        let mut source = 0..items;
        loop {
            let items: Vec<u64> = source.by_ref().take(chunk).collect();
            if items.is_empty() || sender.send(items).await.is_err() {
                return;
            }
        }
    });
    sending.await.ok_or("the executor has ended")?;
    let mut sum = 0;
    for task in worker_tasks {
        sum += task.await.ok_or("the executor has ended")?;
    }
    check(&sum, &(1..=items).sum())
}

/// Measures the row, for chunks of 256 and of 1024.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    let Size { rounds, items, workers, .. } = *size;
    let peer = "buffer_unordered";
    for (chunk, goal) in [(256, 0.15), (1024, 0.08)] {
        let title = format!("P4 {}: {items} items in chunks of {chunk}, {workers} workers", B::NAME);
        let mut row = Row::new(title, rounds);
        let count = items as f64;
        row.side(peer, count, || run(|| backend.block_on(buffer_unordered(items))));
        row.side("by hand", count, || run(|| backend.block_on(by_hand(backend, items, chunk, workers))));
        row.ratio("by hand", peer, None);
        for kind in Kind::ALL {
            let one = move || run(|| backend.block_on(pipeline(backend, kind, items, chunk, workers)));
            row.side(kind.name(), count, one).ratio(kind.name(), peer, Some(goal));
        }
        row.ratio(Kind::Mapped.name(), Kind::Each.name(), Some(1.1));
        row.measure()?;
    }
    Ok(())
}

fn run(work: impl FnOnce() -> Result<Result<(), Failure>, Failure>) -> Result<Duration, Failure> {
    timed(|| work()?)
}
