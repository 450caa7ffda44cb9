//! Recovery, keyed policies: never more than the bound, and the least recently used idle one is evicted.

use crate::library::{CircuitBreaker, Keyed, Limiter};

use super::keyed_policies::{keys, limiters};
use crate::cases::breakers::call;
use crate::kit::prelude::*;

/// True if a new key is refused because all policies are in use.
fn is_full<T>(result: Result<T, AsyncTaskError>) -> bool {
    matches!(result, Err(AsyncTaskError::InvalidState(_)))
}

pub async fn the_least_recently_used_is_evicted_first<R: Runtime>(_: R, _: Facts) -> Outcome {
    let keyed = limiters(3)?;
    for key in ["a", "b", "c", "a"] {
        keyed.get(key)?;
    }
    for (key, due) in [("d", ["c", "a", "d"]), ("c", ["a", "d", "c"]), ("b", ["d", "c", "b"])] {
        keyed.get(key)?;
        ensure!(keys(&keyed) == due, "{:?}, not {due:?}", keys(&keyed));
    }
    Ok(())
}

pub async fn a_limiter_with_work_under_way_or_waiting_is_not_evicted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = limiters(2)?;
    let run = |limiter: &Limiter| Box::pin(AsyncTask::to::<()>().on(&rt).limiter(limiter).run(pending::<()>));
    let mut first = run(&keyed.get("a")?);
    ensure!(poll_once(&mut first).await.is_none());
    for key in ["b", "c", "d"] {
        keyed.get(key)?;
        ensure!(keys(&keyed) == ["a", key], "{:?}", keys(&keyed));
    }
    let mut second = run(&keyed.get("a")?);
    ensure!(poll_once(&mut second).await.is_none());
    let a = keyed.get("a")?;
    ensure!((a.under_way(), a.waiting()) == (1, 1));
    drop((a, first));
    keyed.get("e")?;
    ensure!(keys(&keyed) == ["a", "e"], "{:?}", keys(&keyed));
    // The last handle to it.
    drop(second);
    keyed.get("f")?;
    ensure!(keys(&keyed) == ["e", "f"], "{:?}", keys(&keyed));
    Ok(())
}

pub async fn a_policy_is_not_evicted_while_a_task_has_it<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let (keyed, open) = (limiters(1)?, Latch::new());
    let opened = open.clone();
    let builder = AsyncTask::to::<()>().on(&rt).limiter(&keyed.get("a")?);
    // The builder has it, and nothing has begun.
    ensure!(is_full(keyed.get("b")) && keys(&keyed) == ["a"]);
    let task = builder.spawn(|| async move { opened.wait().await });
    ensure!(is_full(keyed.get("b")) && keyed.get("a")?.under_way() <= 1);
    open.set();
    task.await?;
    keyed.get("b")?;
    ensure!(keys(&keyed) == ["b"]);
    Ok(())
}

pub async fn a_breaker_is_not_evicted_while_it_refuses_calls<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (open_for, is_over) in [(1.hours(), false), (5.millis(), true), (Duration::MAX, false)] {
        let keyed = Keyed::new(1, move |_: &u32| {
            CircuitBreaker::builder().failure_threshold(1).open_timeout(open_for).build()
        })?;
        ensure!(failed(call(&rt, &keyed.get(&1)?, false).await)?.is_failure());
        if is_over {
            rt.sleep(open_for).await?;
        }
        ensure!(is_full(keyed.get(&2)) != is_over, "open for {open_for:?}");
        ensure!(keys(&keyed) == [if is_over { 2 } else { 1 }]);
    }
    Ok(())
}

pub async fn a_closed_breaker_without_calls_is_evicted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = Keyed::new(1, |_: &u32| CircuitBreaker::builder().failure_threshold(2).build())?;
    let (started, open) = (Latch::new(), Latch::new());
    let (start, opened) = (started.clone(), open.clone());
    let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&keyed.get(&1)?).spawn(|| async move {
        start.set();
        opened.wait().await;
        Err::<(), _>("a failure")
    });
    started.wait().await;
    ensure!(is_full(keyed.get(&2)), "a call is under way");
    open.set();
    failed(task.await)?;
    // One failure of two: it is forgotten.
    keyed.get(&2)?;
    ensure!(keys(&keyed) == [2]);
    Ok(())
}

pub async fn a_limiter_whose_rate_is_used_up_is_not_evicted<R: Runtime>(rt: R, _: Facts) -> Outcome {
    for (period, is_over) in [(1.hours(), false), (5.millis(), true)] {
        let keyed = Keyed::new(1, move |_: &u32| Limiter::builder().rate(1, period).build())?;
        // Never used: there is nothing to keep.
        keyed.get(&0)?;
        AsyncTask::to::<()>().on(&rt).limiter(&keyed.get(&1)?).run(|| async {}).await?;
        if is_over {
            rt.sleep(period).await?;
        }
        ensure!(is_full(keyed.get(&2)) != is_over, "one in {period:?}");
    }
    Ok(())
}

