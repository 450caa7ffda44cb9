//! Recovery, hedges: after a failure the next attempt begins at once, unless no attempt can mend it.

use crate::library::{
    CancelOutcome, CancellableTask as _, CircuitBreaker, Hedge, Limiter, RetryStrategy, TaskContext,
};

use super::hedges::{Begun, broken, exhausted};
use crate::cases::adoption::held;
use crate::cases::deadlines::{is_due, passed};
use crate::cases::restarts::{Broken, Calls};
use crate::cases::scopes::stays_pending;
use crate::kit::explode;
use crate::kit::prelude::*;

pub async fn after_an_early_failure_the_next_begins_at_once<R: Runtime>(rt: R, at: Facts) -> Outcome {
    for delay in [1.hours(), Duration::MAX] {
        for spawned in [false, true] {
            let (calls, begun) = (Calls::default(), rt.now());
            let counted = calls.clone();
            let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(delay).at_most(2));
            let work = move || {
                let call = counted.next();
                async move { if call < 3 { Err(Broken(call)) } else { Ok(call) } }
            };
            let value = if spawned { builder.spawn(work).await? } else { builder.run(work).await? };
            ensure!((value, calls.made()) == (3, 3));
            is_due(&rt, at, begun, Duration::ZERO)?;
        }
    }
    Ok(())
}

pub async fn the_delay_counts_anew_from_it<R: Runtime>(rt: R, at: Facts) -> Outcome {
    // On a busy machine a first that fails late may be late enough for a second beside it.
    let late = if at.virtual_time { 4.millis() } else { Duration::ZERO };
    let (calls, further, begun) = (Calls::default(), Begun::default(), rt.now());
    let (counted, inner) = (calls.clone(), rt.clone());
    let hedge = further.of(&rt, Hedge::after(10.millis()).at_most(2));
    let task = AsyncTask::to::<u32>().on(&rt).hedge(hedge).spawn(move || {
        let (call, rt) = (counted.next(), inner.clone());
        async move {
            match call {
                1 if late.is_zero() => Err(AsyncTaskError::failure(Broken(1))),
                1 => {
                    rt.sleep(late).await?;
                    Err(AsyncTaskError::failure(Broken(1)))
                }
                2 => pending().await,
                _ => Ok(call),
            }
        }
    });
    ensure!(task.await? == 3);
    let after: Vec<_> =
        further.all().into_iter().map(|(_, time)| time.saturating_duration_since(begun)).collect();
    let [second, third] = after[..] else { bail!("{} further attempts", after.len()) };
    ensure!(third >= late + 10.millis(), "after {third:?}");
    ensure!(!at.virtual_time || (second, third) == (late, late + 10.millis()), "{second:?}, {third:?}");
    Ok(())
}

pub async fn if_all_fail_the_last_failure_is_the_error_with_the_count<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    for most in [1, 2, 4] {
        for spawned in [false, true] {
            let calls = Calls::default();
            let builder = AsyncTask::to::<u32>().on(&rt).name("fetch");
            let builder = builder.hedge(Hedge::after(1.hours()).at_most(most));
            let result = match spawned {
                true => builder.spawn(broken(&calls)).await,
                false => builder.run(broken(&calls)).await,
            };
            let error = failed(result)?;
            let text = format!("task `fetch` failed {0} times: broken {0}", most + 1);
            ensure!(format!("{error:#}") == text, "{error:#}");
            ensure!(error.downcast_ref() == Some(&Broken(most + 1)) && calls.made() == most + 1);
            ensure!(exhausted::<()>(Err(error))?.attempts() == most + 1);
        }
    }
    Ok(())
}

pub async fn the_last_to_fail_may_be_the_first_attempt<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, second) = (Calls::default(), Latch::new());
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(1.millis()));
    let run = builder.run(|| {
        let (call, second) = (calls.next(), second.clone());
        async move {
            match call {
                1 => second.wait().await,
                _ => second.set(),
            }
            Err::<u32, _>(Broken(call))
        }
    });
    let error = exhausted(run.await)?;
    ensure!(error.attempts() == 2 && error.last().downcast_ref() == Some(&Broken(1)), "{error:?}");
    Ok(())
}

