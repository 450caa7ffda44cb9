//! Pipelines, collector: entries of a receiver's call count once the call succeeded, wherever it made them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::pipeline::{Batch, OnDuplicate, PipelineBuilder};
use crate::library::{Retry, RetryStrategy, TimedTask as _};
use async_channel::unbounded;

use crate::kit::explode;
use crate::kit::prelude::*;

/// A pipeline of numbers with one worker, which skips refused events.
fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(1).on_error(ErrorStrategy::ContinueOnError)
}

fn three_attempts() -> ErrorStrategy<u64> {
    ErrorStrategy::retry_with(Retry::new(2).backoff(RetryStrategy::Immediate))
}

/// Fails in two of three calls.
fn third_time(calls: &AtomicU32) -> Result<(), &'static str> {
    match calls.fetch_add(1, Ordering::SeqCst) % 3 {
        0 => Err("the first time"),
        1 => Err("the second time"),
        _ => Ok(()),
    }
}

pub async fn each_event_that_is_tried_again_counts_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || {
        let builder = numbers(&rt).on_error(three_attempts());
        builder.sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
    };
    let (one, two) = (AtomicU32::new(0), Arc::new(AtomicU32::new(0)));
    let sync = builder()
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            collector.collect(event.data() % 10, 1);
            collector.collect_error(0, "noted");
            third_time(&one)
        })
        .on_duplicate(OnDuplicate::merge_unordered(|a, b| a + b))
        .await_final_event(|event, collection| event.map(|summary| (summary, collection)))
        .await?;
    let asynchronous = builder()
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let calls = two.clone();
            async move {
                collector.collect(event.data() % 10, 1);
                collector.collect_error(0, "noted");
                yield_now().await;
                third_time(&calls)
            }
        })
        .on_duplicate(OnDuplicate::merge_unordered(|a, b| a + b))
        .await_final_event(|event, collection| event.map(|summary| (summary, collection)))
        .await?;
    for (summary, collection) in [sync, asynchronous] {
        ensure!((summary.handled(), summary.rejected()) == (100, 0), "{summary:?}");
        ensure!(summary.duplicates() == 90 && collection.error_count() == 100, "{summary:?}");
        let sums = collection.collected();
        ensure!(sums.len() == 10 && sums.values().all(|sum| *sum == 10), "{sums:?}");
    }
    Ok(())
}

pub async fn an_event_that_is_refused_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 3] {
        let (summary, collection) = numbers(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..1_200u64).into_chunks(7.items()))
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
                let n = event.take_data();
                (0..n % 4).for_each(|key| collector.collect(n / 4 * 4 + key, n));
                match n % 4 {
                    0 | 3 => Ok(()),
                    1 => Err("refused"),
                    _ => {
                        collector.collect_error(n, "noted");
                        explode("in the receiver")
                    }
                }
            })
            .on_duplicate(OnDuplicate::Error)
            .await_final_event(|event, collection| event.map(|summary| (summary, collection)))
            .await?;
        // The keys of refused events are free.
        ensure!(
            (summary.handled(), summary.rejected(), summary.duplicates()) == (600, 600, 0),
            "{summary:?}"
        );
        ensure!(collection.error_count() == 0 && collection.len() == 900);
        ensure!(collection.collected().into_iter().all(|(key, n)| n % 4 == 3 && key / 4 == n / 4));
    }
    Ok(())
}

pub async fn an_event_that_times_out_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    /// A value that collects when it is dropped.
    struct AtEnd(Collector<&'static str, u64>);

    impl Drop for AtEnd {
        fn drop(&mut self) {
            self.0.collect("at its end", 0);
        }
    }

    let kept = numbers(&rt)
        .event_timeout(5.millis())
        .sender(|sources| sources.of([0, 1, 2]).into_chunks(1.items()))
        .receiver(|event: Event<u64>, collector: Collector<&'static str, u64>| async move {
            collector.collect("first", event.sequence());
            let end = AtEnd(collector);
            if event.sequence() == 1 {
                pending::<()>().await;
            }
            end.0.collect("then", event.sequence());
        })
        .on_duplicate(OnDuplicate::merge(|a, b| a * 10 + b))
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    ensure!((kept.0.handled(), kept.0.rejected()) == (2, 1), "{:?}", kept.0);
    ensure!(kept.1 == HashMap::from([("first", 2), ("then", 2), ("at its end", 0)]), "{:?}", kept.1);
    Ok(())
}

pub async fn a_batch_that_is_refused_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for strategy in [ErrorStrategy::ContinueOnError, three_attempts()] {
        let (calls, retries) = (AtomicU32::new(0), matches!(strategy, ErrorStrategy::Retry(_)));
        let (summary, kept) = numbers(&rt)
            .on_error(strategy)
            .sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
            .batched(5, Duration::MAX)
            .receiver(move |batch: Batch<u64>, collector: Collector<u64, u64>| {
                batch.iter().for_each(|event| collector.at(event).collect(event.sequence(), *event.data()));
                third_time(&calls)
            })
            .on_duplicate(OnDuplicate::merge_unordered(|_, _| 1_000))
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        let due = if retries { 100 } else { 30 };
        ensure!(summary.handled() == due && kept.len() as u64 == due, "{summary:?}");
        ensure!(summary.duplicates() == 0 && kept.into_iter().all(|(sequence, n)| sequence == n));
    }
    Ok(())
}

