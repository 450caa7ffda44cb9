//! Pipelines, stages: their errors, panics, retries and time limits are those of their row.

use std::num::ParseIntError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::PipelineBuilder;
use crate::library::{Retry, RetryStrategy, TimeoutKind};

use crate::kit::explode;
use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(2).on_error(ErrorStrategy::ContinueOnError)
}

fn immediately(retries: u32) -> ErrorStrategy<u64> {
    ErrorStrategy::retry_with(Retry::new(retries).backoff(RetryStrategy::Immediate))
}

pub async fn the_error_of_a_stage_is_that_of_its_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let texts = || {
        AsyncTask::emits::<String>()
            .on(&rt)
            .workers(2)
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(|sources| sources.of_bytes("0\nx\n2\ny\n4\n").lines().into_chunks(2.lines()))
    };
    let synchronous = texts().try_map(|text| text.parse::<u64>()).for_each(|_: Event<u64>| {});
    let asynchronous =
        texts().try_map_async(|text| async move { text.parse::<u64>() }).for_each(|_: Event<u64>| {});
    for summary in [synchronous.await?, asynchronous.await?] {
        ensure!((summary.handled(), summary.rejected()) == (3, 2), "{summary:?}");
        for (row, line) in summary.errors().iter().zip([2, 4]) {
            ensure!(row.position().line() == Some(line), "{row}");
            ensure!(row.error().downcast_ref::<ParseIntError>().is_some(), "{row:?}");
        }
    }
    Ok(())
}

pub async fn the_first_error_of_a_stage_in_source_order_ends_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ordered in [false, true] {
        let builder = AsyncTask::emits::<u64>().on(&rt).workers(3);
        let builder = if ordered { builder.ordered() } else { builder };
        let run = builder
            .sender(|sources| sources.of(0..1_000).into_chunks(3.items()))
            .try_map(|n| if n % 100 == 77 { Err(format!("refused {n}")) } else { Ok(n) })
            .for_each(|_: Event<u64>| {});
        let error = failed(run.await)?;
        ensure!(source_text(&error) == "refused 77", "{error:?}");
    }
    Ok(())
}

pub async fn the_panic_of_a_stage_is_the_error_of_its_row<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = || numbers(&rt).sender(|sources| sources.of(0..20).into_chunks(3.items()));
    let stage = |n: u64| if n == 13 { explode("unlucky") } else { n };
    let synchronous = numbers().map(stage).for_each(|_: Event<u64>| {}).await?;
    let asynchronous =
        numbers().map_async(move |n| async move { stage(n) }).for_each(|_: Event<u64>| {}).await?;
    let closure =
        numbers().map_async(move |n| std::future::ready(stage(n))).for_each(|_: Event<u64>| async {}).await?;
    let iterator = numbers().flat_map(move |n| (n..=n).map(stage)).for_each(|_: Event<u64>| {}).await?;
    for summary in [synchronous, asynchronous, closure, iterator] {
        ensure!((summary.handled(), summary.rejected()) == (19, 1), "{summary:?}");
        let Some(row) = summary.errors().first() else { bail!("{summary:?}") };
        ensure!(row.sequence() == 13 && row.error().is_panic(), "{row:?}");
    }
    Ok(())
}

pub async fn a_row_that_fails_at_one_of_its_values_collects_nothing<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let values = || {
        numbers(&rt)
            .sender(|sources| sources.of(0..30u64).into_chunks(4.items()))
            .flat_map(|n| [n * 10, n * 10 + 1, n * 10 + 2])
    };
    let refuses = |value: u64| value % 100 == 52;
    let synchronous = values()
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| {
            collector.collect(*event.data(), event.sequence());
            if refuses(*event.data()) { Err("refused") } else { Ok(()) }
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    let asynchronous = values()
        .receiver(move |event: Event<u64>, collector: Collector<u64, u64>| async move {
            collector.collect(*event.data(), event.sequence());
            yield_now().await;
            if refuses(*event.data()) { Err("refused") } else { Ok(()) }
        })
        .await_final_event(|event, collection| event.map(|summary| (summary, collection.collected())))
        .await?;
    for (summary, collected) in [synchronous, asynchronous] {
        ensure!((summary.handled(), summary.rejected()) == (27, 3), "{summary:?}");
        ensure!(collected.len() == 81, "{collected:?}");
        ensure!(collected.iter().all(|(value, row)| value / 10 == *row && row % 10 != 5), "{collected:?}");
    }
    Ok(())
}

