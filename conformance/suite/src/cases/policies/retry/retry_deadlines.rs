//! Recovery, retries near a deadline: a wait that would end after the deadline is not begun.

use std::sync::Arc;

use crate::library::{Jitter, RetriesError, RetryStrategy, TaskContext, TimedTask as _};

use super::retries::{after, exhausted};
use crate::cases::deadlines::{is_due, passed};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

const WAIT: RetryStrategy = RetryStrategy::Fixed { delay: Duration::from_secs(600) };

/// Checks that the work was given up after `attempts` for lack of time, and that the error says so.
fn is_out_of_time(error: &RetriesError, attempts: u32) -> Outcome {
    ensure!(error.is_out_of_time() && error.attempts() == attempts, "{error:?}");
    ensure!(error.last().downcast_ref() == Some(&Broken(attempts)), "{error:?}");
    let text = error.to_string();
    ensure!(text.contains("the wait before another attempt would end after the deadline"), "{text}");
    ensure!(text.contains("failed once") == (attempts == 1), "{text}");
    Ok(())
}

fn failing(calls: &Calls) -> impl Fn() -> std::future::Ready<Result<(), Broken>> + Send + Sync + 'static {
    let calls = calls.clone();
    move || std::future::ready(Err(Broken(calls.next())))
}

pub async fn a_wait_that_would_end_after_the_deadline_is_not_begun<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(5.minutes());
    let builder = builder.retry(5).backoff(WAIT).jitter(Jitter::None);
    for spawned in [false, true] {
        let (calls, begun) = (Calls::default(), rt.now());
        let (builder, work) = (builder.clone(), failing(&calls));
        let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
        is_out_of_time(&exhausted(result)?, 1)?;
        ensure!(calls.made() == 1);
        if at.virtual_time {
            is_due(&rt, at, begun, Duration::ZERO)?;
        }
    }
    Ok(())
}

pub async fn waits_that_end_before_the_deadline_are_made<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let builder = AsyncTask::to::<()>().on(&rt).timeout(25.millis()).retry(99).jitter(Jitter::None);
    let builder = builder.backoff(RetryStrategy::Fixed { delay: 10.millis() });
    // On a busy machine an attempt may come so late that its deadline passes first.
    let error = failed(builder.spawn(failing(&calls)).await)?;
    if !at.virtual_time {
        ensure!(error.is_retries_exhausted() || error.is_timeout(), "{error:?}");
        return Ok(());
    }
    is_out_of_time(&exhausted::<()>(Err(error))?, 3)?;
    is_due(&rt, at, begun, 20.millis())
}

pub async fn the_deadline_of_an_enclosing_task_counts<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let (inner, work) = (rt.clone(), Arc::new(failing(&calls)));
    let task = AsyncTask::to::<()>().on(&rt).timeout(5.minutes()).spawn(move || async move {
        let builder = AsyncTask::to::<()>().on(&inner).retry(5).backoff(WAIT).jitter(Jitter::None);
        builder.spawn(move || work()).await
    });
    is_out_of_time(&exhausted(task.await)?, 1)?;
    ensure!(calls.made() == 1);
    Ok(())
}

pub async fn a_standalone_retry_respects_the_deadline_of_the_enclosing_task<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let calls = Calls::default();
    let (inner, work) = (rt.clone(), failing(&calls));
    let task = AsyncTask::to::<()>().on(&rt).timeout(5.minutes()).spawn(move || async move {
        let retry = crate::library::Retry::new(5).backoff(WAIT).jitter(Jitter::None);
        retry.apply_on(&inner, work).await
    });
    is_out_of_time(&exhausted(task.await)?, 1)?;
    ensure!(calls.made() == 1);
    Ok(())
}

pub async fn in_a_shielded_region_the_wait_is_made<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let inner = rt.clone();
    let counted = calls.clone();
    let task =
        AsyncTask::to::<u32>().on(&rt).timeout(1.millis()).spawn_with(move |cx: TaskContext| async move {
            cx.shield(async {
                let builder = AsyncTask::to::<u32>().on(&inner).retry(5).jitter(Jitter::None);
                let builder = builder.backoff(RetryStrategy::Fixed { delay: 5.millis() });
                let work = move || {
                    let counted = counted.clone();
                    async move { after(1, &counted) }
                };
                builder.run(work).await
            })
            .await
        });
    ensure!(task.await? == 2 && calls.made() == 2);
    Ok(())
}

pub async fn a_passed_deadline_ends_the_retries_with_a_timeout<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<()>().on(&rt).timeout(Duration::ZERO).retry(5).backoff(WAIT);
    let error = passed(builder.spawn(failing(&calls)).await)?;
    ensure!((error.attempts(), calls.made()) == (1, 1));
    ensure!(error.last().and_then(|last| last.downcast_ref()) == Some(&Broken(1)), "{error:?}");
    Ok(())
}

pub async fn a_deadline_moved_later_leaves_time_for_retries<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).timeout(1.hours()).retry(1).jitter(Jitter::None);
    let builder = builder.backoff(RetryStrategy::Fixed { delay: 10.millis() });
    let begun = rt.now();
    let (give, given) = async_channel::bounded::<()>(1);
    let task = builder.spawn(move || {
        let (call, given) = (counted.next(), given.clone());
        async move {
            if call == 1 {
                let _ = given.recv().await;
                return Err(Broken(call));
            }
            Ok(call)
        }
    });
    // Too short for the wait, and then long enough again before the attempt fails. The task cannot see the
    // first to pass, however long that takes.
    let held = hold_workers(&rt, at).await?;
    task.set_timeout(5.millis())?;
    task.set_timeout(1.hours())?;
    held.release().await?;
    give.send(()).await?;
    ensure!(task.await? == 2);
    ensure!(!at.virtual_time || rt.now().saturating_duration_since(begun) >= 10.millis());
    Ok(())
}

pub async fn recovery_runs_at_once_when_no_wait_fits<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>()
        .on(&rt)
        .timeout(5.minutes())
        .recover_with(|error| async move { if error.is_retries_exhausted() { Ok(7) } else { Err(error) } });
    let builder = builder.retry(5).backoff(WAIT).jitter(Jitter::None);
    let task = builder.spawn(move || std::future::ready(Err::<u32, _>(Broken(counted.next()))));
    ensure!(task.await? == 7 && calls.made() == 1);
    if at.virtual_time {
        is_due(&rt, at, begun, Duration::ZERO)?;
    }
    Ok(())
}
