//! Pipelines, collector: the last value of a key in source order is kept, whatever the number of workers.

use std::collections::HashMap;

use crate::library::await_final_event;
use crate::library::pipeline::Collected;

use crate::kit::prelude::*;
use crate::kit::{Person, explode};

pub async fn the_last_in_source_order_stays_whatever_the_workers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in [1, 2, 4] {
        let (summary, last) = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(workers)
            .sender(|sources| sources.of(0..10_000u64).into_chunks(1.items()))
            .receiver(|event, collector| {
                let sequence = event.sequence();
                collector.collect(event.take_data() % 3, sequence);
            })
            .await_final_event(|event, collector| event.map(|summary| (summary, collector.collected())))
            .await?;
        ensure!(last == HashMap::from([(0, 9_999), (1, 9_997), (2, 9_998)]), "{workers} workers: {last:?}");
        ensure!(summary.duplicates() == 9_997, "duplicates are counted: {}", summary.duplicates());
        ensure!(summary.handled() == 10_000);
    }
    Ok(())
}

pub async fn the_last_value_is_kept_when_it_is_handled_first<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first event waits until the second has collected under the same key.
    let second = Latch::new();
    let done = second.clone();
    let kept = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of([10, 20]).into_chunks(1.items()))
        .receiver(move |event: Event<u64>, collector: Collector<&'static str, u64>| {
            let done = done.clone();
            async move {
                if event.sequence() == 0 {
                    done.wait().await;
                    collector.collect("key", event.take_data());
                } else {
                    collector.collect("key", event.take_data());
                    done.set();
                }
            }
        })
        .await_final_event(|event, collector| event.map(|_| collector.collected()))
        .await?;
    ensure!(kept == HashMap::from([("key", 20)]), "{kept:?}");
    Ok(())
}

pub async fn an_item_is_keyed_by_its_sequence<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let items = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(3)
        .sender(|sources| sources.of(100..400u64).into_chunks(7.items()))
        .receiver(|event, collector| collector.collect_item(event.take_data()))
        .await_final_event(|event, collector| event.map(|_| collector.collected()))
        .await?;
    ensure!(items.len() == 300 && items.iter().all(|(sequence, item)| sequence + 100 == *item));
    Ok(())
}

pub async fn a_collector_works_in_another_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let (summary, squares) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..200u64).into_chunks(5.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let inner = inner.clone();
            async move {
                let n = event.take_data();
                let task = AsyncTask::to::<()>().on(&inner).spawn(move || async move {
                    yield_now().await;
                    collector.collect(n, n * n);
                });
                task.await
            }
        })
        .await_final_event(|event, collector| event.map(|summary| (summary, collector.collected())))
        .await?;
    ensure!(squares.len() == 200 && squares.iter().all(|(n, square)| n * n == *square));
    ensure!(summary.handled() == 200 && summary.duplicates() == 0);
    Ok(())
}

pub async fn a_collector_works_in_blocking_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let kept = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of(0..50u64).into_chunks(5.items()))
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            let n = event.take_data();
            AsyncTask::to::<()>().on(&inner).run_blocking(move || collector.collect(n, n))
        })
        .await_final_event(|event, collector| event.map(|_| collector.collected()))
        .await?;
    ensure!(kept.len() == 50);
    Ok(())
}

pub async fn len_collected_and_partitions_agree<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let pipeline = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(3)
        .sender(|sources| sources.of(0..3_000u64).into_chunks(11.items()))
        .receiver(|event, collector| collector.collect(*event.data() % 1_000, event.sequence()));
    let (len, empty, map) = pipeline
        .clone()
        .await_final_event(|event, collector| {
            event.map(|_| (collector.len(), collector.is_empty(), collector.collected()))
        })
        .await?;
    ensure!((len, empty, map.len()) == (1_000, false, 1_000));
    // The same pipeline, run again.
    let parts =
        pipeline.await_final_event(|event, collector| event.map(|_| collector.into_partitions())).await?;
    ensure!(parts.iter().map(|part| part.len()).sum::<usize>() == 1_000);
    ensure!(parts.iter().all(|part| part.is_empty() == (part.iter().count() == 0)));
    ensure!(parts.iter().flatten().all(|(key, value)| map.get(key) == Some(value)));
    let owners = |key: &u64| parts.iter().filter(|part| part.get(key).is_some()).count();
    ensure!((0..1_000).all(|key| owners(&key) == 1), "each key is in one partition");
    Ok(())
}

