//! Pipelines, types: one that a function returns, or that stands among others, runs as it would in place.

use crate::library::pipeline::{Batch, BoxedPipeline};

use crate::kit::prelude::*;

/// The squares of the numbers below `most`.
fn squares<R: Runtime>(rt: &R, most: u64) -> BoxedPipeline<R, u64, u64> {
    AsyncTask::emits::<u64>()
        .on(rt)
        .workers(3)
        .sender(move |sources| sources.of(0..most).into_chunks(7.items()))
        .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
            collector.collect(*event.data(), event.data().pow(2));
        })
        .boxed()
}

pub async fn a_pipeline_returned_by_a_function_is_run_in_place<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for most in [0, 1, 1_000] {
        let (summary, squares) = squares(&rt, most)
            .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
            .await?;
        ensure!((summary.read(), summary.handled()) == (most, most), "{summary:?}");
        ensure!(squares.len() as u64 == most && squares.iter().all(|(n, square)| n * n == *square));
    }
    Ok(())
}

pub async fn a_pipeline_returned_by_a_function_is_spawned<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let mut run = squares(&rt, 1_000)
        .spawn(|event, collection| event.map(|summary| (summary.handled(), collection.collected())));
    let (handled, squares) = (&mut run).await?;
    ensure!((handled, squares.len()) == (1_000, 1_000));
    ensure!(squares.iter().all(|(n, square)| n * n == *square));
    let progress = run.progress();
    ensure!(run.is_complete() && (progress.read, progress.handled) == (1_000, 1_000), "{progress:?}");
    Ok(())
}

pub async fn a_spawned_pipeline_fails_with_its_handlers_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let run = squares(&rt, 3).spawn(|_, collection| match collection.len() {
        3 => Err("three are too many"),
        len => Ok(len),
    });
    ensure!(source_text(&failed(run.await)?) == "three are too many");
    Ok(())
}

pub async fn an_error_still_hands_over_the_collected_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let refusing = || {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .sender(|sources| sources.of(0..100u64).into_chunks(1.items()))
            .receiver(|event: Event<u64>, collector: Collector<u64, u64>| {
                if *event.data() == 60 {
                    return Err("sixty");
                }
                collector.collect(*event.data(), event.sequence());
                Ok(())
            })
            .boxed()
    };
    let in_place =
        refusing().await_final_event(|event, collection| (event.err(), collection.collected())).await;
    let spawned =
        refusing().spawn(|event, collection| Ok::<_, AsyncTaskError>((event.err(), collection.collected())));
    for (error, collected) in [in_place, spawned.await?] {
        ensure!(source_text(&error.context("an error was due")?) == "sixty");
        ensure!((0..60).all(|n| collected.get(&n) == Some(&n)), "all before it were handled");
        ensure!(!collected.contains_key(&60));
    }
    Ok(())
}

pub async fn a_pipeline_that_cannot_start_is_an_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let refused = || {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(0)
            .sender(|sources| sources.of([1]).into_chunks(1.items()))
            .receiver(|_: Event<u64>, _: Collector<u64, u64>| {})
            .boxed()
    };
    let (error, is_empty) =
        refused().await_final_event(|event, collection| (event.err(), collection.is_empty())).await;
    ensure!(matches!(error, Some(AsyncTaskError::InvalidConfig(_))) && is_empty, "{error:?}");
    let error = failed(refused().spawn(|event, _| event).await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    Ok(())
}

/// One of each kind of receiver. All collect a number under its sequence, and are of one type.
fn kinds<R: Runtime>(rt: &R) -> [(&'static str, BoxedPipeline<R, u64, u64>); 4] {
    let numbers = || {
        AsyncTask::emits::<u64>()
            .on(rt)
            .workers(2)
            .sender(|sources| sources.of(0..100u64).into_chunks(3.items()))
    };
    let collect = |event: Event<u64>, collector: Collector<u64, u64>| {
        collector.collect(event.sequence(), event.take_data());
    };
    let later = |event: Event<u64>, collector: Collector<u64, u64>| async move {
        yield_now().await;
        collector.collect(event.sequence(), event.take_data());
    };
    let collect_all = |batch: Batch<u64>, collector: Collector<u64, u64>| {
        for event in batch {
            collector.at(&event).collect(event.sequence(), event.take_data());
        }
    };
    [
        ("synchronous", numbers().receiver(collect).boxed()),
        ("on the blocking pool", numbers().receiver(collect).blocking().boxed()),
        ("asynchronous", numbers().receiver(later).boxed()),
        ("in batches", numbers().batched(7, Duration::MAX).receiver(collect_all).boxed()),
    ]
}

pub async fn pipelines_of_all_kinds_of_receivers_have_one_type<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (kind, pipeline) in kinds(&rt) {
        let collected = pipeline
            .await_final_event(|event, collection| event.map(|_| collection.collected()))
            .await
            .context(kind)?;
        ensure!(collected.len() == 100, "{kind}: {}", collected.len());
        ensure!(collected.iter().all(|(sequence, n)| sequence == n), "{kind}: {collected:?}");
    }
    let runs = kinds(&rt)
        .map(|(kind, pipeline)| (kind, pipeline.spawn(|event, collection| event.map(|_| collection.len()))));
    for (kind, run) in runs {
        ensure!(run.await.context(kind)? == 100, "{kind}");
    }
    Ok(())
}
