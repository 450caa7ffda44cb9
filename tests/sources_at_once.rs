//! Sources that are read at the same time, under source order: no row is passed over.
#![cfg(all(feature = "pipeline", feature = "sim"))]

use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::Stream;
use sweet_async::pipeline::PipelineBuilder;
use sweet_async::prelude::*;
use sweet_async::sim::SimRuntime;

/// A stream of some numbers that is pending a few times before each of them, and panics at the end if it is to.
struct Numbers {
    numbers: Range<u64>,
    pauses: u32,
    paused: u32,
    panics: bool,
}

impl Numbers {
    fn new(numbers: Range<u64>, pauses: u32, panics: bool) -> Self {
        Self { numbers, pauses, paused: 0, panics }
    }
}

impl Stream for Numbers {
    type Item = u64;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u64>> {
        if self.paused < self.pauses {
            self.paused += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.paused = 0;
        let next = self.numbers.next();
        assert!(next.is_some() || !self.panics, "the second source fails");
        Poll::Ready(next)
    }
}

#[test]
fn enough_rows_are_the_first_ones_or_the_source_that_failed_is_the_error() -> Result<(), AsyncTaskError> {
    let (mut whole, mut failed) = (0, 0);
    for seed in 0..300 {
        let sim = SimRuntime::new(seed);
        let (runtime, pauses) = (sim.runtime().clone(), seed as u32 % 9);
        let ended = sim.block_on(async {
            PipelineBuilder::<u64, _>::new(runtime)
                .with_concurrency(2)
                .ordered()
                .sender(move |sources| {
                    // The first one is slow at times. The second one ends within the two chunks that are read ahead.
                    sources.of_stream(Numbers::new(0..20, pauses, false)).into_chunks(1.items());
                    sources.of_stream(Numbers::new(100..103, 0, true)).into_chunks(2.items());
                })
                .take(4)
                .collect_vec()
                .await
        })?;
        match ended {
            Ok((numbers, _)) => {
                assert_eq!(numbers, (0..4).collect::<Vec<_>>(), "SEED={seed}");
                whole += 1;
            }
            Err(error) => {
                assert!(error.is_panic(), "SEED={seed}: {error}");
                failed += 1;
            }
        }
    }
    assert!(whole > 0 && failed > 0, "{whole} have ended well, and {failed} have failed");
    Ok(())
}
