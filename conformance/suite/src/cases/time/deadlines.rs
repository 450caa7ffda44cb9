//! Promise 4, precedence: the earlier limit passes, and a ready value or a cancellation wins over it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Instant;

use crate::library::{
    CancelOutcome, CancellableTask as _, RestartPolicy, RetryStrategy, TimedTask as _, TimeoutError,
    TimeoutKind,
};

use crate::kit::cause_of;
use crate::kit::prelude::*;

/// Returns the limit that passed, from a result that must be a timeout.
pub(crate) fn passed<T>(result: Result<T, AsyncTaskError>) -> Result<TimeoutError, Failure> {
    match failed(result)? {
        AsyncTaskError::Timeout(error) => Ok(error),
        other => bail!("not a timeout: {other:?}"),
    }
}

/// Checks that now is `due` after `since`: not earlier, and where time is exact not later either.
pub(crate) fn is_due<R: Runtime>(rt: &R, at: Facts, since: Instant, due: Duration) -> Outcome {
    let taken = rt.now().saturating_duration_since(since);
    ensure!(taken >= due, "{due:?} were due, and it took {taken:?}");
    ensure!(!at.virtual_time || taken == due, "exactly {due:?} were due, and it took {taken:?}");
    Ok(())
}

/// Work that never ends, and a count of its polls.
fn counted() -> (Arc<AtomicUsize>, impl Future<Output = ()> + Send + 'static) {
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = polls.clone();
    let work = poll_fn(move |cx| {
        counter.fetch_add(1, Ordering::SeqCst);
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    (polls, work)
}

pub async fn one_attempt_has_a_limit_of_its_own<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).name("try").timeout(1.hours()).attempt_timeout(10.millis());
    let scope = builder.clone().scope(|_| async { Ok(pending::<()>().await) });
    let begun = rt.now();
    let mut errors = vec![passed(builder.clone().run(pending::<()>).await)?];
    is_due(&rt, at, begun, 10.millis())?;
    errors.push(passed(builder.clone().run_with(|_| pending::<()>()).await)?);
    errors.push(passed(builder.clone().spawn(pending::<()>).await)?);
    errors.push(passed(builder.spawn_with(|_| pending::<()>()).await)?);
    errors.push(passed(scope.await)?);
    is_due(&rt, at, begun, 50.millis())?;
    for error in errors {
        ensure!((error.kind(), error.limit(), error.attempts()) == (TimeoutKind::Attempt, 10.millis(), 1));
        ensure!(error.to_string() == "task `try` timed out after 10ms (limit of one attempt)", "{error}");
    }
    Ok(())
}

pub async fn on_a_tie_the_overall_timeout_is_reported<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).attempt_timeout(10.millis());
    let scope = builder.clone().scope(|_| async { Ok(pending::<()>().await) });
    for error in [
        passed(builder.clone().run(pending::<()>).await)?,
        passed(builder.clone().run_with(|_| pending::<()>()).await)?,
        passed(builder.clone().spawn(pending::<()>).await)?,
        passed(scope.await)?,
    ] {
        ensure!(error.kind() == TimeoutKind::Overall, "{error:?}");
        ensure!(error.to_string() == "timed out after 10ms", "{error}");
    }
    Ok(())
}

pub async fn the_shorter_limit_is_the_one_that_passes<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for (whole, attempt, kind) in
        [(10.millis(), 1.hours(), TimeoutKind::Overall), (1.hours(), 10.millis(), TimeoutKind::Attempt)]
    {
        let builder = AsyncTask::to::<()>().on(&rt).attempt_timeout(attempt).timeout(whole);
        let begun = rt.now();
        ensure!(passed(builder.clone().run(pending::<()>).await)?.kind() == kind);
        ensure!(passed(builder.spawn(pending::<()>).await)?.kind() == kind);
        is_due(&rt, at, begun, 20.millis())?;
    }
    Ok(())
}

pub async fn a_limit_on_a_running_work_counts_from_its_first_poll<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let run = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).run(pending::<()>);
    let within = AsyncTask::to::<()>().on(&rt).timeout(10.millis()).run_with(|_| pending::<()>());
    rt.sleep(20.millis()).await?;
    let begun = rt.now();
    passed(run.await)?;
    passed(within.await)?;
    is_due(&rt, at, begun, 20.millis())
}

pub async fn a_limit_on_spawned_work_counts_from_the_spawn<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    let mut task = AsyncTask::to::<()>().on(&rt).timeout(20.millis()).spawn(pending::<()>);
    ensure!(task.deadline() >= Some(begun + 20.millis()));
    rt.sleep(10.millis()).await?;
    passed((&mut task).await)?;
    is_due(&rt, at, begun, 20.millis())
}

