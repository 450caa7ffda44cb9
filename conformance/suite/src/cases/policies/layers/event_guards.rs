//! Promise 3, composition: a breaker and a limiter are around each attempt at an event of a pipeline, as around
//! that of a task.

use crate::library::pipeline::{PipelineBuilder, Sources};
use crate::library::{CancellableTask as _, Chaos, CircuitBreaker, Limiter, Retry, RetryStrategy};

use crate::cases::limiters::{check_all_free, fill, until_waiting, with_permits};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

const ROWS: u64 = 10;

/// A pipeline of ten numbers that goes on after errors.
fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(4).on_error(ErrorStrategy::ContinueOnError)
}

fn sender(sources: &mut Sources<u64>) {
    sources.of(0..ROWS).into_chunks(1.items());
}

/// Retries without a wait.
fn again(retries: u32) -> Retry {
    Retry::new(retries).backoff(RetryStrategy::Immediate)
}

pub async fn an_open_breaker_refuses_events_which_are_not_called<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (breaker, calls) = (CircuitBreaker::builder().name("store").build()?, Calls::default());
    breaker.isolate();
    let rows = || numbers(&rt).on_error(ErrorStrategy::retry_with(again(5))).event_circuit_breaker(&breaker);
    let call = || {
        let calls = calls.clone();
        move |_: Event<u64>| {
            calls.next();
        }
    };
    let counted = calls.clone();
    let stage = || {
        let calls = calls.clone();
        move |_: &u64| {
            calls.next();
        }
    };
    let staged = move || {
        counted.next();
    };
    for summary in [
        rows().sender(sender).for_each(call()).await?,
        rows().sender(sender).for_each(call()).blocking().await?,
        rows().sender(sender).inspect(stage()).for_each(call()).await?,
        rows().sender(sender).inspect_async(move |_| std::future::ready(staged())).for_each(call()).await?,
        rows().sequence().sender(sender).for_each(call()).spawn().await?,
    ] {
        ensure!((summary.handled(), summary.rejected()) == (0, ROWS), "{summary:?}");
        for row in summary.errors() {
            ensure!(row.error().is_circuit_open() && row.error().to_string().contains("`store`"), "{row:?}");
        }
    }
    let stops = AsyncTask::emits::<u64>().on(&rt).event_circuit_breaker(&breaker).sender(sender);
    ensure!(failed(stops.for_each(call()).await)?.is_circuit_open());
    ensure!(calls.made() == 0, "a receiver was called");
    breaker.close();
    ensure!(rows().sender(sender).for_each(call()).await?.handled() == ROWS);
    Ok(())
}

pub async fn failed_attempts_at_events_open_the_breaker<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let three = || CircuitBreaker::builder().failure_threshold(3).open_timeout(1.hours()).build();
    let calls = Calls::default();
    let fail = || {
        let calls = calls.clone();
        move |_: Event<u64>| Err::<(), _>(Broken(calls.next()))
    };
    let hang = || {
        let calls = calls.clone();
        move |_: Event<u64>| {
            calls.next();
            pending::<()>()
        }
    };
    for case in 0..4 {
        let before = calls.made();
        let rows = numbers(&rt).event_circuit_breaker(&three()?).sequence();
        let summary = match case {
            0 => rows.sender(sender).for_each(fail()).await?,
            1 => rows.on_error(ErrorStrategy::retry_with(again(1))).sender(sender).for_each(fail()).await?,
            2 => rows.event_timeout(1.millis()).sender(sender).for_each(hang()).await?,
            _ => rows.chaos(Chaos::new().failure(1.0)).sender(sender).for_each(fail()).await?,
        };
        let opened = summary.errors().iter().filter(|row| row.error().is_circuit_open()).count();
        // With one retry, the second row has one attempt and then none.
        let refused = if case == 1 { ROWS - 1 } else { ROWS - 3 };
        ensure!(summary.rejected() == ROWS && opened as u64 == refused, "{case}: {summary:?}");
        let made = calls.made() - before;
        ensure!(made == if case == 3 { 0 } else { 3 }, "{case}: {made} calls");
    }
    Ok(())
}

pub async fn calls_never_exceed_the_permits_that_others_share<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for blocking in [false, true] {
        let (limiter, alive) = (with_permits(3)?, Census::default());
        let held = fill(&rt, &limiter, 1).await?;
        let (below, line) = (alive.clone(), limiter.clone());
        let rows = numbers(&rt).event_limiter(&limiter).sender(sender);
        let summary = match blocking {
            true => {
                let receiver = move |_: Event<u64>| {
                    let _resident = below.enter();
                    if line.under_way() <= 3 { Ok(()) } else { Err("too many") }
                };
                rows.for_each(receiver).blocking().await?
            }
            false => {
                let receiver = move |_: Event<u64>| {
                    let resident = below.enter();
                    async move {
                        yield_now().await;
                        drop(resident);
                    }
                };
                rows.for_each(receiver).await?
            }
        };
        ensure!(summary.handled() == ROWS && alive.most() <= 2, "{} at a time", alive.most());
        held.release().await?;
        check_all_free(&rt, &limiter, 3).await?;
    }
    Ok(())
}