pub async fn a_limiter_that_all_keys_share_keeps_none_of_them<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let all = Limiter::builder().max_concurrent(8).rate(1_000, 1.hours()).build()?;
    let shared = all.clone();
    let keyed = Keyed::new(2, move |_: &u32| {
        let breaker = CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build()?;
        Ok((breaker, shared.clone()))
    })?;
    let work = || async {};
    for key in 0..10 {
        let (breaker, limiter) = keyed.get(&key)?;
        AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).limiter(&limiter).run(work).await?;
    }
    ensure!(keys(&keyed) == [8, 9], "{:?}", keys(&keyed));
    // The breakers are still each key's own: one in use is not evicted, and neither is one that refuses calls.
    let in_use = keyed.get(&8)?;
    ensure!(failed(call(&rt, &keyed.get(&9)?.0, false).await)?.is_failure());
    ensure!(is_full(keyed.get(&10)) && keys(&keyed) == [8, 9], "{:?}", keys(&keyed));
    drop(in_use);
    keyed.get(&10)?;
    ensure!(keys(&keyed) == [9, 10], "{:?}", keys(&keyed));
    // The same where the shared limiter is all that a key has.
    let shared = all.clone();
    let tiers = Keyed::new(2, move |_: &u32| Ok(shared.clone()))?;
    for key in 0..10 {
        tiers.get(&key)?;
    }
    ensure!(keys(&tiers) == [8, 9], "{:?}", keys(&tiers));
    Ok(())
}

pub async fn the_clock_of_an_eviction_is_that_of_the_calling_task<R: Runtime>(rt: R, at: Facts) -> Outcome {
    let pause = if at.virtual_time { 1.hours() } else { 5.millis() };
    let keyed = Keyed::new(1, move |_: &u32| Limiter::builder().rate(1, pause).build())?;
    let inner = rt.clone();
    let task = AsyncTask::to::<bool>().on(&rt).try_spawn(move || async move {
        AsyncTask::to::<()>().on(&inner).limiter(&keyed.get(&1)?).run(|| async {}).await?;
        let is_refused = is_full(keyed.get(&2));
        inner.sleep(pause).await?;
        keyed.get(&2)?;
        Ok(is_refused)
    });
    // Where the clock runs, the time may have passed at once.
    ensure!(task.await? || !at.virtual_time);
    Ok(())
}

pub async fn a_new_key_is_refused_while_the_policies_of_all_others_are_in_use<R: Runtime>(
    _: R,
    _: Facts,
) -> Outcome {
    let keyed = limiters(3)?;
    let mut kept = Vec::new();
    for key in ["a", "b", "c"] {
        kept.push(keyed.get(key)?);
    }
    for _ in 0..3 {
        let error = failed(keyed.get("d"))?;
        ensure!(matches!(error, AsyncTaskError::InvalidState(_)), "{error:?}");
        ensure!(error.to_string().contains("in use"), "{error}");
        ensure!(keys(&keyed) == ["a", "b", "c"] && keyed.get("c").is_ok());
    }
    drop(kept.swap_remove(1));
    keyed.get("d")?;
    ensure!(keyed.len() == 3 && !keys(&keyed).contains(&"b".to_owned()), "{:?}", keys(&keyed));
    Ok(())
}

pub async fn no_key_has_two_limiters_and_there_are_never_too_many<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = Keyed::new(3, |_: &usize| Limiter::builder().max_concurrent(1).build())?;
    let (census, mut tasks) = ([(); 8].map(|()| Census::default()), Vec::new());
    for _ in 0..10 {
        for (key, census) in census.iter().enumerate() {
            let (keyed, inner, census) = (keyed.clone(), rt.clone(), census.clone());
            tasks.push(AsyncTask::to::<()>().on(&rt).try_spawn(move || async move {
                let limiter = loop {
                    match keyed.get(&key) {
                        Err(AsyncTaskError::InvalidState(_)) => yield_now().await,
                        result => break result?,
                    }
                };
                let builder = AsyncTask::to::<()>().on(&inner).limiter(&limiter);
                drop(limiter);
                let work = || async {
                    let _resident = census.enter();
                    yield_now().await;
                };
                Ok(builder.run(work).await?)
            }));
        }
    }
    for task in tasks {
        task.await?;
        ensure!(keyed.len() <= 3, "{} keys", keyed.len());
    }
    ensure!(census.iter().all(|census| (census.ever(), census.most()) == (10, 1)), "two of one key at once");
    Ok(())
}
