//! Queues, positions: every report about a row out of a queue names the source that was published.

use crate::library::pipeline::{Batch, OnDuplicate, Queue, RowError, Sources};

use crate::kit::leases::LeasedQueue;
use crate::kit::prelude::*;
use crate::kit::published::bounded;

/// Publishes texts with these names, of two lines each: the first is the number of the text, the second is 0.
async fn publish<R: Runtime>(rt: &R, queue: &impl Queue, names: &[String]) -> Outcome {
    let texts: Vec<_> = names.iter().cloned().zip((1..).map(|n| format!("{n}\n0\n"))).collect();
    let sender = move |sources: &mut Sources<u64>| {
        for (name, text) in texts {
            sources.of_bytes(text).name(name).lines().into_chunks(2.lines());
        }
    };
    AsyncTask::emits::<u64>().on(rt).workers(1).sender(sender).publish(queue, "texts").await?;
    Ok(())
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("text {n}")).collect()
}

fn texts(errors: &[RowError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

pub async fn a_duplicate_names_the_sources_that_were_published<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for size in [1, 2, 5] {
        let queue = bounded(10);
        publish(&rt, &queue, &names(3)).await?;
        queue.close();
        let summary = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(move |sources| sources.of_queue(&queue).name("texts").lines())
            .batched(size, Duration::MAX)
            .receiver(|batch, collector: Collector<u64, u64>| {
                for event in batch.iter() {
                    collector.at(event).collect(*event.data(), event.sequence());
                }
            })
            .on_duplicate(OnDuplicate::Error)
            .await_final_event(|event, _| event)
            .await?;
        let due = ["text 1", "text 2"].map(|name| {
            format!("{name}, line 2 (byte 2): its key was collected before: text 0, line 2 (byte 2)")
        });
        ensure!(texts(summary.errors()) == due, "{:#?}", texts(summary.errors()));
        ensure!(summary.sources().iter().map(|name| &**name).eq(["texts"]));
    }
    Ok(())
}

pub async fn a_collected_error_names_the_source_that_was_published<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for rule in [OnDuplicate::KeepLast, OnDuplicate::Error] {
        let queue = LeasedQueue::new(&rt);
        publish(&rt, &queue, &names(100)).await?;
        queue.close();
        let inner = rt.clone();
        let collected = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(3)
            .sender(move |sources| sources.of_queue(&queue).lines())
            .receiver(move |event: Event<u64>, collector: Collector<u64, ()>| {
                let inner = inner.clone();
                async move {
                    let n = event.take_data();
                    match n {
                        0 => {}
                        // Also by a task that the receiver waits for.
                        n if n.is_multiple_of(3) => {
                            let note = move || async move { collector.collect_error(n, "three") };
                            AsyncTask::to::<()>().on(&inner).spawn(note).await?;
                        }
                        n => collector.collect_error(n, "other"),
                    }
                    Ok::<_, AsyncTaskError>(())
                }
            })
            .on_duplicate(rule)
            .await_final_event(|event, collection| event.map(|_| collection))
            .await?;
        ensure!(collected.errors().len() == 100);
        for error in collected.errors() {
            let due = format!("text {}", error.key() - 1);
            ensure!(error.row().source_name() == due && error.row().position().source() == 0, "{error}");
        }
    }
    Ok(())
}

pub async fn a_refused_batch_names_the_source_that_was_published<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // More names than are remembered without need.
    let (queue, names) = (LeasedQueue::new(&rt), names(500));
    publish(&rt, &queue, &names).await?;
    queue.close();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| sources.of_queue(&queue).lines())
        .batched(1, Duration::MAX)
        .for_each(|batch: Batch<u64>| match batch.first().map(Event::data) {
            Some(0) => Ok(()),
            n => Err(format!("{n:?}")),
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (500, 500), "{summary:?}");
    for (error, (name, n)) in summary.errors().iter().zip(names.iter().zip(1..)) {
        ensure!(error.to_string() == format!("{name}, line 1 (byte 0): Some({n})"), "{error}");
    }
    Ok(())
}

pub async fn a_batch_of_other_sources_is_named_by_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // The queue is between two other sources.
    let queue = bounded(10);
    publish(&rt, &queue, &names(1)).await?;
    queue.close();
    let summary = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources| {
            sources.of_bytes("7\n8\n").name("before").lines().into_chunks(1.lines());
            sources.of_queue(&queue).lines();
            sources.of_bytes("9\n").name("after").lines().into_chunks(1.lines());
        })
        .batched(2, Duration::MAX)
        .for_each(|_: Batch<u64>| Err::<(), _>("refused"))
        .await?;
    let names: Vec<_> = summary.errors().iter().map(RowError::source_name).collect();
    ensure!(names == ["before", "text 0", "after"], "{names:?}");
    Ok(())
}
