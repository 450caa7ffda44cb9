//! Pipelines, retries: they count for each event. The partial results of a failed attempt do not remain, and
//! give its event no further attempts.
//!
//! A field report: in Effect (pull request 6889), a stream that had emitted before it failed got all of its
//! attempts again, so that its limit was none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::pipeline::Batch;
use crate::library::{Retry, RetryStrategy};

use crate::kit::prelude::*;

const EVENTS: u64 = 30;

const RETRIES: u32 = 2;

/// The number of attempts at each event or batch.
#[derive(Clone)]
struct Attempts(Arc<[AtomicU32; EVENTS as usize]>);

impl Attempts {
    fn new() -> Self {
        Self(Arc::new(std::array::from_fn(|_| AtomicU32::new(0))))
    }

    /// Counts an attempt at `n`. Returns its number; the first is 1.
    fn next(&self, n: u64) -> u32 {
        let count = usize::try_from(n).ok().and_then(|n| self.0.get(n));
        count.map_or(0, |count| count.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn made(&self, n: u64) -> u32 {
        let count = usize::try_from(n).ok().and_then(|n| self.0.get(n));
        count.map_or(0, |count| count.load(Ordering::SeqCst))
    }
}

/// The outcome of an attempt at `n`. Of three, one succeeds at once, one at its last attempt, and one never.
fn outcome(n: u64, attempt: u32) -> Result<(), String> {
    let failures = match n % 3 {
        0 => 0,
        1 => RETRIES,
        _ => u32::MAX,
    };
    if attempt <= failures { Err(format!("attempt {attempt}")) } else { Ok(()) }
}

/// The attempts that `n` is due, and the one that succeeds, if any does.
fn due(n: u64) -> (u32, Option<u32>) {
    match n % 3 {
        0 => (1, Some(1)),
        1 => (RETRIES + 1, Some(RETRIES + 1)),
        _ => (RETRIES + 1, None),
    }
}

fn retrying() -> ErrorStrategy<u64> {
    ErrorStrategy::retry_with(Retry::new(RETRIES).backoff(RetryStrategy::Immediate))
}

/// Checks that each rejected row has had all of its attempts, and the error of the last.
fn exhausted(summary: &FinalEvent) -> Outcome {
    for row in summary.errors() {
        let AsyncTaskError::RetriesExhausted(error) = row.error() else { bail!("{row:?}") };
        ensure!(error.attempts() == RETRIES + 1, "{row:?}");
        ensure!(source_text(error.last()) == format!("attempt {}", RETRIES + 1), "{row:?}");
    }
    Ok(())
}

pub async fn a_partial_result_gives_its_event_no_further_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let builder = || {
            let builder = AsyncTask::emits::<u64>().on(&rt).workers(workers).on_error(retrying());
            builder.sender(|sources| sources.of(0..EVENTS).into_chunks(4.items()))
        };
        let (of_sync, of_async) = (Attempts::new(), Attempts::new());
        let counting = of_sync.clone();
        let sync = builder()
            .receiver(move |event: Event<u64>, collector: Collector<u64, u32>| {
                let n = event.take_data();
                let attempt = counting.next(n);
                collector.collect(n * 2, attempt);
                collector.collect(n * 2 + 1, attempt);
                outcome(n, attempt)
            })
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        let counting = of_async.clone();
        let asynchronous = builder()
            .receiver(move |event: Event<u64>, collector: Collector<u64, u32>| {
                let counting = counting.clone();
                async move {
                    let n = event.take_data();
                    let attempt = counting.next(n);
                    collector.collect(n * 2, attempt);
                    yield_now().await;
                    collector.collect(n * 2 + 1, attempt);
                    outcome(n, attempt)
                }
            })
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        for (attempts, (summary, collected)) in [(of_sync, sync), (of_async, asynchronous)] {
            let counts = (summary.read(), summary.handled(), summary.rejected(), summary.duplicates());
            ensure!(counts == (EVENTS, 20, 10, 0), "{workers} workers: {summary:?}");
            ensure!(collected.len() == 40, "{workers} workers: {collected:?}");
            for n in 0..EVENTS {
                let (number, success) = due(n);
                ensure!(attempts.made(n) == number, "event {n}: {} attempts", attempts.made(n));
                let parts = [n * 2, n * 2 + 1].map(|key| collected.get(&key).copied());
                ensure!(parts == [success; 2], "event {n}: {parts:?}");
            }
            exhausted(&summary)?;
        }
    }
    Ok(())
}

pub async fn a_partial_result_gives_its_batch_no_further_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let attempts = Attempts::new();
    let counting = attempts.clone();
    let (summary, collected) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .on_error(retrying())
        .sender(|sources| sources.of(0..EVENTS).into_chunks(4.items()))
        .batched(3, Duration::MAX)
        .receiver(move |batch: Batch<u64>, collector: Collector<u64, u32>| {
            let number = batch.first().map_or(0, |event| *event.data() / 3);
            let attempt = counting.next(number);
            // The last event of a batch is not reached in a failed attempt.
            for event in batch.iter().take(if outcome(number, attempt).is_ok() { 3 } else { 2 }) {
                collector.at(event).collect(*event.data(), attempt);
            }
            outcome(number, attempt)
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    // Of ten batches, four succeed at once, three with their last attempt, and three never.
    let counts = (summary.read(), summary.handled(), summary.rejected(), summary.duplicates());
    ensure!(counts == (EVENTS, 21, 9, 0) && collected.len() == 21, "{summary:?}, {collected:?}");
    for n in 0..EVENTS {
        let (number, success) = due(n / 3);
        ensure!(attempts.made(n / 3) == number, "batch {}: {} attempts", n / 3, attempts.made(n / 3));
        ensure!(collected.get(&n).copied() == success, "event {n}: {:?}", collected.get(&n));
    }
    exhausted(&summary)
}

pub async fn a_success_gives_the_next_event_all_of_its_retries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let attempts = Attempts::new();
    let counting = attempts.clone();
    // One worker handles all events, and each needs its last attempt.
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .on_error(retrying())
        .sender(|sources| sources.of(0..EVENTS).into_chunks(7.items()))
        .for_each(move |event: Event<u64>| {
            let attempt = counting.next(event.take_data());
            async move {
                yield_now().await;
                outcome(1, attempt)
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (EVENTS, 0), "{summary:?}");
    for n in 0..EVENTS {
        ensure!(attempts.made(n) == RETRIES + 1, "event {n}: {} attempts", attempts.made(n));
    }
    Ok(())
}
