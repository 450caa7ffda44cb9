//! Chaos, pipelines: faults are injected into each attempt at an event, and are the event's own.

use std::sync::{Arc, Mutex, PoisonError};

use crate::library::pipeline::{Batch, Collection, PipelineBuilder, Sources};
use crate::library::{
    CancellableTask as _, Chaos, CircuitBreaker, Limiter, Retry, RetryStrategy, TimeoutKind,
};

use super::chaos_faults::is_injected;
use crate::cases::deadlines::is_due;
use crate::cases::restarts::Calls;
use crate::kit::entropy::ScriptedEntropy;
use crate::kit::prelude::*;
use crate::kit::published::bounded;

const ROWS: u64 = 6;

/// A pipeline of six numbers that goes on after errors, in chunks of two.
fn numbers<R: Runtime>(rt: &R, chaos: Chaos) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(2).on_error(ErrorStrategy::ContinueOnError).chaos(chaos)
}

fn sender(sources: &mut Sources<u64>) {
    sources.of(0..ROWS).into_chunks(2.items());
}

/// Retries without a wait.
fn again(retries: u32) -> ErrorStrategy<u64> {
    ErrorStrategy::retry_with(Retry::new(retries).backoff(RetryStrategy::Immediate))
}

pub async fn an_injected_fault_is_the_error_of_its_event<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let call = || {
        let calls = calls.clone();
        move |_: Event<u64>| {
            calls.next();
        }
    };
    let later = || {
        let calls = calls.clone();
        move |_: Event<u64>| {
            calls.next();
            async {}
        }
    };
    let batch = || {
        let calls = calls.clone();
        move |_: Batch<u64>| {
            calls.next();
        }
    };
    for panics in [false, true] {
        let chaos = if panics { Chaos::new().panic(1.0) } else { Chaos::new().failure(1.0) };
        let rows = || numbers(&rt, chaos.clone()).sender(sender);
        let counted = calls.clone();
        let folded = rows()
            .fold(
                || 0,
                move |sum: &mut u32, _: Event<u64>| *sum += counted.next(),
                |left, right| left + right,
            )
            .await?;
        let summaries = [
            rows().for_each(call()).await?,
            rows().for_each(call()).blocking().await?,
            rows().for_each(later()).await?,
            rows().for_each(later()).spawn().await?,
            numbers(&rt, chaos.clone()).ordered().sender(sender).for_each(call()).await?,
            rows().batched(3, 1.hours()).for_each(batch()).await?,
            folded.1,
        ];
        for (number, summary) in summaries.iter().enumerate() {
            ensure!((summary.handled(), summary.rejected()) == (0, ROWS), "{number}: {summary:?}");
            for row in summary.errors() {
                let error = row.error();
                ensure!(if panics { error.is_panic() } else { is_injected(error) }, "{number}: {error:?}");
            }
        }
        let stops = AsyncTask::emits::<u64>().on(&rt).chaos(chaos.clone()).sender(sender);
        let error = failed(stops.for_each(call()).await)?;
        ensure!(if panics { error.is_panic() } else { is_injected(&error) }, "{error:?}");
    }
    let queue = bounded(8);
    let published = numbers(&rt, Chaos::new().failure(1.0))
        .sender(|sources| sources.of_bytes("1\n2\n").lines().into_chunks(1.lines()))
        .publish(&queue, "numbers");
    let summary = published.await?;
    ensure!(summary.handled() == 0 && queue.unacknowledged() == 0, "{summary:?}");
    ensure!(calls.made() == 0, "a receiver was called");
    Ok(())
}

pub async fn an_injected_failure_is_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for batched in [false, true] {
        let (attempts, noted) = (Calls::default(), Arc::<Mutex<Vec<(u64, u32)>>>::default());
        let begun = attempts.clone();
        // The first two attempts of all fail.
        let chaos = Chaos::new().failure(1.0).enabled_if(move || begun.next() <= 2);
        let rows = numbers(&rt, chaos).workers(1).on_error(again(2)).sender(sender);
        let note = noted.clone();
        let note = move |event: &Event<u64>| {
            note.lock().unwrap_or_else(PoisonError::into_inner).push((*event.data(), event.attempt()));
        };
        let summary = match batched {
            true => {
                rows.batched(3, 1.hours())
                    .for_each(move |rows: Batch<u64>| rows.iter().for_each(&note))
                    .await?
            }
            false => rows.for_each(move |event: Event<u64>| note(&event)).await?,
        };
        ensure!((summary.handled(), summary.rejected()) == (ROWS, 0), "{summary:?}");
        let first = if batched { 3 } else { 1 };
        let due: Vec<_> = (0..ROWS).map(|row| (row, if row < first { 3 } else { 1 })).collect();
        let noted = noted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ensure!(noted == due, "{noted:?}");
    }
    // A panic is not retried, injected or not.
    let attempts = Calls::default();
    let begun = attempts.clone();
    let chaos = Chaos::new().panic(1.0).enabled_if(move || begun.next() > 0);
    let summary = numbers(&rt, chaos).on_error(again(5)).sender(sender).for_each(|_: Event<u64>| {}).await?;
    ensure!(summary.rejected() == ROWS && u64::from(attempts.made()) == ROWS, "{}", attempts.made());
    Ok(())
}

