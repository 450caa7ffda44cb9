//! Pipelines, error strategies: the retries of events have all settings of a policy, and keep within the time
//! limits around them.

use crate::library::pipeline::PipelineBuilder;
use crate::library::{CancellableTask as _, Jitter, Retry, RetryStrategy, TaskContext};

use super::on_retry::{counting, notes};
use super::retry_after::{Busy, HOUR, Times, are_due, asked};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::orchestras::Log;
use crate::kit::prelude::*;

/// A builder whose events are retried as `retry` says.
fn retrying<R: Runtime>(rt: &R, retry: Retry) -> PipelineBuilder<u64, R> {
    AsyncTask::emits::<u64>().on(rt).workers(2).on_error(ErrorStrategy::retry_with(retry))
}

pub async fn an_error_of_an_event_sets_the_wait<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (times, clock) = (Times::default(), rt.clone());
    let noted = times.clone();
    let retry = Retry::new(5).backoff(HOUR).retry_after(asked).max_retry_after(5.millis());
    let summary = retrying(&rt, retry)
        .sender(|sources| sources.of(0..4u64).into_chunks(1.items()))
        .for_each(move |event: Event<u64>| {
            if *event.data() != 1 {
                return Ok(());
            }
            match noted.note(clock.now()) {
                0 => Err(Busy(Some(3.millis()))),
                1 => Err(Busy(Some(Duration::ZERO))),
                2 => Err(Busy(Some(1.hours()))),
                _ => Ok(()),
            }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (4, 0), "{summary:?}");
    are_due(&times.waits(), &[3.millis(), Duration::ZERO, 5.millis()], at)
}

pub async fn a_failed_call_is_reported_before_each_wait<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (log, calls) = (Log::default(), Calls::default());
    let strategy = RetryStrategy::Linear { base: 1.millis(), step: 2.millis(), max: 1.hours() };
    let retry = Retry::new(2).backoff(strategy).jitter(Jitter::None).on_retry(notes(&log));
    let noted = log.clone();
    // The first row succeeds in its third attempt. The last has no more attempts than that, and is rejected.
    let summary = retrying(&rt, retry)
        .sequence()
        .sender(|sources| sources.of(0..3u64).into_chunks(3.items()))
        .for_each(move |event: Event<u64>| {
            let (row, call) = (*event.data(), calls.next());
            noted.note(format!("row {row}, attempt {}", event.attempt()));
            if row == 1 || call == 3 { Ok(()) } else { Err(Broken(call)) }
        })
        .await?;
    ensure!((summary.handled(), summary.rejected()) == (2, 1), "{summary:?}");
    let due = [
        "row 0, attempt 1",
        "1, 1ms: broken 1",
        "row 0, attempt 2",
        "2, 3ms: broken 2",
        "row 0, attempt 3",
        "row 1, attempt 1",
        "row 2, attempt 1",
        "1, 1ms: broken 5",
        "row 2, attempt 2",
        "2, 3ms: broken 6",
        "row 2, attempt 3",
    ];
    ensure!(log.read() == due, "{:?}", log.read());
    Ok(())
}

/// A policy that asks for a wait of ten minutes, and counts the failed attempts that another follows.
fn ten_minutes(calls: &Calls) -> Retry {
    let retry = Retry::new(5).backoff(RetryStrategy::Immediate).max_retry_after(1.hours());
    retry.retry_after(|_| Some(Duration::from_secs(600))).on_retry(counting(calls))
}

/// Checks that one row was rejected since there was no time for another attempt, and the others handled.
fn is_out_of_time(summary: &FinalEvent, calls: &Calls) -> Outcome {
    ensure!((summary.handled(), summary.rejected(), summary.dropped()) == (9, 1, 0), "{summary:?}");
    let row = summary.errors().first().context("it is kept")?;
    let AsyncTaskError::RetriesExhausted(error) = row.error() else { bail!("{row:?}") };
    ensure!(error.is_out_of_time() && error.attempts() == 1 && row.sequence() == 4, "{row:?}");
    ensure!(error.last().downcast_ref() == Some(&Broken(4)), "{row:?}");
    ensure!(calls.made() == 0, "no attempt follows");
    Ok(())
}

fn fails_at_four(event: Event<u64>) -> Result<(), Broken> {
    if *event.data() == 4 { Err(Broken(4)) } else { Ok(()) }
}

pub async fn a_wait_beyond_the_limit_of_the_pipeline_is_not_begun<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for on_pool in [false, true] {
        let (calls, begun) = (Calls::default(), rt.now());
        let rows = retrying(&rt, ten_minutes(&calls))
            .with_timeout(5.minutes())
            .sender(|sources| sources.of(0..10u64).into_chunks(2.items()))
            .for_each(fails_at_four);
        let summary = if on_pool { rows.blocking().await? } else { rows.await? };
        is_out_of_time(&summary, &calls)?;
        let took = rt.now().saturating_duration_since(begun);
        ensure!(!at.virtual_time || took < 1.minutes(), "{took:?}");
    }
    Ok(())
}

pub async fn a_wait_beyond_the_limit_of_a_task_around_is_not_begun<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let rows = retrying(&rt, ten_minutes(&calls))
        .sender(|sources| sources.of(0..10u64).into_chunks(2.items()))
        .for_each(fails_at_four);
    let task = AsyncTask::to::<FinalEvent>().on(&rt).timeout(5.minutes());
    let summary = task.spawn(move || async move { rows.await }).await?;
    is_out_of_time(&summary, &calls)
}

pub async fn a_failed_call_of_a_cancelled_pipeline_is_not_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, started) = (Calls::default(), Latch::new());
    let starts = started.clone();
    let retry = Retry::new(5).backoff(HOUR).on_retry(counting(&calls));
    let task = retrying(&rt, retry)
        .sender(|sources| sources.of(0..1u64).into_chunks(1.items()))
        .receiver(move |_: Event<u64>, _: Collector<u64, u64>| {
            let (starts, context) = (starts.clone(), TaskContext::current());
            async move {
                starts.set();
                if let Some(cx) = context {
                    cx.cancelled().await;
                }
                Err::<(), _>(Broken(1))
            }
        })
        .spawn(|_, collection| Ok::<_, AsyncTaskError>(collection.summary().clone()));
    started.wait().await;
    let end = task.cancel_gracefully();
    let summary = task.await?;
    end.await;
    let row = summary.errors().first().context("it is rejected")?;
    ensure!(matches!(row.error(), AsyncTaskError::Failure(_)) && summary.rejected() == 1, "{row:?}");
    ensure!(calls.made() == 0, "no attempt follows");
    Ok(())
}
