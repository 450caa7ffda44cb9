//! Pipelines, ends: `collect_vec` gives all values in source order.

use crate::library::pipeline::{ReceiverStrategy, SenderStrategy};
use crate::library::{Chaos, CircuitBreaker, Limiter};

use crate::kit::prelude::*;

pub async fn values_come_in_source_order_whatever_the_strategy<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let readers = [SenderStrategy::Serial, SenderStrategy::Parallel { sources: 3 }];
    for (workers, reader) in [1, 2, 4].into_iter().flat_map(|n| readers.map(|reader| (n, reader))) {
        let (values, summary) = AsyncTask::emits::<u64>()
            .on(&rt)
            .receiver_strategy(ReceiverStrategy::Parallel { workers })
            .sender_strategy(reader)
            .sender(|sources| {
                sources.of(0..500u64).into_chunks(7.items());
                sources.of_stream(futures_lite::stream::iter(500..600u64)).into_chunks(1.items());
                sources
                    .of_bytes((600..1_000u64).map(|n| format!("{n}\n")).collect::<String>())
                    .lines()
                    .into_chunks(3.lines());
            })
            .collect_vec()
            .await?;
        ensure!(values.iter().copied().eq(0..1_000), "{workers} workers, {reader:?}: {values:?}");
        ensure!(summary.handled() == 1_000);
    }
    Ok(())
}

pub async fn rejected_rows_leave_no_gap<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (values, summary) = AsyncTask::emits::<u64>()
        .on(&rt)
        .workers(2)
        .on_error(ErrorStrategy::ContinueOnError)
        .sender(|sources| sources.of_bytes("1\nx\n3\n\n5\n").lines().into_chunks(1.lines()))
        .collect_vec()
        .await?;
    ensure!(values == [1, 3, 5] && summary.rejected() == 2, "{values:?}, {summary:?}");
    Ok(())
}

pub async fn an_error_drops_the_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let values = Census::default();
    let entering = values.clone();
    let run = AsyncTask::emits::<crate::kit::Resident>()
        .on(&rt)
        .workers(2)
        .sender(move |sources| {
            let items = (0..100u64)
                .map(move |n| if n == 90 { crate::kit::explode("at the end") } else { entering.enter() });
            sources.of(items).into_chunks(3.items());
        })
        .collect_vec();
    ensure!(failed(run.await)?.is_panic() && values.alive() == 0 && values.ever() == 90);
    Ok(())
}

pub async fn a_spawned_pipeline_gives_its_values<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for most in [0, 100u64] {
        let pipeline = AsyncTask::emits::<u64>()
            .on(&rt)
            .workers(2)
            .sender(move |sources| sources.of(0..most).into_chunks(3.items()))
            .collect_vec();
        let (values, summary) = pipeline.clone().spawn().await?;
        ensure!(values.into_iter().eq(0..most) && summary.read() == most);
        // The same pipeline, run again.
        ensure!(pipeline.await?.0.len() as u64 == most);
    }
    Ok(())
}

pub async fn policies_around_calls_are_refused<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let numbers = || AsyncTask::emits::<u64>().on(&rt);
    let limiter = Limiter::builder().max_concurrent(1).build()?;
    let breaker = CircuitBreaker::builder().build()?;
    let refused = [
        ("chaos", numbers().chaos(Chaos::new())),
        ("event_limiter", numbers().event_limiter(&limiter)),
        ("event_circuit_breaker", numbers().event_circuit_breaker(&breaker)),
        ("Retry", numbers().on_error(ErrorStrategy::retry(1))),
    ];
    for (setting, numbers) in refused {
        let listed = numbers.sender(|sources| sources.of(0..3).into_chunks(2.items())).collect_vec();
        let error = failed(listed.await)?;
        ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{setting}: {error:?}");
        ensure!(error.to_string().contains(setting), "{setting}: {error}");
    }
    Ok(())
}
