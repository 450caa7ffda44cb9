//! Pipelines, collector: values of one row keep their order, and collecting waits for no other worker.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::library::pipeline::{Collected, OnDuplicate};

use crate::kit::prelude::*;

pub async fn values_of_one_row_keep_their_order_whichever_row_comes_first<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    const ROWS: u64 = 700;
    // The first row collects after all others, whose entries were handed over long before.
    let (handled, last) = (Arc::new(AtomicUsize::new(0)), Latch::new());
    let merged = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..ROWS).into_chunks(1.items()))
        .receiver(move |event: Event<u64>, collector: Collector<(), String>| {
            let (handled, last) = (handled.clone(), last.clone());
            async move {
                let n = event.take_data();
                if n == 0 {
                    last.wait().await;
                }
                ["a", "b", "c"].into_iter().for_each(|part| collector.collect((), format!("{n}{part} ")));
                if handled.fetch_add(1, Ordering::SeqCst) + 2 == ROWS as usize {
                    last.set();
                }
            }
        })
        .on_duplicate(OnDuplicate::merge(|a, b: String| a + &b))
        .await_final_event(|event, collection| event.map(|_| collection.collected()))
        .await?;
    let due: String = (0..ROWS).map(|n| format!("{n}a {n}b {n}c ")).collect();
    ensure!(merged.get(&()) == Some(&due), "{merged:?}");
    Ok(())
}

/// One row collects 1 and 3 itself, and 2 and 4 in a task that it awaits, under each of two keys.
async fn alternately<R: Runtime>(
    rt: &R,
    blocking: bool,
    rule: OnDuplicate<u64>,
) -> Result<Collected<&'static str, u64>, AsyncTaskError> {
    let inner = rt.clone();
    AsyncTask::emits::<u64>()
        .on(rt)
        .sender(|sources| sources.of([0]).into_chunks(1.items()))
        .receiver(move |_: Event<u64>, collector: Collector<&'static str, u64>| {
            let (inner, collector) = (inner.clone(), Arc::new(collector));
            async move {
                for n in [1, 3] {
                    collector.collect("here first", n);
                    let theirs = collector.clone();
                    let collect = move || {
                        theirs.collect("here first", n + 1);
                        theirs.collect("there first", n);
                    };
                    let task = AsyncTask::to::<()>().on(&inner);
                    if blocking {
                        task.run_blocking(collect).await?;
                    } else {
                        task.spawn(move || async move { collect() }).await?;
                    }
                    collector.collect("there first", n + 1);
                }
                Ok::<_, AsyncTaskError>(())
            }
        })
        .on_duplicate(rule)
        .await_final_event(|event, collection| event.map(|_| collection.collected()))
        .await
}

pub async fn entries_of_a_spawned_task_are_ordered_where_the_row_awaits_it<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for blocking in [false, true] {
        for (rule, due) in [
            (OnDuplicate::KeepLast, 4),
            (OnDuplicate::KeepFirst, 1),
            (OnDuplicate::Error, 4),
            (OnDuplicate::merge(|a, b| a * 10 + b), 1234),
        ] {
            let name = format!("{rule:?}");
            let kept = alternately(&rt, blocking, rule).await?;
            ensure!(kept == HashMap::from([("here first", due), ("there first", due)]), "{name}: {kept:?}");
        }
    }
    Ok(())
}

pub async fn the_values_of_rejected_duplicates_are_not_kept<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let values = Census::default();
    let entering = values.clone();
    let (summary, kept) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(0..10_000u64).into_chunks(10.items()))
        .receiver(move |event, collector| collector.collect(event.take_data() % 2, entering.enter()))
        .on_duplicate(OnDuplicate::Error)
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (2, 9_998), "{summary:?}");
    ensure!(values.most() < 5_000, "{} values were alive at the same time", values.most());
    ensure!(kept.len() == 2 && values.alive() == 2);
    Ok(())
}

/// A key that collects another one when it is compared for the first time.
struct Nested(Option<(Arc<Collector<Nested, u64>>, AtomicBool)>);

impl Hash for Nested {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(0);
    }
}

impl PartialEq for Nested {
    fn eq(&self, other: &Self) -> bool {
        for (collector, compared) in [&self.0, &other.0].into_iter().flatten() {
            if !compared.swap(true, Ordering::SeqCst) {
                collector.collect(Nested(None), 1);
            }
        }
        true
    }
}

impl Eq for Nested {}

pub async fn a_key_may_collect_while_it_is_compared<R: Runtime>(rt: R, _: Facts) -> Outcome {
    const ROWS: u64 = 2_000;
    let sum = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..ROWS).into_chunks(100.items()))
        .receiver(|_: Event<u64>, collector: Collector<Nested, u64>| {
            let collector = Arc::new(collector);
            let key = Nested(Some((collector.clone(), AtomicBool::new(false))));
            collector.collect(key, 1);
        })
        .on_duplicate(OnDuplicate::merge_unordered(|a, b| a + b))
        .await_final_event(|event, collection| event.map(|_| collection.into_partitions()))
        .await?;
    let sums: Vec<u64> = sum.into_iter().flatten().map(|(_, sum)| sum).collect();
    // Entries that are made in a comparison before the pipeline's end count too.
    ensure!(matches!(sums.as_slice(), [sum] if (ROWS..=2 * ROWS).contains(sum)), "{sums:?}");
    Ok(())
}

pub async fn collecting_waits_for_no_merge_of_another_worker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The first merge goes on only once another worker has collected under the same key, in its receiver and
    // from a thread that is no worker.
    let (merging, collected) = (Latch::new(), Latch::new());
    let (entered, go_on, ahead) = (merging.clone(), collected.clone(), AtomicBool::new(true));
    let kept = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..4).into_chunks(2.items()))
        .receiver(move |event: Event<u64>, collector: Collector<&'static str, u64>| {
            let n = event.take_data();
            if n == 2 {
                merging.wait_blocking();
            }
            // The entries are merged with the next event of the same chunk.
            (0..1_000).for_each(|_| collector.collect("key", 1));
            if n == 3 {
                std::thread::scope(|scope| drop(scope.spawn(|| collector.collect("key", 1))));
                collected.set();
            }
        })
        .on_duplicate(OnDuplicate::merge_unordered(move |a, b| {
            if ahead.swap(false, Ordering::SeqCst) {
                entered.set();
                go_on.wait_blocking();
            }
            a + b
        }))
        .blocking()
        .await_final_event(|event, collection| event.map(|_| collection.collected()))
        .await?;
    ensure!(kept == HashMap::from([("key", 4_001)]), "{kept:?}");
    Ok(())
}
