//! Promises 3 and 4, composition and precedence: the overall limit covers all attempts, and wins a tie.
//! The limit of one attempt is inside of the retries.

use crate::library::{RetryStrategy, TaskContext, TimedTask as _, TimeoutKind};

use super::retries::exhausted;
use crate::cases::deadlines::{is_due, passed};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::cause_of;
use crate::kit::prelude::*;

pub async fn an_attempt_that_takes_too_long_is_tried_again<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let builder = AsyncTask::to::<u32>().on(&rt).attempt_timeout(10.millis());
    let builder = builder.retry(2).backoff(RetryStrategy::Immediate);
    let run = builder.clone().run(|| {
        let call = calls.next();
        async move { if call < 3 { pending().await } else { call } }
    });
    ensure!(run.await? == 3);
    is_due(&rt, at, begun, 20.millis())?;
    let begun = rt.now();
    let error = exhausted(builder.spawn(pending::<u32>).await)?;
    is_due(&rt, at, begun, 30.millis())?;
    ensure!(error.attempts() == 3);
    ensure!(passed::<()>(Err(error.into_last()))?.kind() == TimeoutKind::Attempt);
    Ok(())
}

pub async fn the_overall_timeout_covers_attempts_and_backoff<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        let (calls, begun) = (Calls::default(), rt.now());
        let counted = calls.clone();
        let builder = AsyncTask::to::<()>().on(&rt).timeout(25.millis());
        let builder = builder.retry(99).backoff(RetryStrategy::Fixed { delay: 10.millis() });
        let builder = builder.jitter(crate::library::Jitter::None);
        let work = move || {
            let call = counted.next();
            async move { if call < 3 { Err::<(), _>(Broken(call)) } else { pending().await } }
        };
        let result = if spawned { builder.spawn(work).await } else { builder.run(work).await };
        let error = failed(result)?;
        // At 0, 10 and 20 ms. On a busy machine an attempt may come so late that there is no time to wait for
        // another.
        if !at.virtual_time && error.is_retries_exhausted() {
            ensure!(exhausted::<()>(Err(error))?.is_out_of_time());
            continue;
        }
        let error = passed::<()>(Err(error))?;
        is_due(&rt, at, begun, 25.millis())?;
        ensure!((error.kind(), error.limit()) == (TimeoutKind::Overall, 25.millis()));
        ensure!(error.attempts() == calls.made(), "{error:?}");
        ensure!(!at.virtual_time || calls.made() == 3, "{error:?}");
        let last = error.last().context("the last failure is reported")?;
        ensure!(!at.virtual_time || last.downcast_ref() == Some(&Broken(2)), "{last:?}");
    }
    Ok(())
}

pub async fn an_overall_timeout_error_has_the_failure_of_the_attempt_before<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (calls, second) = (Calls::default(), Latch::new());
    let (counted, begins) = (calls.clone(), second.clone());
    let builder = AsyncTask::to::<()>().on(&rt).name("fetch").timeout(1.hours());
    let task = builder.retry(1).backoff(RetryStrategy::Immediate).spawn(move || {
        let (call, begins) = (counted.next(), begins.clone());
        async move {
            if call == 1 {
                return Err(Broken(call));
            }
            begins.set();
            pending().await
        }
    });
    second.wait().await;
    task.set_deadline(rt.now())?;
    let error = failed(task.await)?;
    ensure!(
        error.to_string() == "task `fetch` timed out after 0ns, in attempt 2; the one before had failed",
        "{error}"
    );
    let error = passed::<()>(Err(error))?;
    ensure!(error.attempts() == 2 && calls.made() == 2, "{error:?}");
    ensure!(error.last().and_then(|last| last.downcast_ref()) == Some(&Broken(1)));
    // In the first attempt there is no failure before it.
    let builder = AsyncTask::to::<()>().on(&rt).timeout(5.millis()).retry(1);
    let error = passed(builder.run(pending::<()>).await)?;
    ensure!(error.attempts() == 1 && error.last().is_none(), "{error:?}");
    Ok(())
}

pub async fn on_a_tie_the_overall_timeout_comes_before_the_attempt_timeout<R: Runtime>(
    rt: R,
    at: Facts,
) -> Outcome {
    // With no attempt left, with one left, and with the second as the last.
    for (retries, attempt) in [(0, 10.millis()), (1, 10.millis()), (1, 5.millis()), (2, 5.millis())] {
        let builder = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).attempt_timeout(attempt);
        let builder = builder.retry(retries).backoff(RetryStrategy::Immediate);
        for spawned in [false, true] {
            let builder = builder.clone();
            let result =
                if spawned { builder.spawn(pending::<()>).await } else { builder.run(pending::<()>).await };
            let error = failed(result)?;
            // If time is not exact, two limits that are due at the same moment need not pass together.
            if at.virtual_time || attempt == 10.millis() {
                let error = passed::<()>(Err(error))?;
                ensure!(error.kind() == TimeoutKind::Overall, "{retries}, {attempt:?}: {error:?}");
                let attempts = if attempt == 5.millis() { 2 } else { 1 };
                ensure!(error.attempts() == attempts, "{error:?}");
            }
        }
    }
    Ok(())
}

pub async fn a_cancellation_comes_before_both_limits<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for retries in [0, 3] {
        let (started, open) = (Latch::new(), Latch::new());
        let (start, opened) = (started.clone(), open.clone());
        let builder = AsyncTask::to::<()>().on(&rt).timeout(5.millis()).attempt_timeout(5.millis());
        let task =
            builder.retry(retries).backoff(RetryStrategy::Immediate).spawn_with(move |cx: TaskContext| {
                let (start, opened) = (start.clone(), opened.clone());
                async move {
                    // Holds off all three, so that they are seen in one poll.
                    cx.shield(async {
                        start.set();
                        opened.wait().await;
                    })
                    .await;
                    pending::<()>().await
                }
            });
        started.wait().await;
        rt.sleep(10.millis()).await?;
        ensure!(task.is_expired() && !task.status().is_terminal());
        let end = task.cancel(CancelLevel::Kill);
        open.set();
        ensure!(end.await.was_cancelled());
        ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    }
    Ok(())
}

pub async fn a_limit_of_zero_makes_one_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for spawned in [false, true] {
        let calls = Calls::default();
        let counted = calls.clone();
        let builder = AsyncTask::to::<u32>().on(&rt).timeout(Duration::ZERO).retry(5);
        let builder = builder.backoff(RetryStrategy::Immediate);
        let work = move || {
            let call = counted.next();
            async move { Err::<u32, _>(Broken(call)) }
        };
        let result =
            if spawned { builder.clone().spawn(work).await } else { builder.clone().run(work).await };
        let error = passed(result)?;
        ensure!((error.attempts(), calls.made()) == (1, 1));
        ensure!(error.last().and_then(|last| last.downcast_ref()) == Some(&Broken(1)), "{error:?}");
        ensure!(builder.run(|| async { 5 }).await? == 5, "a ready value wins");
    }
    Ok(())
}
