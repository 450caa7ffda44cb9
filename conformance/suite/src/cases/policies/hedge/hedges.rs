//! Recovery, hedges: a further attempt begins once the delay has passed and none has succeeded, and the first
//! success is the result.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::library::{Hedge, RetriesError, RetryStrategy};

use crate::cases::deadlines::is_due;
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

/// One attempt of some work.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Result<u32, AsyncTaskError>> + Send>>;

/// Work of which the first `stuck` attempts never end. Each other one gives its number after `delay`.
pub(super) fn stuck<R: Runtime>(
    rt: &R,
    calls: &Calls,
    stuck: u32,
    delay: Duration,
) -> impl Fn() -> Attempt + Clone + Send + Sync + 'static + use<R> {
    let (rt, calls) = (rt.clone(), calls.clone());
    move || -> Attempt {
        let (call, rt) = (calls.next(), rt.clone());
        Box::pin(async move {
            if call <= stuck {
                pending::<()>().await;
            }
            if !delay.is_zero() {
                rt.sleep(delay).await?;
            }
            Ok(call)
        })
    }
}

/// Work that fails at once, each time with the number of the attempt.
pub(super) fn broken(calls: &Calls) -> impl Fn() -> Attempt + Clone + Send + Sync + 'static + use<> {
    let calls = calls.clone();
    move || -> Attempt {
        let call = calls.next();
        Box::pin(async move { Err(AsyncTaskError::failure(Broken(call))) })
    }
}

/// The error of work whose attempts have all failed.
pub(super) fn exhausted<T>(result: Result<T, AsyncTaskError>) -> Result<RetriesError, Failure> {
    match failed(result)? {
        AsyncTaskError::RetriesExhausted(error) => Ok(error),
        other => bail!("not that of all attempts: {other:?}"),
    }
}

/// The numbers of further attempts, and the times at which they began. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Begun(Arc<Mutex<Vec<(u32, Instant)>>>);

impl Begun {
    /// Notes the further attempts of `hedge`.
    pub(super) fn of<R: Runtime>(&self, rt: &R, hedge: Hedge) -> Hedge {
        let (begun, rt) = (self.clone(), rt.clone());
        hedge.on_hedge(move |number| {
            begun.0.lock().unwrap_or_else(PoisonError::into_inner).push((number, rt.now()));
        })
    }

    pub(super) fn all(&self) -> Vec<(u32, Instant)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        self.all().into_iter().map(|(number, _)| number).collect()
    }
}

pub async fn the_second_wins_beside_a_slow_first<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        let (calls, begun) = (Calls::default(), rt.now());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(10.millis()));
        let work = stuck(&rt, &calls, 1, 5.millis());
        let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
        ensure!((value, calls.made()) == (2, 2), "attempt {value} of {}", calls.made());
        is_due(&rt, at, begun, 15.millis())?;
    }
    Ok(())
}

pub async fn the_first_may_still_win_beside_the_second<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        let (calls, begun, second) = (Calls::default(), rt.now(), Latch::new());
        let (counted, begins) = (calls.clone(), second.clone());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(10.millis()));
        let work = move || {
            let (call, second) = (counted.next(), begins.clone());
            async move {
                if call == 2 {
                    second.set();
                    pending::<()>().await;
                }
                second.wait().await;
                call
            }
        };
        let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
        ensure!((value, calls.made()) == (1, 2), "attempt {value} of {}", calls.made());
        is_due(&rt, at, begun, 10.millis())?;
    }
    Ok(())
}

pub async fn a_first_that_is_fast_enough_has_no_second<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for spawned in [false, true] {
        let (calls, begun) = (Calls::default(), rt.now());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(1.hours()));
        let work = stuck(&rt, &calls, 0, 5.millis());
        let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
        ensure!((value, calls.made()) == (1, 1));
        is_due(&rt, at, begun, 5.millis())?;
    }
    Ok(())
}

