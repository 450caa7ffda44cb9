//! Pipelines, ends: `fold` and `for_each` hold no rows.

use std::sync::atomic::Ordering;

use crate::kit::count;
use crate::kit::prelude::*;

pub async fn a_fold_gives_the_sum_whatever_the_workers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for workers in 1..=4 {
        for chunk in [1, 7, 100] {
            let (sum, summary) = AsyncTask::emits::<u64>()
                .on(&rt)
                .workers(workers)
                .sender(move |sources| sources.of(0..1_000u64).into_chunks(chunk.items()))
                .fold(|| 0u64, |sum, event| *sum += event.take_data(), |a, b| a + b)
                .await?;
            ensure!((sum, summary.handled()) == (499_500, 1_000), "{workers} workers, chunk {chunk}");
        }
    }
    Ok(())
}

pub async fn a_fold_of_no_events_gives_its_initial_value<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (start, summary) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(1)
        .sender(|sources| sources.of(std::iter::empty::<u64>()).into_chunks(1.items()))
        .fold(|| 7u64, |sum, event| *sum += event.take_data(), |a, b| a + b)
        .await?;
    ensure!((start, summary.read()) == (7, 0));
    Ok(())
}

pub async fn a_fold_may_refuse_an_event<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (sum, summary) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(0..100u64).into_chunks(3.items()))
        .fold(
            || 0u64,
            |sum: &mut u64, event: Event<u64>| {
                let n = event.take_data();
                if n.is_multiple_of(10) {
                    return Err("a round number");
                }
                *sum += 1;
                Ok(())
            },
            |a, b| a + b,
        )
        .await?;
    ensure!((sum, summary.handled(), summary.rejected()) == (90, 90, 10));
    Ok(())
}

pub async fn for_each_takes_synchronous_and_asynchronous_receivers<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = || {
        AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .sender(|sources| sources.of(0..500u64).into_chunks(7.items()))
    };
    let sum = count();
    let add = sum.clone();
    builder()
        .for_each(move |event: Event<u64>| {
            add.fetch_add(*event.data(), Ordering::SeqCst);
        })
        .await?;
    let add = sum.clone();
    builder()
        .for_each(move |event: Event<u64>| {
            add.fetch_add(*event.data(), Ordering::SeqCst);
            Ok::<(), std::io::Error>(())
        })
        .await?;
    let add = sum.clone();
    builder()
        .for_each(move |event: Event<u64>| {
            let add = add.clone();
            async move {
                yield_now().await;
                add.fetch_add(event.take_data(), Ordering::SeqCst);
            }
        })
        .await?;
    let add = sum.clone();
    let summary = builder()
        .for_each(move |event: Event<u64>| {
            let add = add.clone();
            async move {
                yield_now().await;
                add.fetch_add(event.take_data(), Ordering::SeqCst);
                Ok::<(), std::io::Error>(())
            }
        })
        .await?;
    ensure!(sum.load(Ordering::SeqCst) == 4 * 124_750);
    ensure!(summary.handled() == 500);
    Ok(())
}

pub async fn a_pipeline_runs_inside_a_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let task = AsyncTask::to::<u64>().on(&rt).try_spawn(|| async {
        let (sum, _) = AsyncTask::emits::<u64>()
            .sender(|sources| sources.of(0..1_000u64).into_chunks(10.items()))
            .fold(|| 0u64, |sum, event| *sum += event.take_data(), |a, b| a + b)
            .await?;
        Ok(sum)
    });
    ensure!(task.await? == 499_500);
    Ok(())
}

pub async fn pipelines_nest<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let inner = rt.clone();
    let sum = count();
    let add = sum.clone();
    AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .sender(|sources| sources.of(0..20u64).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            let (inner, add) = (inner.clone(), add.clone());
            async move {
                let to = event.take_data();
                let (n, _) = AsyncTask::emits::<u64>()
                    .on(&inner)
                    .sender(move |sources| sources.of(0..to).into_chunks(2.items()))
                    .fold(|| 0u64, |n, _| *n += 1, |a, b| a + b)
                    .await?;
                add.fetch_add(n, Ordering::SeqCst);
                Ok::<(), AsyncTaskError>(())
            }
        })
        .await?;
    ensure!(sum.load(Ordering::SeqCst) == 190);
    Ok(())
}
