//! Promise 3, composition: `retry(n)` makes `n` more attempts, and none after a cancellation or a panic.
//! Errors that another attempt cannot change are not retried either. An attempt has been dropped, and its
//! children have ended, before the next begins.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::library::{BoxError, RetriesError, RetryStrategy, TaskContext};

use crate::cases::adoption::held;
use crate::cases::limiters::{check_all_free, with_permits};
use crate::cases::restarts::{Broken, Calls};
use crate::cases::scopes::stays_pending;
use crate::cases::unregistered::{Level, level};
use crate::kit::explode;
use crate::kit::prelude::*;

/// The error of work that has failed in every attempt.
pub(super) fn exhausted<T>(result: Result<T, AsyncTaskError>) -> Result<RetriesError, Failure> {
    match failed(result)? {
        AsyncTaskError::RetriesExhausted(error) => Ok(error),
        other => bail!("not that of all attempts: {other:?}"),
    }
}

/// Fails `failures` times, and then gives the number of the call.
pub(crate) fn after(failures: u32, calls: &Calls) -> Result<u32, Broken> {
    let call = calls.next();
    if call > failures { Ok(call) } else { Err(Broken(call)) }
}

pub async fn it_is_tried_until_it_succeeds<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for failures in 0..=4 {
        let calls = Calls::default();
        let builder = AsyncTask::to::<u32>().on(&rt).retry(4).backoff(RetryStrategy::Immediate);
        ensure!(builder.clone().run(|| async { after(failures, &calls) }).await? == failures + 1);
        ensure!(calls.made() == failures + 1);
        let (calls, again) = (Calls::default(), Calls::default());
        let counted = calls.clone();
        let task = builder.clone().spawn(move || {
            let calls = counted.clone();
            async move { after(failures, &calls) }
        });
        ensure!(task.await? == failures + 1 && calls.made() == failures + 1);
        // A builder is a value: one use of it has no effect on the next.
        ensure!(builder.run(|| async { after(failures, &again) }).await? == failures + 1);
    }
    Ok(())
}

pub async fn it_is_tried_once_more_often_than_there_are_retries<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for retries in [1, 2, 5] {
        let calls = Calls::default();
        let builder = AsyncTask::to::<u32>().on(&rt).retry(retries).backoff(RetryStrategy::Immediate);
        let error = failed(builder.run(|| async { after(u32::MAX, &calls) }).await)?;
        ensure!(calls.made() == retries + 1, "{} attempts", calls.made());
        ensure!(error.is_retries_exhausted() && !error.is_failure());
        let text = format!("the work failed {0} times: broken {0}", retries + 1);
        ensure!(format!("{error:#}") == text, "{error:#}");
        ensure!(error.downcast_ref() == Some(&Broken(retries + 1)));
        let error = exhausted::<()>(Err(error))?;
        ensure!(error.attempts() == retries + 1 && error.last().is_failure());
        ensure!(error.last().downcast_ref() == Some(&Broken(retries + 1)));
        let last = AsyncTaskError::RetriesExhausted(error).downcast::<Broken>();
        ensure!(last.ok() == Some(Broken(retries + 1)));
    }
    Ok(())
}

pub async fn with_no_retries_the_error_is_the_works_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let error = failed(AsyncTask::to::<u32>().on(&rt).retry(0).run(|| async { after(9, &calls) }).await)?;
    ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(1)) && calls.made() == 1, "{error:?}");
    Ok(())
}

/// An error with a cause.
#[derive(Debug)]
struct Caused(Broken);

impl fmt::Display for Caused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("caused")
    }
}

impl std::error::Error for Caused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

pub async fn the_last_error_keeps_its_type_and_its_causes<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<()>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let error = failed(builder.run(|| async { Err::<(), _>(Caused(Broken(calls.next()))) }).await)?;
    ensure!(error.downcast_ref::<Caused>().is_some_and(|caused| caused.0 == Broken(2)));
    let chain: Vec<_> = anyhow::Error::from(error).chain().map(ToString::to_string).collect();
    ensure!(chain == ["the work failed 2 times", "caused", "broken 2"], "{chain:?}");
    Ok(())
}

pub async fn errors_that_a_retry_cannot_change_are_not_retried<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in 0..8 {
        let (calls, asked) = (Calls::default(), Calls::default());
        let (counted, asking) = (calls.clone(), asked.clone());
        let builder = AsyncTask::to::<()>().on(&rt).retry(5).backoff(RetryStrategy::Immediate);
        let builder = builder.retry_if(move |_| asking.next() > 0);
        let run = builder.run(|| {
            counted.next();
            async move {
                Err::<(), _>(match kind {
                    0 => AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::Requested),
                    1 => explode("a panic"),
                    2 => AsyncTaskError::Shutdown,
                    3 => AsyncTaskError::CircuitOpen { breaker: None, retry_after: Duration::ZERO },
                    4 => AsyncTaskError::Rejected { limiter: None, waiting: 0 },
                    5 => AsyncTaskError::InvalidConfig("no use".into()),
                    6 => AsyncTaskError::InvalidState("no use"),
                    _ => AsyncTaskError::NoRuntime,
                })
            }
        });
        let error = failed(run.await)?;
        ensure!(calls.made() == 1 && !error.is_retries_exhausted(), "{error:?}");
        ensure!(asked.made() == 0, "the predicate was asked about {error:?}");
    }
    Ok(())
}