pub async fn further_attempts_begin_one_delay_apart<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, further, begun) = (Calls::default(), Begun::default(), rt.now());
    let hedge = further.of(&rt, Hedge::after(10.millis()).at_most(3));
    let work = stuck(&rt, &calls, 3, Duration::ZERO);
    ensure!(AsyncTask::to::<u32>().on(&rt).hedge(hedge).spawn(work).await? == 4);
    ensure!(further.numbers() == [2, 3, 4], "{:?}", further.numbers());
    for (number, time) in further.all() {
        let (due, after) = (10.millis() * (number - 1), time.saturating_duration_since(begun));
        ensure!(after >= due && (!at.virtual_time || after == due), "attempt {number} after {after:?}");
    }
    Ok(())
}

pub async fn no_more_begin_than_are_permitted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for most in [1, 2, 5] {
        let calls = Calls::default();
        let hedge = Hedge::after(1.millis()).at_most(most);
        let work = stuck(&rt, &calls, most, 30.millis());
        ensure!(AsyncTask::to::<u32>().on(&rt).hedge(hedge).run(work).await? == most + 1);
        ensure!(calls.made() == most + 1, "{} attempts", calls.made());
    }
    Ok(())
}

pub async fn without_a_delay_all_begin_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::ZERO).at_most(4));
    let mut run = Box::pin(builder.clone().run(stuck(&rt, &calls, 4, Duration::ZERO)));
    let value = poll_once(&mut run).await.context("all of it is in one poll")??;
    ensure!((value, calls.made()) == (5, 5));
    // A first that is ready is enough.
    let calls = Calls::default();
    ensure!(builder.run(stuck(&rt, &calls, 0, Duration::ZERO)).await? == 1 && calls.made() == 1);
    Ok(())
}

pub async fn with_the_longest_delay_none_begins_for_being_late<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let (calls, begun) = (Calls::default(), rt.now());
    let long = if at.virtual_time { 1.hours() * 1000 } else { 20.millis() };
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::MAX).at_most(9));
    ensure!(builder.run(stuck(&rt, &calls, 0, long)).await? == 1 && calls.made() == 1);
    is_due(&rt, at, begun, long)
}

pub async fn of_two_in_one_poll_the_earlier_wins<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, open) = (Calls::default(), Latch::new());
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::ZERO));
    let work = || {
        let (call, open) = (calls.next(), open.clone());
        async move {
            open.wait().await;
            call
        }
    };
    let mut run = Box::pin(builder.run(work));
    ensure!(poll_once(&mut run).await.is_none() && calls.made() == 2);
    open.set();
    ensure!(poll_once(&mut run).await.context("both are ready")?? == 1);
    Ok(())
}

pub async fn each_retry_is_another_round<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for hedged_first in [false, true] {
        let (calls, further) = (Calls::default(), Begun::default());
        let hedge = further.of(&rt, Hedge::after(Duration::MAX));
        let builder = AsyncTask::to::<u32>().on(&rt);
        let failing = match hedged_first {
            true => builder.hedge(hedge).retry(2).backoff(RetryStrategy::Immediate),
            false => builder.retry(2).backoff(RetryStrategy::Immediate).hedge(hedge),
        };
        let error = failed(failing.clone().run(broken(&calls)).await)?;
        ensure!(format!("{error:#}") == "the work failed 6 times: broken 6", "{error:#}");
        ensure!(exhausted::<()>(Err(error))?.attempts() == 6 && calls.made() == 6);
        ensure!(further.numbers() == [2, 4, 6], "{:?}", further.numbers());
        // A success in the second round.
        let calls = Calls::default();
        let counted = calls.clone();
        let task = failing.spawn(move || {
            let call = counted.next();
            async move { if call < 4 { Err(Broken(call)) } else { Ok(call) } }
        });
        ensure!(task.await? == 4 && calls.made() == 4);
    }
    Ok(())
}
