//! Pipelines, keys: events of one key are handled in source order, one at a time, and different keys in parallel.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::library::pipeline::{Batch, PipelineBuilder};
use crate::library::{Retry, RetryStrategy};

use crate::kit::explode;
use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R, workers: usize) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(workers).on_error(ErrorStrategy::ContinueOnError)
}

/// The values of one key that were handled.
type OfKey = (Vec<u64>, Census);

/// The events that were handled, for each key, and the number of each key's events that are being handled.
#[derive(Clone, Default)]
struct Handled(Arc<Mutex<BTreeMap<u64, OfKey>>>);

impl Handled {
    /// Handles `n`, over as many polls as it asks for.
    async fn handle(self, key: u64, n: u64) {
        let census = self.0.lock().map(|mut keys| keys.entry(key).or_default().1.clone()).unwrap_or_default();
        let resident = census.enter();
        for _ in 0..n % 5 {
            yield_now().await;
        }
        if let Ok(mut keys) = self.0.lock() {
            keys.entry(key).or_default().0.push(n);
        }
        drop(resident);
    }

    /// Checks that each of `keys` keys has had its numbers up to `count` in their order, one at a time.
    fn check(&self, keys: u64, count: u64, is_left_out: impl Fn(u64) -> bool) -> Outcome {
        let handled = self.0.lock().map_err(|_| Failure::msg("poisoned"))?;
        ensure!(handled.len() as u64 == keys);
        for (key, (numbers, census)) in handled.iter() {
            let expected = (0..count).filter(|n| n % keys == *key && !is_left_out(*n));
            ensure!(numbers.iter().copied().eq(expected), "key {key}: {numbers:?}");
            ensure!(census.most() == 1, "key {key}: {} at once", census.most());
        }
        Ok(())
    }
}

pub async fn events_of_one_key_are_handled_in_source_order<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (workers, concurrent) in [(1, 1), (4, 1), (3, 5)] {
        let handled = Handled::default();
        let receiver = handled.clone();
        let summary = numbers(&rt, workers)
            .sender(|sources| sources.of(0..400).into_chunks(3.items()))
            .map_async(|n| async move {
                for _ in 0..n % 3 {
                    yield_now().await;
                }
                n
            })
            .filter(|n| n % 11 != 5)
            .concurrent(concurrent)
            .key_by(|n| n % 7)
            .for_each(move |event: Event<u64>| receiver.clone().handle(event.data() % 7, event.take_data()))
            .await?;
        ensure!(summary.handled() == 400, "{summary:?}");
        handled.check(7, 400, |n| n % 11 == 5)?;
    }
    Ok(())
}

pub async fn events_of_different_keys_are_handled_at_the_same_time<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (inside, together) = (Census::default(), Latch::new());
    let (census, all) = (inside.clone(), together.clone());
    let summary = numbers(&rt, 3)
        .sender(|sources| sources.of(0..3).into_chunks(1.items()))
        .key_by(|n| *n)
        .for_each(move |_: Event<u64>| {
            let (resident, census, all) = (census.enter(), census.clone(), all.clone());
            async move {
                if census.alive() == 3 {
                    all.set();
                }
                all.wait().await;
                drop(resident);
            }
        })
        .await?;
    ensure!(inside.most() == 3 && summary.handled() == 3);
    Ok(())
}

pub async fn a_row_of_several_keys_waits_for_each_of_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let handled = Handled::default();
    let receiver = handled.clone();
    let summary = numbers(&rt, 4)
        .sender(|sources| sources.of(0..100).into_chunks(3.items()))
        .flat_map(|n| [2 * n, 2 * n + 1])
        .key_by(|n| n % 5)
        .for_each(move |event: Event<u64>| receiver.clone().handle(event.data() % 5, event.take_data()))
        .await?;
    ensure!(summary.handled() == 100, "{summary:?}");
    handled.check(5, 200, |_| false)
}