pub async fn a_rejected_event_leaves_none_of_its_many_entries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (summary, collection) = numbers(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..9u64).into_chunks(1.items()))
        .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
            for n in 0..20_000 {
                collector.collect(n, event.sequence());
                if n % 10 == 0 {
                    collector.collect_error(n, "noted");
                }
            }
            if event.data().is_multiple_of(2) { Err("even") } else { Ok(()) }
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection)))
        .await?;
    ensure!((summary.handled(), summary.duplicates()) == (4, 60_000), "{summary:?}");
    ensure!(collection.error_count() == 8_000);
    ensure!(collection.errors().iter().all(|error| error.row().sequence() == 1));
    let kept = collection.collected();
    ensure!(kept.len() == 20_000 && kept.values().all(|sequence| *sequence == 7));
    Ok(())
}

pub async fn entries_of_a_spawned_task_count_with_the_event_that_awaits_it<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (inner, calls) = (rt.clone(), Arc::new(AtomicU32::new(0)));
    let (summary, collection) = numbers(&rt)
        .on_error(three_attempts())
        .sender(|sources| sources.of(0..60u64).into_chunks(3.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let (inner, calls) = (inner.clone(), calls.clone());
            async move {
                let n = event.take_data();
                let collecting = move || async move {
                    collector.collect(n, 1);
                    yield_now().await;
                    collector.collect_error(n, "noted");
                    collector.collect(n, 1);
                };
                AsyncTask::to::<()>().on(&inner).spawn(collecting).await?;
                third_time(&calls).map_err(AsyncTaskError::failure)
            }
        })
        .on_duplicate(OnDuplicate::merge_unordered(|a, b| a + b))
        .await_final_event(|event, collection| event.map(|summary| (summary, collection)))
        .await?;
    ensure!((summary.handled(), summary.duplicates()) == (60, 60), "{summary:?}");
    ensure!(collection.error_count() == 60);
    ensure!(collection.collected().values().all(|n| *n == 2));
    Ok(())
}

pub async fn late_entries_are_kept_or_dropped_by_their_events_outcome<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (pass, passed) = unbounded::<Collector<u64, &'static str>>();
    let (summary, kept) = numbers(&rt)
        .sender(|sources| sources.of(0..4u64).into_chunks(1.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, &'static str>| {
            let n = event.take_data();
            collector.collect(n, "in time");
            if n == 3 {
                // The collectors of the events 0, 1 and 2.
                for key in 0..3 {
                    let early = passed.try_recv().map_err(|_| "none was passed")?;
                    early.collect(key, "late");
                    early.collect(key + 10, "late");
                    collector.collect(key + 10, "of another");
                }
                return Err("refused");
            }
            pass.try_send(collector).map_err(|_| "no receiver is left")?;
            if n == 1 { Err("refused") } else { Ok(()) }
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    ensure!((summary.handled(), summary.rejected(), summary.duplicates()) == (2, 2, 2), "{summary:?}");
    ensure!(kept == HashMap::from([(0, "late"), (10, "late"), (2, "late"), (12, "late")]), "{kept:?}");
    Ok(())
}

pub async fn entries_count_with_the_event_of_their_collector<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first event waits until the second, on another worker, has collected with the first one's
    // collector.
    let (pass, passed) = unbounded::<Collector<u64, &'static str>>();
    let used = Latch::new();
    let (summary, kept) = numbers(&rt)
        .workers(2)
        .sender(|sources| sources.of([0, 1]).into_chunks(1.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, &'static str>| {
            let (pass, passed, used) = (pass.clone(), passed.clone(), used.clone());
            async move {
                if event.take_data() == 0 {
                    pass.try_send(collector).map_err(|_| "no receiver is left")?;
                    used.wait().await;
                    return Err("refused");
                }
                let other = passed.recv().await.map_err(|_| "none was passed")?;
                other.collect(0, "of the first");
                collector.collect(1, "of the second");
                used.set();
                Ok(())
            }
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (1, 1), "{summary:?}");
    ensure!(kept == HashMap::from([(1, "of the second")]), "{kept:?}");
    Ok(())
}

pub async fn an_event_that_is_killed_leaves_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let second = Latch::new();
    let begun = second.clone();
    let task = numbers(&rt)
        .with_timeout(1.hours())
        .sender(|sources| sources.of([0, 1]).into_chunks(1.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let begun = begun.clone();
            async move {
                let n = event.take_data();
                collector.collect(n, n);
                if n == 1 {
                    begun.set();
                    pending::<()>().await;
                }
            }
        })
        .spawn(|event, collection| Ok::<_, AsyncTaskError>((event.err(), collection.collected())));
    // The one worker has handled the first event by then.
    second.wait().await;
    task.set_timeout(5.millis())?;
    let (error, kept) = task.await?;
    ensure!(error.context("an error was due")?.is_timeout());
    ensure!(kept == HashMap::from([(0, 0)]), "{kept:?}");
    Ok(())
}