pub async fn a_moment_can_be_the_limit<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    let builder = AsyncTask::to::<()>().on(&rt).timeout_at(begun + 20.millis());
    rt.sleep(5.millis()).await?;
    let task = builder.clone().spawn(pending::<()>);
    ensure!(task.deadline() == Some(begun + 20.millis()), "it is no time from the spawn");
    let limit = task.timeout().context("it has one")?;
    ensure!(limit <= 15.millis() && (!at.virtual_time || limit == 15.millis()), "{limit:?}");
    let error = passed(task.await)?;
    is_due(&rt, at, begun, 20.millis())?;
    ensure!(error.limit() == limit && error.kind() == TimeoutKind::Overall, "{error:?}");
    // The moment has passed by now, which is like a limit of zero.
    ensure!(passed(builder.clone().run(pending::<()>).await)?.limit() == Duration::ZERO);
    ensure!(passed(builder.spawn(pending::<()>).await)?.limit() == Duration::ZERO);
    is_due(&rt, at, begun, 20.millis())
}

pub async fn a_moment_that_has_passed_polls_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let begun = rt.now();
    rt.sleep(1.millis()).await?;
    let builder = AsyncTask::to::<()>().on(&rt).timeout_at(begun);
    let (polls, work) = counted();
    passed(builder.clone().run(|| work).await)?;
    ensure!(polls.load(Ordering::SeqCst) == 1);
    let (polls, work) = counted();
    passed(builder.clone().spawn(|| work).await)?;
    ensure!(polls.load(Ordering::SeqCst) == 1);
    builder.clone().run(|| async {}).await?;
    builder.clone().run_with(|_| async {}).await?;
    builder.spawn(|| async {}).await?;
    Ok(())
}

pub async fn a_zero_limit_polls_every_kind_of_work_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for builder in [
        AsyncTask::to::<()>().on(&rt).timeout(Duration::ZERO),
        AsyncTask::to::<()>().on(&rt).attempt_timeout(Duration::ZERO),
    ] {
        let (polls, work) = counted();
        passed(builder.clone().run(|| work).await)?;
        ensure!(polls.load(Ordering::SeqCst) == 1, "run");
        let (polls, work) = counted();
        passed(builder.clone().run_with(|_| work).await)?;
        ensure!(polls.load(Ordering::SeqCst) == 1, "run_with");
        let (polls, work) = counted();
        passed(builder.clone().spawn(|| work).await)?;
        ensure!(polls.load(Ordering::SeqCst) == 1, "spawn");
        let (polls, work) = counted();
        let scope = builder.clone().scope(|_| async { Ok(work.await) });
        passed(scope.await)?;
        ensure!(polls.load(Ordering::SeqCst) == 1, "scope");
        builder.clone().run_with(|_| async {}).await?;
        builder.clone().scope(|_| async { Ok(()) }).await?;
        builder.inline().spawn(|| ()).await?;
    }
    Ok(())
}

pub async fn the_longest_duration_is_no_limit_on_any_kind_of_work<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let builder = AsyncTask::to::<()>().on(&rt).timeout(Duration::MAX).attempt_timeout(Duration::MAX);
    let work = || async { yield_now().await };
    builder.clone().run(work).await?;
    builder.clone().run_with(|_| work()).await?;
    builder.clone().scope(|_| async { Ok(yield_now().await) }).await?;
    builder.clone().spawn_blocking(|| ()).await?;
    let task = builder.clone().spawn_with_timeout(Duration::MAX, work);
    ensure!((task.timeout(), task.deadline()) == (None, None));
    task.await?;
    // Longer than clocks count, and shorter than `MAX`.
    let far = AsyncTask::to::<()>().on(&rt).timeout(u64::MAX.days()).attempt_timeout(u64::MAX.days());
    far.clone().run(work).await?;
    far.spawn(work).await?;
    Ok(())
}

pub async fn the_last_of_two_overall_timeouts_holds<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    let moment = AsyncTask::to::<()>().on(&rt).timeout(1.hours()).timeout_at(begun + 10.millis());
    passed(moment.spawn(pending::<()>).await)?;
    is_due(&rt, at, begun, 10.millis())?;
    let begun = rt.now();
    let limit = AsyncTask::to::<()>().on(&rt).timeout_at(begun + 1.hours()).timeout(1.hours());
    ensure!(passed(limit.spawn_with_timeout(10.millis(), pending::<()>).await)?.limit() == 10.millis());
    is_due(&rt, at, begun, 10.millis())
}