pub async fn an_error_that_no_attempt_mends_is_the_result_at_once<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for kind in 0..5 {
        // In the first attempt, or in the second while the first goes on.
        for failing in [1, 2] {
            let (calls, alive) = (Calls::default(), Census::default());
            let (counted, inside) = (calls.clone(), alive.clone());
            let delay = if failing == 1 { 1.hours() } else { 1.millis() };
            let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(delay).at_most(3));
            let task = builder.spawn(move || {
                let (call, resident) = (counted.next(), inside.enter());
                async move {
                    let _resident = resident;
                    if call != failing {
                        pending::<()>().await;
                    }
                    Err::<u32, _>(match kind {
                        0 => AsyncTaskError::cancelled(CancelLevel::Kill, CancelCause::Requested),
                        1 => explode("a panic"),
                        2 => AsyncTaskError::InvalidConfig("no use".into()),
                        3 => AsyncTaskError::InvalidState("no use"),
                        _ => AsyncTaskError::NoRuntime,
                    })
                }
            });
            let error = failed(task.await)?;
            ensure!(!error.is_retries_exhausted() && error.is_panic() == (kind == 1), "{error:?}");
            ensure!(calls.made() == failing && alive.alive() == 0, "{kind}: {} attempts", calls.made());
        }
    }
    Ok(())
}

pub async fn the_predicate_of_the_retries_holds_for_hedges_as_well<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(1.hours()).at_most(9)).retry(9);
    let builder = builder.backoff(RetryStrategy::Immediate);
    let builder = builder.retry_if(|error| error.downcast_ref() != Some(&Broken(3)));
    let error = failed(builder.run(broken(&calls)).await)?;
    ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(3)), "{error:?}");
    ensure!(calls.made() == 3, "{} attempts", calls.made());
    Ok(())
}

pub async fn hedge_if_excludes_errors_from_hedges_and_not_from_retries<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let hedge =
        || Hedge::after(1.hours()).at_most(2).hedge_if(|error| error.downcast_ref() != Some(&Broken(1)));
    let calls = Calls::default();
    let error = failed(AsyncTask::to::<u32>().on(&rt).hedge(hedge()).run(broken(&calls)).await)?;
    ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(1)), "{error:?}");
    ensure!(calls.made() == 1);
    // The first round ends with the first attempt, the second with all three of its own.
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(hedge()).retry(1).backoff(RetryStrategy::Immediate);
    ensure!(exhausted(builder.run(broken(&calls)).await)?.attempts() == 4 && calls.made() == 4);
    Ok(())
}

pub async fn nothing_is_left_of_a_round_before_the_next<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, alive, latch, failing) = (Calls::default(), Census::default(), Latch::new(), Latch::new());
    let (counted, below, open, fails) = (calls.clone(), alive.clone(), latch.clone(), failing.clone());
    let (inner, started) = (rt.clone(), Latch::new());
    // The error of the second attempt ends the round, and the first is dropped with a child that goes on.
    let hedge = Hedge::after(Duration::ZERO).hedge_if(|_| false);
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(hedge).retry(1).backoff(RetryStrategy::Immediate);
    let mut task = builder.spawn(move || {
        let (call, rt, started) = (counted.next(), inner.clone(), started.clone());
        let (below, open, fails) = (below.clone(), open.clone(), fails.clone());
        async move {
            match call {
                1 => {
                    let _child = AsyncTask::to::<()>().on(&rt).spawn(|| held(started, open, below));
                    pending().await
                }
                2 => {
                    started.wait().await;
                    fails.set();
                    Err("the second attempt")
                }
                _ if below.alive() == 0 => Ok(call),
                _ => Err("something of the first round is alive"),
            }
        }
    });
    failing.wait().await;
    stays_pending(&rt, &mut task).await?;
    ensure!((calls.made(), alive.alive()) == (2, 1));
    latch.set();
    ensure!(task.await? == 3 && alive.alive() == 0);
    Ok(())
}