/// Runs six numbers through a stage, of which the first four attempts fail. Returns the summary, the calls of the
/// stage, the attempts, and the sequence and the attempt of each event as the receiver has got them.
async fn retried_stages<R: Runtime>(
    rt: &R,
    settings: fn(PipelineBuilder<u64, R>) -> PipelineBuilder<u64, R>,
    at_once: Option<usize>,
) -> Result<(FinalEvent, [u32; 2], Vec<(u64, u32)>), Failure> {
    let (attempts, stages, noted) =
        (Calls::default(), Calls::default(), Arc::<Mutex<Vec<(u64, u32)>>>::default());
    let (begun, staged, note) = (attempts.clone(), stages.clone(), noted.clone());
    let chaos = Chaos::new().failure(1.0).enabled_if(move || begun.next() <= 4);
    let rows = settings(numbers(rt, chaos).on_error(again(4))).sender(sender);
    let stage = move |number: u64| {
        staged.next();
        number * 10
    };
    let receive = move |event: Event<u64>| {
        let right = *event.data() == event.sequence() * 10;
        note.lock().unwrap_or_else(PoisonError::into_inner).push((event.sequence(), event.attempt()));
        if right { Ok(()) } else { Err("the value of another row") }
    };
    let summary = match at_once {
        None => rows.map(stage).for_each(receive).await?,
        Some(at_once) => {
            let rows = rows.map_async(move |number| std::future::ready(stage(number)));
            rows.concurrent(at_once).for_each(receive).await?
        }
    };
    let noted = noted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((summary, [stages.made(), attempts.made()], noted))
}

pub async fn an_injected_failure_takes_the_place_of_the_stages<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for at_once in [None, Some(1), Some(2)] {
        for ordered in [false, true] {
            let settings = if ordered { PipelineBuilder::ordered } else { std::convert::identity };
            let (summary, calls, mut noted) = retried_stages(&rt, settings, at_once).await?;
            let case = format!("{at_once:?}, {ordered}");
            ensure!((summary.handled(), summary.rejected()) == (ROWS, 0), "{case}: {summary:?}");
            ensure!(calls == [6, 6 + 4], "{case}: {calls:?} calls of the stage, and attempts");
            if !ordered {
                noted.sort_unstable();
            }
            ensure!(noted.iter().map(|(row, _)| *row).eq(0..ROWS), "{case}: {noted:?}");
            ensure!(noted.iter().map(|(_, attempt)| attempt - 1).sum::<u32>() == 4, "{case}: {noted:?}");
        }
    }
    Ok(())
}

pub async fn injected_latency_is_under_the_limit_of_the_event<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let counted = calls.clone();
    let limited = numbers(&rt, Chaos::new().latency(1.0, 1.hours())).name("slow").event_timeout(5.millis());
    let summary = limited
        .workers(1)
        .sender(sender)
        .for_each(move |_: Event<u64>| {
            counted.next();
            async {}
        })
        .await?;
    is_due(&rt, at, begun, 5.millis() * 6)?;
    ensure!(summary.rejected() == ROWS && calls.made() == 0, "{summary:?}");
    for row in summary.errors() {
        let AsyncTaskError::Timeout(error) = row.error() else { bail!("{row:?}") };
        ensure!(error.kind() == TimeoutKind::Event && error.to_string().contains("`slow`"), "{error}");
    }
    // The rest of the limit is that of the call.
    let chaos = Chaos::new().latency(1.0, 5.millis());
    let (clock, begun) = (rt.clone(), rt.now());
    let rows = numbers(&rt, chaos.clone()).workers(1).event_timeout(8.millis());
    let summary = rows
        .sender(|sources| sources.of(0..1u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let clock = clock.clone();
            async move { clock.sleep(1.hours()).await }
        })
        .await?;
    ensure!(summary.rejected() == 1, "{summary:?}");
    is_due(&rt, at, begun, 8.millis())?;
    // Without a limit it passes, also before a synchronous receiver.
    let begun = rt.now();
    let rows = numbers(&rt, chaos).workers(1).sender(sender).for_each(|_: Event<u64>| {});
    ensure!(rows.await?.handled() == ROWS);
    is_due(&rt, at, begun, 5.millis() * 6)
}