/// Shielded work that runs past its deadline until the latch is set, and then does `last`.
macro_rules! held_beyond_its_deadline {
    ($rt:ident, $last:expr) => {{
        let (started, open) = (Latch::new(), Latch::new());
        let (start, opened) = (started.clone(), open.clone());
        let task = AsyncTask::to::<u32>().on(&$rt).timeout(5.millis()).spawn_with(|cx| async move {
            cx.shield(async {
                start.set();
                opened.wait().await;
            })
            .await;
            $last.await
        });
        started.wait().await;
        $rt.sleep(10.millis()).await?;
        ensure!(task.is_expired() && !task.status().is_terminal());
        (task, open)
    }};
}

pub async fn a_value_that_is_ready_at_the_deadline_wins<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (task, open) = held_beyond_its_deadline!(rt, async { 7 });
    open.set();
    ensure!(task.await? == 7, "its deadline had passed long before this poll");
    // At the very same moment; where time is not exact, the timers may fire one after the other.
    let due = rt.now() + 5.millis();
    let inner = rt.clone();
    let task = AsyncTask::to::<()>().on(&rt).timeout_at(due).spawn(move || async move {
        inner.sleep_until(due).await;
    });
    let result = task.await;
    ensure!(!at.virtual_time || result.is_ok(), "{result:?}");
    Ok(())
}

pub async fn work_that_only_yields_ends_at_its_first_yield_past_the_deadline<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let rounds = Arc::new(AtomicUsize::new(0));
    let counter = rounds.clone();
    let (task, open) = held_beyond_its_deadline!(rt, async {
        loop {
            yield_now().await;
            // A count that is never reached, so that the loop has an end in the types.
            if counter.fetch_add(1, Ordering::SeqCst) == usize::MAX {
                break 0;
            }
        }
    });
    open.set();
    passed(task.await)?;
    ensure!(rounds.load(Ordering::SeqCst) == 0, "it was polled again");
    Ok(())
}

pub async fn a_cancellation_comes_before_a_deadline_seen_in_the_same_poll<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let (task, open) = held_beyond_its_deadline!(rt, pending::<u32>());
    let end = task.cancel(CancelLevel::Kill);
    open.set();
    ensure!(end.await.outcome() == CancelOutcome::Cancelled && !task.is_expired());
    ensure!(cause_of(&failed(task.await)?) == Some(CancelCause::Requested));
    Ok(())
}

pub async fn a_deadline_within_the_grace_period_is_a_timeout<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let begun = rt.now();
    let builder = AsyncTask::to::<()>().on(&rt).timeout(20.millis());
    let task = builder.clone().grace(1.hours()).spawn(pending::<()>);
    let end = task.cancel_gracefully().await;
    ensure!((end.outcome(), end.status()) == (CancelOutcome::Timeout, TaskStatus::Failed), "{end:?}");
    passed(task.await)?;
    is_due(&rt, at, begun, 20.millis())?;
    // The other way round, the task is cancelled.
    let task = builder.timeout(1.hours()).grace(20.millis()).spawn(pending::<()>);
    let end = task.cancel_gracefully().await;
    ensure!((end.outcome(), end.status()) == (CancelOutcome::Cancelled, TaskStatus::Cancelled), "{end:?}");
    ensure!(failed(task.await)?.is_cancelled());
    is_due(&rt, at, begun, 40.millis())
}

pub async fn each_attempt_of_supervised_work_has_the_limit_anew<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let policy = RestartPolicy { intensity: 2, period: 1.hours() };
    let begun = rt.now();
    let builder = AsyncTask::to::<()>().on(&rt).attempt_timeout(10.millis());
    let task = builder.supervise(policy).backoff(RetryStrategy::Immediate).spawn(pending::<()>);
    let AsyncTaskError::RetriesExhausted(retries) = failed(task.await)? else {
        bail!("three attempts were due")
    };
    ensure!(retries.attempts() == 3);
    ensure!(passed::<()>(Err(retries.into_last()))?.kind() == TimeoutKind::Attempt);
    is_due(&rt, at, begun, 30.millis())
}

pub async fn the_overall_timeout_covers_all_attempts<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let policy = RestartPolicy { intensity: 100, period: 1.hours() };
    let begun = rt.now();
    let builder = AsyncTask::to::<()>().on(&rt).timeout(25.millis()).attempt_timeout(10.millis());
    let error =
        passed(builder.supervise(policy).backoff(RetryStrategy::Immediate).spawn(pending::<()>).await)?;
    is_due(&rt, at, begun, 25.millis())?;
    ensure!((error.kind(), error.limit()) == (TimeoutKind::Overall, 25.millis()));
    let attempts = error.attempts();
    // Where time is not exact, a late timer leaves room for fewer.
    ensure!(
        (1..=3).contains(&attempts) && (!at.virtual_time || attempts == 3),
        "{attempts} attempts were begun"
    );
    Ok(())
}
