//! Pipelines, receiver strategies: the number of events handled at once, and the time limit of one event.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::pipeline::ReceiverStrategy::{Adaptive, Parallel, Serial};
use crate::library::pipeline::{PipelineBuilder, RowError};
use crate::library::{Retry, RetryStrategy, TimeoutKind};

use crate::kit::prelude::*;

fn numbers<R: Runtime>(rt: &R) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt)
}

pub async fn in_sequence_events_are_handled_one_after_the_other<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for builder in [numbers(&rt).sequence(), numbers(&rt).receiver_strategy(Serial)] {
        let (alive, order) = (Census::default(), Arc::new(Mutex::new(Vec::new())));
        let (residents, seen) = (alive.clone(), order.clone());
        let summary = builder
            .sender(|sources| {
                sources.of(0..50u64).into_chunks(3.items());
                sources.of(50..100u64).into_chunks(7.items());
            })
            .for_each(move |event: Event<u64>| {
                let (resident, seen) = (residents.enter(), seen.clone());
                async move {
                    yield_now().await;
                    if let Ok(mut seen) = seen.lock() {
                        seen.push(event.take_data());
                    }
                    drop(resident);
                }
            })
            .await?;
        ensure!(summary.handled() == 100 && alive.most() == 1);
        let order = order.lock().map_err(|_| Failure::msg("poisoned"))?;
        ensure!(*order == (0..100).collect::<Vec<_>>(), "{order:?}");
    }
    Ok(())
}

pub async fn invalid_numbers_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let build = || numbers(&rt);
    let strategies = [
        Parallel { workers: 0 },
        Adaptive { min: 0, max: 2 },
        Adaptive { min: 3, max: 2 },
        Adaptive { min: 1, max: usize::MAX },
    ];
    let mut builders: Vec<_> = strategies.map(|strategy| build().receiver_strategy(strategy)).into();
    builders.push(build().fail_after(0));
    for builder in builders {
        let run = builder.sender(|sources| sources.of(0..1u64).into_chunks(1.items()));
        let error = failed(run.for_each(|_: Event<u64>| {}).await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    for (size, delay) in [(0, 1.seconds()), (1, Duration::ZERO)] {
        let run = build().sender(|sources| sources.of(0..1u64).into_chunks(1.items())).batched(size, delay);
        let error = failed(run.for_each(|_| {}).await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    }
    Ok(())
}

pub async fn workers_are_added_while_events_only_wait<R: Runtime>(rt: R, at: Facts) -> Outcome {
    const MAX: usize = 8;
    // In virtual time the durations are exact, and so are the decisions. Elsewhere they depend on the
    // machine.
    let wanted = if at.virtual_time { MAX } else { 4 };
    let (alive, reported) = (Census::default(), Arc::new(AtomicU64::new(0)));
    let (residents, enough, clock) = (alive.clone(), alive.clone(), rt.clone());
    let most = reported.clone();
    let endless = std::iter::from_fn(move || (enough.most() < wanted).then_some(1u64));
    let summary = numbers(&rt)
        .receiver_strategy(Adaptive { min: 1, max: MAX })
        .on_progress(move |progress| {
            most.fetch_max(progress.workers, Ordering::SeqCst);
        })
        .sender(|sources| sources.of(endless).into_chunks(2.items()))
        .for_each(move |_: Event<u64>| {
            let (resident, sleep) = (residents.enter(), clock.sleep(2.millis()));
            async move {
                let _resident = resident;
                sleep.await
            }
        })
        .await?;
    ensure!((wanted..=MAX).contains(&alive.most()), "{}", alive.most());
    ensure!((1..=MAX as u64).contains(&reported.load(Ordering::SeqCst)));
    ensure!(summary.read() == summary.handled() && alive.alive() == 0);
    Ok(())
}

pub async fn surplus_workers_end_as_well<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for items in [0, 1, 500] {
        let sum = numbers(&rt)
            .receiver_strategy(Adaptive { min: 2, max: 64 })
            .sender(move |sources| sources.of(0..items).into_chunks(3.items()))
            .fold(|| 0, |sum: &mut u64, event| *sum += event.take_data(), |a, b| a + b);
        let (sum, summary) = sum.await?;
        ensure!(sum == (0..items).sum::<u64>() && summary.handled() == items);
    }
    Ok(())
}

pub async fn an_error_stops_adaptive_workers_too<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let error = failed(
        numbers(&rt)
            .receiver_strategy(Adaptive { min: 1, max: 16 })
            .sender(|sources| sources.of(0..).into_chunks(3.items()))
            .for_each(|event: Event<u64>| if *event.data() == 300 { Err("refused") } else { Ok(()) })
            .await,
    )?;
    ensure!(source_text(&error) == "refused");
    Ok(())
}

pub async fn an_event_that_takes_too_long_is_rejected_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let alive = Census::default();
    let residents = alive.clone();
    let summary = numbers(&rt)
        .name("slow")
        .workers(2)
        .event_timeout(10.millis())
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of(0..20u64).into_chunks(3.items()))
        .for_each(move |event: Event<u64>| {
            let resident = residents.enter();
            async move {
                let _resident = resident;
                if event.take_data() % 10 == 4 {
                    pending::<()>().await;
                }
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected(), summary.dropped()) == (18, 2, 0), "{summary:?}");
    ensure!(alive.alive() == 0);
    for (row, n) in summary.errors().iter().zip([4, 14]) {
        let AsyncTaskError::Timeout(error) = row.error() else { bail!("{row:?}") };
        ensure!(row.sequence() == n && error.limit() == 10.millis());
        ensure!(error.kind() == TimeoutKind::Event && error.to_string().contains("slow"), "{error}");
    }
    Ok(())
}

pub async fn each_attempt_has_the_limit_for_itself<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Arc::new(AtomicU64::new(0));
    let counting = calls.clone();
    let retry = Retry::new(2).backoff(RetryStrategy::Immediate);
    let summary = numbers(&rt)
        .event_timeout(5.millis())
        .on_error(ErrorStrategy::retry_with(retry))
        .sender(|sources| sources.of(0..1u64).into_chunks(1.items()))
        .for_each(move |_: Event<u64>| {
            let call = counting.fetch_add(1, Ordering::SeqCst);
            async move {
                if call < 2 {
                    pending::<()>().await;
                }
            }
        })
        .await?;
    ensure!(summary.handled() == 1 && calls.load(Ordering::SeqCst) == 3);
    Ok(())
}

pub async fn a_limit_of_zero_polls_once_and_the_longest_is_none<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (limit, rejected) in [(Duration::ZERO, vec![1]), (Duration::MAX, vec![])] {
        let summary = numbers(&rt)
            .event_timeout(limit)
            .on_error(ErrorStrategy::ContinueOnError)
            .sender(|sources| sources.of(0..3u64).into_chunks(3.items()))
            .for_each(|event: Event<u64>| async move {
                if event.take_data() == 1 {
                    yield_now().await;
                }
            })
            .await?;
        let sequences: Vec<_> = summary.errors().iter().map(RowError::sequence).collect();
        ensure!(sequences == rejected, "{limit:?}: {sequences:?}");
    }
    Ok(())
}
