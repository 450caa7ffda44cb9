//! Pipelines, receivers: a body that names no error type may use `?`, whose error is that of its row or batch.

use std::num::ParseIntError;

use crate::library::pipeline::{Batch, PipelineSender, Sources};

use crate::kit::prelude::*;

/// The numbers from 0 to 20 as texts; 7 and 17 are no numbers.
fn texts<R: Runtime>(
    rt: &R,
    workers: usize,
) -> PipelineSender<String, R, impl FnOnce(&mut Sources<String>) + Send + use<R>> {
    let text: String =
        (0..20).map(|n| if n % 10 == 7 { "x\n".to_owned() } else { format!("{n}\n") }).collect();
    AsyncTask::emits::<String>()
        .on(rt)
        .workers(workers)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(move |sources: &mut Sources<String>| sources.of_bytes(text).lines().into_chunks(3.lines()))
}

/// Checks that so many rows were rejected, with errors of their own kind at these positions.
fn check(summary: &FinalEvent, rejected: u64, at: &[u64]) -> Outcome {
    let counts = (summary.read(), summary.handled(), summary.rejected());
    ensure!(counts == (20, 20 - rejected, rejected), "{counts:?}");
    ensure!(summary.errors().iter().map(|row| row.sequence()).eq(at.iter().copied()), "{summary:?}");
    for row in summary.errors() {
        ensure!(row.error().downcast_ref::<ParseIntError>().is_some(), "{row:?}");
        ensure!(row.position().line() == Some(row.sequence() + 1), "{row}");
        ensure!(row.reason() == "invalid digit found in string", "{row}");
    }
    Ok(())
}

pub async fn the_error_of_a_question_mark_is_that_of_its_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let synchronous = texts(&rt, 3).try_for_each(|event: Event<String>| {
        event.take_data().parse::<u64>()?;
        Ok(())
    });
    check(&synchronous.await?, 2, &[7, 17])?;
    let asynchronous = texts(&rt, 3).try_for_each(|event: Event<String>| async move {
        yield_now().await;
        event.take_data().parse::<u64>()?;
        Ok(())
    });
    check(&asynchronous.await?, 2, &[7, 17])
}

pub async fn a_row_with_the_error_of_a_question_mark_collects_nothing<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let synchronous = texts(&rt, 3)
        .try_receiver(|event: Event<String>, collector: Collector<u64, usize>| {
            collector.collect(event.sequence(), event.data().len());
            event.data().parse::<u64>()?;
            Ok(())
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    let asynchronous = texts(&rt, 3)
        .try_receiver(|event: Event<String>, collector: Collector<u64, usize>| async move {
            collector.collect(event.sequence(), event.data().len());
            yield_now().await;
            event.data().parse::<u64>()?;
            Ok(())
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    for (summary, collected) in [synchronous, asynchronous] {
        check(&summary, 2, &[7, 17])?;
        let refused = |key: &u64| [7, 17].contains(key);
        ensure!(collected.len() == 18 && !collected.keys().any(refused), "{collected:?}");
    }
    Ok(())
}

pub async fn the_error_of_a_question_mark_is_that_of_its_batch<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Of four batches of five, the second and the last have a text that is no number.
    let batches = || texts(&rt, 1).batched(5, Duration::MAX);
    let synchronous = batches().try_for_each(|batch: Batch<String>| {
        for event in batch {
            event.take_data().parse::<u64>()?;
        }
        Ok(())
    });
    check(&synchronous.await?, 10, &[5, 15])?;
    let asynchronous = batches().try_for_each(|batch: Batch<String>| async move {
        yield_now().await;
        for event in batch {
            event.take_data().parse::<u64>()?;
        }
        Ok(())
    });
    check(&asynchronous.await?, 10, &[5, 15])
}

pub async fn a_batch_with_the_error_of_a_question_mark_collects_nothing<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let batches = || texts(&rt, 1).batched(5, Duration::MAX);
    let synchronous = batches()
        .try_receiver(|batch: Batch<String>, collector: Collector<u64, u64>| {
            for event in batch {
                collector.collect(event.sequence(), event.data().parse()?);
            }
            Ok(())
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    let asynchronous = batches()
        .try_receiver(|batch: Batch<String>, collector: Collector<u64, u64>| async move {
            for event in batch {
                yield_now().await;
                collector.collect(event.sequence(), event.data().parse()?);
            }
            Ok(())
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    for (summary, collected) in [synchronous, asynchronous] {
        check(&summary, 10, &[5, 15])?;
        let mut keys: Vec<u64> = collected.keys().copied().collect();
        keys.sort_unstable();
        ensure!(keys.into_iter().eq((0..5).chain(10..15)), "{collected:?}");
        ensure!(collected.iter().all(|(key, value)| key == value), "{collected:?}");
    }
    Ok(())
}