pub async fn faults_are_drawn_for_each_attempt_from_the_runtime<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // Zero is below every rate, and the greatest number is above all but the rate of one.
    let numbers_drawn = [0, u64::MAX, u64::MAX, 0, 0, u64::MAX];
    for asynchronous in [false, true] {
        let scripted = ScriptedEntropy::new(&rt, &numbers_drawn);
        let rows = numbers(&scripted, Chaos::new().failure(0.5)).sequence().sender(sender);
        let collect = |event: Event<u64>, collector: &Collector<u64, u64>| {
            collector.collect(event.sequence(), *event.data());
        };
        let end = |event: Result<FinalEvent, AsyncTaskError>, kept: Collection<u64, u64>| {
            event.map(|summary| {
                let mut keys: Vec<u64> = kept.collected().into_keys().collect();
                keys.sort_unstable();
                (summary.rejected(), keys)
            })
        };
        let ended = match asynchronous {
            true => {
                let receiver = move |event: Event<u64>, collector: Collector<u64, u64>| async move {
                    collect(event, &collector);
                };
                rows.receiver(receiver).await_final_event(end).await?
            }
            false => {
                let receiver =
                    move |event: Event<u64>, collector: Collector<u64, u64>| collect(event, &collector);
                rows.receiver(receiver).await_final_event(end).await?
            }
        };
        ensure!(ended == (3, vec![1, 2, 5]), "only what was handled is collected: {ended:?}");
        ensure!(scripted.drawn() == 6, "{} numbers were drawn", scripted.drawn());
    }
    // A retry draws anew; rates of zero draw nothing.
    let scripted =
        ScriptedEntropy::new(&rt, &[0, 0, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX]);
    let rows = numbers(&scripted, Chaos::new().failure(0.5).panic(0.0)).on_error(again(2)).sequence();
    let summary = rows.sender(sender).for_each(|_: Event<u64>| {}).await?;
    ensure!(summary.handled() == ROWS && scripted.drawn() >= 8, "{summary:?}, {} drawn", scripted.drawn());
    let scripted = ScriptedEntropy::new(&rt, &[]);
    let rows = numbers(&scripted, Chaos::new()).sender(sender).for_each(|_: Event<u64>| {}).await?;
    ensure!(rows.handled() == ROWS && scripted.drawn() == 0);
    Ok(())
}

pub async fn a_kill_in_injected_latency_ends_it_before_the_call<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (begun, calls) = (Latch::new(), Calls::default());
    let (begin, counted) = (begun.clone(), calls.clone());
    let chaos = Chaos::new().latency(1.0, Duration::MAX).enabled_if(move || {
        begin.set();
        true
    });
    let count = move |_: Event<u64>| {
        counted.next();
    };
    let task = numbers(&rt, chaos).sender(sender).for_each(count).spawn();
    begun.wait().await;
    task.cancel(CancelLevel::Kill).await;
    ensure!(failed(task.await)?.is_cancelled() && calls.made() == 0);
    Ok(())
}

pub async fn a_pulled_pipeline_refuses_policies_around_calls<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let rows = || AsyncTask::emits::<u64>().on(&rt);
    let breaker = CircuitBreaker::builder().build()?;
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    for (rows, setting) in [
        (rows().chaos(Chaos::new().failure(0.5)), "`chaos`"),
        (rows().event_circuit_breaker(&breaker), "`event_circuit_breaker`"),
        (rows().event_limiter(&limiter), "`event_limiter`"),
    ] {
        let mut pulled = rows.sender(sender).pull();
        let error = failed(pulled.next_event().await.context("it is the only item")?)?;
        let AsyncTaskError::InvalidConfig(text) = &error else { bail!("{error:?}") };
        ensure!(text.contains(setting) && text.contains("pulled"), "{text}");
    }
    Ok(())
}
