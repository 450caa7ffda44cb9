//! P11: a number of workers that is found while the pipeline runs, against the best fixed number.

use std::fmt;
use std::time::Duration;

use sweet_async::pipeline::{ChunkSizeExt as _, Event, PipelineBuilder, ReceiverStrategy};

use crate::backend::Backend;
use crate::measure::{Row, check, timed};
use crate::work::Spin;
use crate::{Failure, Size};
use sweet_async::RuntimeExt as _;

/// The most workers.
const MAX: usize = 64;

/// The work of the receiver.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// 20 us of processor time, synchronously.
    Cpu,
    /// 2 ms of waiting.
    Io,
    /// 1 ms of waiting, and 50 us of processor time.
    Mixed,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Io, Self::Mixed];

    /// The number of items that take about two seconds at best, on two processors.
    fn items(self) -> u64 {
        match self {
            Self::Cpu => 200_000,
            Self::Io => 50_000,
            Self::Mixed => 60_000,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "20 us of processor time",
            Self::Io => "2 ms of waiting",
            Self::Mixed => "1 ms of waiting and 50 us of processor time",
        })
    }
}

/// Handles the items of a kind.
///
/// # Errors
///
/// The error of the pipeline, or a wrong result.
pub async fn pipeline<B: Backend>(
    backend: &B,
    kind: Kind,
    spin: Spin,
    strategy: ReceiverStrategy,
) -> Result<(), Failure> {
    let items = kind.items();
    // The queue has the same length for all: the waiting in it is not what is compared.
    let pipeline = PipelineBuilder::<u64, _>::new(backend.runtime().clone())
        .receiver_strategy(strategy)
        .queue(2 * MAX)
        .sender(move |sources| sources.of(0..items).into_chunks(8.items()));
    let runtime = backend.runtime().clone();
    let wait = move |time: Duration| runtime.sleep(time);
    let summary = match kind {
        Kind::Cpu => pipeline.for_each(move |event: Event<u64>| spin.run(event.take_data())).await?,
        Kind::Io => pipeline.for_each(move |_: Event<u64>| wait(Duration::from_millis(2))).await?,
        Kind::Mixed => {
            let receiver = move |event: Event<u64>| {
                let waits = wait(Duration::from_millis(1));
                async move {
                    waits.await?;
                    spin.run(event.take_data());
                    Ok::<_, sweet_async::AsyncTaskError>(())
                }
            };
            pipeline.for_each(receiver).await?
        }
    };
    check(&summary.handled(), &items)
}

/// Measures the row, for each kind.
///
/// # Errors
///
/// The error of a side.
pub fn measure<B: Backend>(backend: &B, size: &Size) -> Result<(), Failure> {
    for kind in Kind::ALL {
        let spin = Spin::of(match kind {
            Kind::Mixed => Duration::from_micros(50),
            _ => Duration::from_micros(20),
        });
        let mut row = Row::new(format!("P11 {}: {kind}, {} items", B::NAME, kind.items()), size.rounds);
        let count = kind.items() as f64;
        let mut fixed = Vec::new();
        for workers in [1, 2, 4, 16, MAX] {
            // With few workers these would take minutes.
            if !matches!(kind, Kind::Cpu) && workers < 16 {
                continue;
            }
            let strategy = ReceiverStrategy::Parallel { workers };
            let name = format!("{workers} workers");
            let one = move || timed(|| backend.block_on(pipeline(backend, kind, spin, strategy))?);
            row.side(name.clone(), count, one);
            fixed.push(name);
        }
        let strategy = ReceiverStrategy::Adaptive { min: 1, max: MAX };
        row.side("adaptive", count, move || {
            timed(|| backend.block_on(pipeline(backend, kind, spin, strategy))?)
        });
        row.ratio_to_best("adaptive", &fixed, Some(1.05));
        row.measure()?;
    }
    Ok(())
}