pub async fn no_permit_is_held_between_two_attempts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, waits) = (with_permits(1)?, Calls::default());
    let (line, counted) = (limiter.clone(), waits.clone());
    let retry = again(1).on_retry(move |_| {
        if line.under_way() == 0 {
            counted.next();
        }
    });
    let rows = numbers(&rt).sequence().on_error(ErrorStrategy::retry_with(retry)).event_limiter(&limiter);
    let summary = rows.sender(sender).for_each(|_: Event<u64>| Err::<(), _>(Broken(1))).await?;
    ensure!(summary.rejected() == ROWS && u64::from(waits.made()) == ROWS, "{}", waits.made());
    check_all_free(&rt, &limiter, 1).await
}

pub async fn the_wait_for_a_permit_is_not_under_the_limit_of_the_event<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let limiter = with_permits(1)?;
    let held = fill(&rt, &limiter, 1).await?;
    let rows = numbers(&rt).workers(2).event_timeout(1.nanos()).event_limiter(&limiter);
    let task = rows.sender(sender).for_each(|_: Event<u64>| async {}).spawn();
    until_waiting(&limiter, 2).await;
    rt.sleep(5.millis()).await?;
    held.release().await?;
    // A call that is ready in its first poll is in time.
    ensure!(task.await?.handled() == ROWS);
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_refusal_of_the_limiter_is_the_error_of_the_event<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, calls) = (Limiter::builder().max_concurrent(1).max_waiting(0).build()?, Calls::default());
    let held = fill(&rt, &limiter, 1).await?;
    let counted = calls.clone();
    let rows = numbers(&rt).on_error(ErrorStrategy::retry_with(again(5))).event_limiter(&limiter);
    let count = move |_: Event<u64>| {
        counted.next();
    };
    let summary = rows.sender(sender).for_each(count).await?;
    ensure!(summary.rejected() == ROWS && calls.made() == 0, "{summary:?}");
    ensure!(summary.errors().iter().all(|row| row.error().is_rejected()), "{summary:?}");
    held.release().await?;
    ensure!((limiter.under_way(), limiter.waiting()) == (0, 0), "{limiter:?}");
    Ok(())
}

pub async fn an_event_that_is_not_wanted_any_more_waits_no_longer<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (limiter, calls) = (with_permits(1)?, Calls::default());
    let (held, counted) = (fill(&rt, &limiter, 1).await?, calls.clone());
    // The first call of the two fails.
    let mut task = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .event_limiter(&limiter)
        .sender(|sources| sources.of(0..2u64).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| match counted.next() {
            1 => Err(Broken(u32::try_from(*event.data()).unwrap_or_default())),
            _ => Ok(()),
        })
        .spawn();
    until_waiting(&limiter, 2).await;
    held.release().await?;
    let error = failed((&mut task).await)?;
    let (row, progress) = (error.downcast_ref::<Broken>().context("its own error")?, task.progress());
    ensure!((progress.read, progress.rejected) == (2, 1), "{progress:?}");
    // The row before the one that has failed is still wanted; where threads run in parallel, the one after it
    // may have been called by then.
    let handled = if *row == Broken(1) { 1 } else { 0 };
    ensure!(progress.handled >= handled && (!at.virtual_time || progress.handled == handled), "{progress:?}");
    ensure!(progress.handled + progress.dropped == 1, "{progress:?}");
    ensure!(u64::from(calls.made()) == 1 + progress.handled, "{} calls", calls.made());
    check_all_free(&rt, &limiter, 1).await
}

pub async fn a_killed_pipeline_loses_no_permit<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = with_permits(2)?;
    for held_outside in [2, 0] {
        let held = fill(&rt, &limiter, held_outside).await?;
        let begun = Latch::new();
        let begin = begun.clone();
        let task = numbers(&rt)
            .event_limiter(&limiter)
            .sender(sender)
            .for_each(move |_: Event<u64>| {
                begin.set();
                pending::<()>()
            })
            .spawn();
        until_waiting(&limiter, if held_outside == 2 { 4 } else { 2 }).await;
        if held_outside == 0 {
            begun.wait().await;
        }
        task.cancel(CancelLevel::Kill).await;
        ensure!(failed(task.await)?.is_cancelled());
        held.release().await?;
        check_all_free(&rt, &limiter, 2).await?;
    }
    Ok(())
}