/// Runs numbers of which each third fails in the stage, and each third in the receiver, at their first two
/// attempts. Returns the summary, the calls of the stage and the collected values.
async fn retried<R: Runtime>(
    rt: &R,
    ordered: bool,
    is_async: bool,
) -> Result<(FinalEvent, u64, Vec<(u64, u64)>), Failure> {
    let calls: Arc<Vec<AtomicU64>> = Arc::new((0..30).map(|_| AtomicU64::new(0)).collect());
    let counting = calls.clone();
    let stage = move |n: u64| {
        let call = counting.get(n as usize).map_or(0, |calls| calls.fetch_add(1, Ordering::SeqCst));
        if n % 3 == 1 && call < 2 { Err("not yet") } else { Ok((n, call)) }
    };
    let receive = |event: Event<(u64, u64)>, collector: Collector<u64, u64>| {
        let (n, call) = event.take_data();
        collector.collect(n, call);
        if n % 3 == 2 && call < 2 { Err("not yet") } else { Ok(()) }
    };
    let builder = numbers(rt).on_error(immediately(2));
    let builder = if ordered { builder.ordered() } else { builder };
    let sender = builder.sender(|sources| sources.of(0..30).into_chunks(4.items()));
    let run = match is_async {
        false => {
            let run = sender.try_map(stage).receiver(receive);
            run.await_final_event(|event, collection| event.map(|event| (event, collection.collected())))
                .await
        }
        true => {
            let run = sender.try_map_async(move |n| std::future::ready(stage(n))).receiver(receive);
            run.await_final_event(|event, collection| event.map(|event| (event, collection.collected())))
                .await
        }
    };
    let (summary, collected) = run?;
    let mut collected: Vec<_> = collected.into_iter().collect();
    collected.sort_unstable();
    Ok((summary, calls.iter().map(|calls| calls.load(Ordering::SeqCst)).sum(), collected))
}

pub async fn a_retried_event_runs_its_stages_again<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (ordered, is_async) in [(false, false), (false, true), (true, false), (true, true)] {
        let (summary, calls, collected) = retried(&rt, ordered, is_async).await?;
        ensure!((summary.handled(), summary.rejected()) == (30, 0), "{summary:?}");
        ensure!(calls == 10 + 10 * 3 + 10 * 3, "{calls} calls of the stage");
        let last_call = |n: u64| if n.is_multiple_of(3) { 0 } else { 2 };
        ensure!(collected.into_iter().eq((0..30).map(|n| (n, last_call(n)))));
    }
    Ok(())
}

pub async fn a_stage_that_takes_too_long_is_stopped<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ordered in [false, true] {
        let alive = Census::default();
        let residents = alive.clone();
        let builder = numbers(&rt).event_timeout(10.millis());
        let builder = if ordered { builder.ordered() } else { builder };
        let summary = builder
            .sender(|sources| sources.of(0..20).into_chunks(3.items()))
            .map_async(move |n| {
                let resident = residents.enter();
                async move {
                    let _resident = resident;
                    if n % 10 == 4 {
                        pending::<()>().await;
                    }
                    n
                }
            })
            .for_each(|_: Event<u64>| {})
            .await?;
        ensure!((summary.handled(), summary.rejected()) == (18, 2) && alive.alive() == 0, "{summary:?}");
        for (row, n) in summary.errors().iter().zip([4, 14]) {
            let AsyncTaskError::Timeout(error) = row.error() else { bail!("{row:?}") };
            ensure!(row.sequence() == n && error.kind() == TimeoutKind::Event, "{row:?}");
        }
    }
    Ok(())
}

pub async fn a_limit_of_synchronous_stages_is_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let sender =
        numbers(&rt).event_timeout(1.seconds()).sender(|sources| sources.of([1]).into_chunks(1.items()));
    let error = failed(sender.map(|n| n + 1).for_each(|_: Event<u64>| {}).await)?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    Ok(())
}

pub async fn a_killed_pipeline_drops_the_stage_that_is_awaited<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for ordered in [false, true] {
        let (alive, started) = (Census::default(), Latch::new());
        let (residents, start) = (alive.clone(), started.clone());
        let builder = if ordered { numbers(&rt).ordered() } else { numbers(&rt) };
        let task = builder
            .sender(|sources| sources.of(0..20).into_chunks(3.items()))
            .map_async(move |_| {
                let (resident, start) = (residents.enter(), start.clone());
                async move {
                    start.set();
                    pending::<()>().await;
                    drop(resident);
                }
            })
            .for_each(|_: Event<()>| {})
            .spawn();
        started.wait().await;
        crate::library::CancellableTask::cancel(&task, CancelLevel::Kill).await;
        ensure!(alive.ever() > 0 && alive.alive() == 0);
    }
    Ok(())
}