pub async fn a_refused_attempt_leaves_the_others_alone<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let limiter = Limiter::builder().max_concurrent(1).max_waiting(0).build()?;
    let breaker = CircuitBreaker::builder().failure_threshold(1).build()?;
    for limited in [false, true] {
        let (calls, second) = (Calls::default(), Latch::new());
        let (counted, begins, refused, isolated) =
            (calls.clone(), second.clone(), second.clone(), breaker.clone());
        let hedge = Hedge::after(1.millis()).on_hedge(move |_| begins.set());
        let builder = AsyncTask::to::<u32>().on(&rt).hedge(hedge);
        let builder = match limited {
            true => builder.limiter(&limiter),
            false => builder.circuit_breaker(&breaker),
        };
        let task = builder.spawn(move || {
            let (call, refused, isolated) = (counted.next(), refused.clone(), isolated.clone());
            async move {
                isolated.isolate();
                // The second begins, and is refused in the same poll.
                refused.wait().await;
                yield_now().await;
                call
            }
        });
        ensure!(task.await? == 1 && calls.made() == 1, "{} attempts were admitted", calls.made());
    }
    // Where the first is refused, that is the result.
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::ZERO).at_most(3));
    let error = failed(builder.circuit_breaker(&breaker).run(broken(&calls)).await)?;
    ensure!(error.is_circuit_open() && calls.made() == 0, "{error:?}");
    Ok(())
}

pub async fn once_the_task_is_asked_to_stop_no_attempt_begins<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (calls, started) = (Calls::default(), Latch::new());
    let (counted, starts) = (calls.clone(), started.clone());
    let builder =
        AsyncTask::to::<u32>().on(&rt).grace(1.hours()).hedge(Hedge::after(Duration::MAX).at_most(5));
    let task = builder.spawn_with(move |cx: TaskContext| {
        let (call, starts) = (counted.next(), starts.clone());
        async move {
            starts.set();
            cx.cancelled().await;
            Err::<u32, _>(Broken(call))
        }
    });
    started.wait().await;
    let end = task.cancel_gracefully().await;
    ensure!(end.outcome() == CancelOutcome::Failure && calls.made() == 1, "{end:?}");
    let error = failed(task.await)?;
    ensure!(error.is_failure() && error.downcast_ref() == Some(&Broken(1)), "{error:?}");
    Ok(())
}

pub async fn a_timeout_has_the_failure_of_an_attempt_before<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).name("fetch").timeout(10.millis());
    let builder = builder.hedge(Hedge::after(Duration::MAX));
    let run = builder.run(|| {
        let call = calls.next();
        async move { if call == 1 { Err(Broken(call)) } else { pending().await } }
    });
    let error = failed(run.await)?;
    let text = "task `fetch` timed out after 10ms, in attempt 2; the one before had failed: broken 1";
    ensure!(format!("{error:#}") == text, "{error:#}");
    let error = passed::<()>(Err(error))?;
    ensure!(error.attempts() == 2 && calls.made() == 2, "{error:?}");
    ensure!(error.last().and_then(|last| last.downcast_ref()) == Some(&Broken(1)));
    Ok(())
}

pub async fn panics_in_its_functions_are_the_error<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for function in 0..3 {
        for spawned in [false, true] {
            let calls = Calls::default();
            let hedge = Hedge::after(Duration::MAX).at_most(3);
            let builder = AsyncTask::to::<u32>().on(&rt);
            let builder = match function {
                0 => builder.hedge(hedge.on_hedge(|_| explode("in a function"))).retry(0),
                1 => builder.hedge(hedge.hedge_if(|_| explode("in a function"))).retry(0),
                _ => builder.hedge(hedge).retry(0).retry_if(|_| explode("in a function")),
            };
            let result = match spawned {
                true => builder.spawn(broken(&calls)).await,
                false => builder.run(broken(&calls)).await,
            };
            let AsyncTaskError::Panic(panic) = failed(result)? else { bail!("{function}: no panic") };
            ensure!(panic.message() == "in a function" && calls.made() == 1, "{function}: {panic:?}");
        }
    }
    // The closure itself may panic, too.
    let calls = Calls::default();
    let builder = AsyncTask::to::<u32>().on(&rt).hedge(Hedge::after(Duration::ZERO));
    let run = builder.run(|| {
        if calls.next() == 2 {
            explode::<()>("no future");
        }
        pending::<u32>()
    });
    ensure!(failed(run.await)?.is_panic() && calls.made() == 2);
    Ok(())
}
