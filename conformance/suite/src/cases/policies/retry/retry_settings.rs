//! Recovery, settings of retries: the extreme ones work, and impossible ones are refused before any attempt.

use crate::library::{Jitter, Retry, RetryStrategy};

use super::on_retry::notes;
use super::retries::after;
use super::retry_after::{Busy, HOUR, asked};
use crate::cases::restarts::Calls;
use crate::kit::orchestras::{Log, orchestra};
use crate::kit::prelude::*;

pub async fn impossible_settings_are_refused_with_their_value_and_range<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let all = orchestra(&rt).build()?;
    for (factor, text) in [
        (f64::NAN, "NaN"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (-2.0, "-2"),
        (0.0, "0"),
        (0.999, "0.999"),
    ] {
        let calls = Calls::default();
        let counted = || {
            let counted = calls.clone();
            move || std::future::ready(after(u32::MAX, &counted))
        };
        let strategy = RetryStrategy::Exponential { base: 1.millis(), factor, max: 1.millis() };
        let retry = || Retry::new(3).backoff(strategy);
        let builder = || AsyncTask::to::<u32>().on(&rt).retry_as(retry());
        let row = counted();
        let pipeline = AsyncTask::emits::<u64>()
            .on(&rt)
            .on_error(ErrorStrategy::retry_with(retry()))
            .sender(|sources| sources.of(0..3u64).into_chunks(1.items()))
            .for_each(move |_: Event<u64>| {
                let result = row();
                async move { result.await.map(drop) }
            });
        for (way, error) in [
            ("run", failed(builder().run(counted()).await)?),
            ("spawn", failed(builder().spawn(counted()).await)?),
            ("of an orchestra", failed(builder().orchestrator(&all).run(counted()).await)?),
            ("alone", failed(retry().apply_on(&rt, counted()).await)?),
            ("a pipeline", failed(pipeline.await)?),
        ] {
            ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{way}, {factor}: {error:?}");
            let due = format!("the factor {text}: it must be finite, and at least 1");
            ensure!(error.to_string().ends_with(&due), "{way}, {factor}: {error}");
        }
        ensure!(calls.made() == 0, "{factor}: {} calls", calls.made());
    }
    Ok(())
}

pub async fn extreme_settings_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (zero, most) = (Duration::ZERO, Duration::MAX);
    // None of them has a wait: the maximum is zero, or all that is added and multiplied is.
    for strategy in [
        RetryStrategy::Fixed { delay: zero },
        RetryStrategy::Linear { base: most, step: most, max: zero },
        RetryStrategy::Linear { base: zero, step: zero, max: most },
        RetryStrategy::Exponential { base: most, factor: f64::MAX, max: zero },
        RetryStrategy::Exponential { base: zero, factor: f64::MAX, max: most },
        RetryStrategy::Exponential { base: zero, factor: 1.0, max: zero },
    ] {
        for jitter in [Jitter::None, Jitter::Full, Jitter::Equal] {
            let calls = Calls::default();
            let builder = AsyncTask::to::<u32>().on(&rt).retry(u32::MAX).backoff(strategy).jitter(jitter);
            let builder = builder.max_retry_after(most).timeout(most);
            ensure!(builder.run(|| async { after(3, &calls) }).await? == 4, "{strategy:?}, {jitter:?}");
        }
    }
    Ok(())
}

pub async fn an_ad_hoc_task_of_an_orchestra_has_all_settings<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = orchestra(&rt).build()?;
    for is_after in [true, false] {
        let (log, calls, begun) = (Log::default(), Calls::default(), rt.now());
        let counted = calls.clone();
        let builder = AsyncTask::to::<u32>().on(&rt);
        let builder = match is_after {
            true => {
                let builder = builder.orchestrator(&all).retry(3).backoff(HOUR).retry_after(asked);
                builder.max_retry_after(2.millis()).on_retry(notes(&log))
            }
            false => {
                let builder = builder.retry(3).backoff(HOUR).retry_after(asked);
                builder.max_retry_after(2.millis()).on_retry(notes(&log)).orchestrator(&all)
            }
        };
        let work = move || {
            let call = counted.next();
            async move { if call < 3 { Err(Busy(Some(1.hours()))) } else { Ok(call) } }
        };
        ensure!(builder.run(work).await? == 3);
        ensure!(log.read() == ["1, 2ms: busy", "2, 2ms: busy"], "{:?}", log.read());
        ensure!(rt.now().saturating_duration_since(begun) >= 4.millis());
    }
    Ok(())
}
