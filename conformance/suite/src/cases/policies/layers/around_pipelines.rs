//! Promise 3, composition: a task whose work is a pipeline has its policies around the whole pipeline.

use std::pin::Pin;

use crate::library::{BreakerState, CircuitBreaker, RetryStrategy};

use crate::cases::limiters::{check_all_free, with_permits};
use crate::cases::restarts::{Broken, Calls};
use crate::kit::prelude::*;

const ROWS: u64 = 10;

type Attempt = Pin<Box<dyn Future<Output = Result<u64, AsyncTaskError>> + Send>>;

/// The work of a pipeline that is begun anew for each attempt. Its row `failing` fails in the first `failures` of
/// them.
fn import<R: Runtime>(
    rt: &R,
    calls: &Calls,
    (failing, failures): (u64, u32),
) -> impl Fn() -> Attempt + Send + Sync + Clone + use<R> {
    let (rt, calls) = (rt.clone(), calls.clone());
    move || {
        let (rt, number) = (rt.clone(), calls.next());
        let attempt: Attempt = Box::pin(async move {
            let rows = AsyncTask::emits::<u64>().on(&rt).workers(2);
            let rows = rows.sender(|sources| sources.of(0..ROWS).into_chunks(3.items()));
            let fail = move |event: Event<u64>| match *event.data() {
                row if row == failing && number <= failures => Err(Broken(number)),
                _ => Ok(()),
            };
            Ok(rows.for_each(fail).await?.handled())
        });
        attempt
    }
}

pub async fn a_failed_pipeline_is_retried_from_its_beginning<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let task = AsyncTask::to::<u64>().on(&rt).retry(3).backoff(RetryStrategy::Immediate);
    let handled = task.spawn(import(&rt, &calls, (7, 2))).await?;
    ensure!((handled, calls.made()) == (ROWS, 3), "{handled} in {} attempts", calls.made());
    Ok(())
}

pub async fn a_pipeline_that_fails_opens_the_breaker_around_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let breaker = CircuitBreaker::builder().failure_threshold(2).open_timeout(1.hours()).build()?;
    let task = || AsyncTask::to::<u64>().on(&rt).circuit_breaker(&breaker);
    let work = import(&rt, &calls, (0, u32::MAX));
    for _ in 0..2 {
        let error = failed(task().run(work.clone()).await)?;
        ensure!(error.downcast_ref::<Broken>().is_some(), "{error:?}");
    }
    ensure!(failed(task().run(work.clone()).await)?.is_circuit_open() && calls.made() == 2);
    breaker.close();
    // A pipeline is one call, however many of its rows are rejected.
    let rows = || AsyncTask::emits::<u64>().on(&rt).on_error(ErrorStrategy::ContinueOnError);
    let rejected = task().run(|| async {
        let rows = rows().sender(|sources| sources.of(0..ROWS).into_chunks(3.items()));
        Ok::<_, AsyncTaskError>(rows.for_each(|_: Event<u64>| Err::<(), _>(Broken(1))).await?.rejected())
    });
    ensure!(rejected.await? == ROWS && breaker.statistics().state == BreakerState::Closed);
    Ok(())
}

pub async fn pipelines_run_one_at_a_time_under_a_limiter<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (limiter, alive) = (with_permits(1)?, Census::default());
    let mut tasks = Vec::new();
    for _ in 0..3 {
        let (inner, census) = (rt.clone(), alive.clone());
        tasks.push(AsyncTask::to::<u64>().on(&rt).limiter(&limiter).try_spawn(move || async move {
            let _resident = census.enter();
            let rows = AsyncTask::emits::<u64>().on(&inner).workers(2);
            let rows = rows.sender(|sources| sources.of(0..ROWS).into_chunks(3.items()));
            Ok(rows.for_each(|_: Event<u64>| yield_now()).await?.handled())
        }));
    }
    for task in tasks {
        ensure!(task.await? == ROWS);
    }
    ensure!((alive.ever(), alive.most()) == (3, 1), "{} at a time", alive.most());
    check_all_free(&rt, &limiter, 1).await
}