pub async fn the_predicate_decides_about_all_other_errors<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, asked) = (Calls::default(), Calls::default());
    let asking = asked.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).retry(9).backoff(RetryStrategy::Immediate);
    let builder = builder.attempt_timeout(10.millis()).retry_if(move |error| {
        asking.next();
        error.is_timeout() || error.downcast_ref() == Some(&Broken(2))
    });
    let run = builder.run(|| {
        let call = calls.next();
        async move { if call == 1 { pending().await } else { Err::<u32, _>(Broken(call)) } }
    });
    let error = failed(run.await)?;
    // The predicate refused the third error: the attempts were not exhausted.
    ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(3)), "{error:?}");
    ensure!((calls.made(), asked.made()) == (3, 3));
    Ok(())
}

pub async fn a_failed_attempt_is_dropped_before_the_next<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, calls) = (Census::default(), Calls::default());
    let (below, counted) = (alive.clone(), calls.clone());
    let builder = AsyncTask::to::<u32>().on(&rt).retry(4).backoff(RetryStrategy::Immediate);
    let task = builder.attempt_timeout(5.millis()).spawn(move || {
        // One guard is the closure's, one the future's.
        let (first, below, calls) = (below.enter(), below.clone(), counted.clone());
        async move {
            let (_first, _second) = (first, below.enter());
            match after(4, &calls) {
                Err(Broken(2)) => pending().await,
                other => other,
            }
        }
    });
    ensure!(task.await? == 5);
    ensure!((alive.alive(), alive.most(), alive.ever()) == (0, 2, 10));
    Ok(())
}

pub async fn the_children_of_an_attempt_have_ended_before_the_next<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (alive, latch, started) = (Census::default(), Latch::new(), Latch::new());
    let (calls, inner) = (Calls::default(), rt.clone());
    let (counted, below, open, starts) = (calls.clone(), alive.clone(), latch.clone(), started.clone());
    let builder = AsyncTask::to::<u32>().on(&rt).retry(1).backoff(RetryStrategy::Immediate);
    let mut task = builder.spawn(move || {
        let (call, rt) = (counted.next(), inner.clone());
        let (below, open, started) = (below.clone(), open.clone(), starts.clone());
        async move {
            if call == 2 {
                return if below.alive() == 0 { Ok(call) } else { Err("a child of the first is alive") };
            }
            let starts = started.clone();
            let child = AsyncTask::to::<()>().on(&rt).spawn(|| held(starts, open, below));
            started.wait().await;
            drop(child);
            Err("the first attempt")
        }
    });
    started.wait().await;
    stays_pending(&rt, &mut task).await?;
    ensure!((calls.made(), alive.alive()) == (1, 1));
    latch.set();
    ensure!(task.await? == 2 && alive.alive() == 0);
    Ok(())
}

pub async fn each_attempt_has_the_values_and_the_name_of_the_task<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let builder = AsyncTask::to::<u32>().on(&rt).name("again").with(7u32);
    let task = builder.retry(2).backoff(RetryStrategy::Immediate).spawn_with(move |cx: TaskContext| {
        let call = counted.next();
        async move {
            let value = cx.get::<u32>().filter(|_| cx.name().as_deref() == Some("again"));
            if call < 3 { Err("an attempt") } else { value.map(|value| *value).ok_or("no value, or no name") }
        }
    });
    ensure!(task.await? == 7 && calls.made() == 3);
    Ok(())
}

pub async fn an_attempt_is_a_task_below_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    // In the first poll of an attempt nothing is registered yet; a child of it is the first to ask.
    for asks_at_once in [true, false] {
        let (limiter, (report, reported)) = (with_permits(1)?, async_channel::unbounded());
        let work = || async {
            if !asks_at_once {
                yield_now().await;
            }
            let child = AsyncTask::to::<Level>().on(&rt).spawn(|| async { level() }).await?;
            let own = level()?;
            yield_now().await;
            let is_first = report.is_empty();
            report.try_send((own, level()?, child))?;
            if is_first { Err(BoxError::from("the first attempt")) } else { Ok(()) }
        };
        let builder = AsyncTask::to::<()>().on(&rt).name("retried").limiter(&limiter);
        builder.retry(1).backoff(RetryStrategy::Immediate).run(work).await?;
        let (first, second) = (reported.recv().await?, reported.recv().await?);
        for (own, later, child) in [&first, &second] {
            ensure!(own == later && own.1.as_deref() == Some("retried"), "{own:?}, {later:?}");
            ensure!(child.2 == Some(own.0), "the parent of {child:?} is not {own:?}");
        }
        let (whole, ids) = (first.0.2, (first.0.0, second.0.0));
        ensure!(whole.is_some() && whole == second.0.2, "{first:?}, {second:?}");
        ensure!(ids.0 != ids.1 && whole != Some(ids.0), "{first:?}, {second:?}");
        check_all_free(&rt, &limiter, 1).await?;
    }
    Ok(())
}

pub async fn retries_inside_of_retries_multiply<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = AtomicU32::new(0);
    let builder = AsyncTask::to::<u32>().on(&rt).retry(2).backoff(RetryStrategy::Immediate);
    let inner = || async { Err::<u32, _>(Broken(calls.fetch_add(1, Ordering::SeqCst) + 1)) };
    let error = failed(builder.clone().run(|| builder.clone().run(inner)).await)?;
    ensure!(calls.load(Ordering::SeqCst) == 9);
    ensure!(error.downcast_ref() == Some(&Broken(9)), "through both: {error:?}");
    let error = exhausted::<()>(Err(error))?;
    ensure!(error.attempts() == 3 && error.last().is_retries_exhausted(), "{error:?}");
    Ok(())
}