pub async fn a_retried_event_keeps_its_key<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let retry = Retry::new(1).backoff(RetryStrategy::Fixed { delay: 1.millis() });
    let (handled, tried) = (Handled::default(), Arc::new(Mutex::new(Vec::new())));
    let (receiver, list) = (handled.clone(), tried.clone());
    let summary = numbers(&rt, 3)
        .on_error(ErrorStrategy::retry_with(retry))
        .sender(|sources| sources.of(0..60).into_chunks(2.items()))
        .key_by(|n| n % 4)
        .for_each(move |event: Event<u64>| {
            let n = event.take_data();
            let is_first = list.lock().is_ok_and(|mut tried: std::sync::MutexGuard<'_, Vec<u64>>| {
                let is_first = !tried.contains(&n);
                tried.push(n);
                is_first
            });
            let receiver = receiver.clone();
            async move {
                if is_first && n % 6 == 1 {
                    return Err("not yet");
                }
                receiver.handle(n % 4, n).await;
                Ok(())
            }
        })
        .await?;
    ensure!(summary.handled() == 60, "{summary:?}");
    handled.check(4, 60, |_| false)
}

pub async fn a_row_whose_stages_are_tried_again_keeps_the_order_of_its_key<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for concurrent in [1, 3] {
        let retry = Retry::new(1).backoff(RetryStrategy::Fixed { delay: 1.millis() });
        let (handled, tried) = (Handled::default(), Arc::new(Mutex::new(Vec::new())));
        let receiver = handled.clone();
        let summary = numbers(&rt, 3)
            .on_error(ErrorStrategy::retry_with(retry))
            .sender(|sources| sources.of(0..60).into_chunks(2.items()))
            .try_map_async(move |n| {
                let is_first = tried.lock().is_ok_and(|mut tried: std::sync::MutexGuard<'_, Vec<u64>>| {
                    let is_first = !tried.contains(&n);
                    tried.push(n);
                    is_first
                });
                std::future::ready(if is_first && n % 6 == 1 { Err("not yet") } else { Ok(n) })
            })
            .concurrent(concurrent)
            .key_by(|n| n % 4)
            .for_each(move |event: Event<u64>| receiver.clone().handle(event.data() % 4, event.take_data()))
            .await?;
        ensure!(summary.handled() == 60, "{summary:?}");
        handled.check(4, 60, |_| false)?;
    }
    Ok(())
}

pub async fn a_key_that_panics_rejects_its_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let handled = Handled::default();
    let receiver = handled.clone();
    let summary = numbers(&rt, 3)
        .sender(|sources| sources.of(0..60).into_chunks(2.items()))
        .key_by(|n| if n % 10 == 3 { explode("no key") } else { n % 4 })
        .for_each(move |event: Event<u64>| receiver.clone().handle(event.data() % 4, event.take_data()))
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (54, 6), "{summary:?}");
    ensure!(summary.errors().iter().all(|row| row.error().is_panic()), "{summary:?}");
    handled.check(4, 60, |n| n % 10 == 3)
}

pub async fn the_first_error_in_source_order_ends_a_keyed_pipeline<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(3)
            .sender(|sources| sources.of(0..1_000).into_chunks(3.items()))
            .key_by(|n| n % 2)
            .for_each(|event: Event<u64>| {
                let n = event.take_data();
                if n % 100 == 77 { Err(format!("refused {n}")) } else { Ok(()) }
            })
            .await,
    )?;
    ensure!(source_text(&error) == "refused 77", "{error:?}");
    Ok(())
}

pub async fn keys_that_mean_nothing_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sender = |builder: PipelineBuilder<u64, R>| {
        builder.sender(|sources| sources.of([1]).into_chunks(1.items())).key_by(|n| *n)
    };
    let ordered = sender(numbers(&rt, 2).ordered()).for_each(|_: Event<u64>| {}).await;
    let batched = sender(numbers(&rt, 2)).batched(2, Duration::MAX).for_each(|_: Batch<u64>| {}).await;
    for error in [failed(ordered)?, failed(batched)?] {
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    Ok(())
}