pub async fn nothing_collected_is_empty<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (len, empty) = AsyncTask::emits::<u64>()
        .on(&rt)
        .sender(|sources| sources.of([1, 2, 3]).into_chunks(1.items()))
        .receiver(|_: Event<u64>, _: Collector<u64, u64>| {})
        .await_final_event(|event, collector| event.map(|_| (collector.len(), collector.is_empty())))
        .await?;
    ensure!((len, empty) == (0, true));
    Ok(())
}

pub async fn an_error_still_hands_over_the_collected_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (error, kept) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..100u64).into_chunks(1.items()))
        .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
            let n = event.take_data();
            if n == 60 {
                return Err("sixty");
            }
            collector.collect(n, n);
            Ok(())
        })
        .await_final_event(|event, collector| (event.err(), collector.collected()))
        .await;
    ensure!(source_text(&error.context("an error was due")?) == "sixty");
    ensure!((0..60).all(|n| kept.contains_key(&n)), "all before the bad one were handled");
    ensure!(!kept.contains_key(&60));
    Ok(())
}

pub async fn the_macro_and_the_method_give_the_same_result<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let text = "id,name\n1,Ada\n2,Grace\n";
    let pipeline = AsyncTask::emits::<Person>()
        .on(&rt)
        .name("people")
        .with_timeout(60.seconds())
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| {
            sources.of_bytes(text).with_delimiter(Delimiter::Comma).into_chunks(100.rows());
        })
        .receiver(|event, collector| {
            let person = event.take_data();
            collector.collect(person.id, person);
        });
    let short: Result<Collected<u64, Person>, AsyncTaskError> = await_final_event!(
        pipeline.clone(),
        |event, collector| { OK(_summary) => collector.collected(), ERR(e) => Err(e) }
    );
    let long: Result<Collected<u64, Person>, AsyncTaskError> =
        pipeline.await_final_event(|event, collector| event.map(|_| collector.collected())).await;
    let (short, long) = (short?, long?);
    ensure!(short == long && short.len() == 2);
    Ok(())
}

pub async fn collections_of_two_pipelines_do_not_mix<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let run = |from: u64| {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .sender(move |sources| sources.of(from..from + 1_000).into_chunks(3.items()))
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| async move {
                yield_now().await;
                collector.collect(*event.data(), event.sequence());
            })
            .await_final_event(|event, collector| event.map(|_| collector.collected()))
    };
    let (left, right) = futures_lite::future::zip(run(0), run(5_000)).await;
    ensure!(left?.into_iter().all(|(key, sequence)| key == sequence));
    ensure!(right?.into_iter().all(|(key, sequence)| key == sequence + 5_000));
    Ok(())
}

/// A key that cannot be compared.
struct Fragile;

impl std::hash::Hash for Fragile {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u8(0);
    }
}

impl PartialEq for Fragile {
    fn eq(&self, _: &Self) -> bool {
        explode("the key")
    }
}

impl Eq for Fragile {}

pub async fn a_key_that_panics_fails_its_pipeline_alone<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let error = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..100u64).into_chunks(7.items()))
        .receiver(|event, collector| collector.collect(Fragile, event.take_data()))
        .await_final_event(|event, _| event.err())
        .await
        .context("an error was due")?;
    ensure!(error.is_panic() && error.to_string().contains("the key"), "{error:?}");
    ensure!(AsyncTask::to::<bool>().on(&rt).spawn(move || async move { at.is_inside() }).await?);
    Ok(())
}
