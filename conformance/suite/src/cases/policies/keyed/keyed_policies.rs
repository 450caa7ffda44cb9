//! Recovery, keyed policies: each key has a policy of its own, which is made once, and always the same.

use std::sync::Arc;

use crate::library::{BreakerState, CircuitBreaker, Keyed, Limiter};

use crate::cases::breakers::call;
use crate::cases::restarts::Calls;
use crate::kit::prelude::*;

/// Limiters of one permit, each with its key as its name.
pub(super) fn limiters(max_keys: usize) -> Result<Keyed<String, Limiter>, AsyncTaskError> {
    Keyed::new(max_keys, |key: &String| Limiter::builder().name(key.as_str()).max_concurrent(1).build())
}

/// The keys, the least recently used first.
pub(super) fn keys<K, V>(keyed: &Keyed<K, V>) -> Vec<K>
where
    K: Eq + std::hash::Hash + Clone + Send + Sync,
    V: crate::library::Keyable,
{
    keyed.snapshot().into_iter().map(|(key, _)| key).collect()
}

pub async fn each_key_has_a_limiter_of_its_own<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = limiters(8)?;
    let run = |limiter: &Limiter| Box::pin(AsyncTask::to::<()>().on(&rt).limiter(limiter).run(pending::<()>));
    let mut first = run(&keyed.get("a")?);
    ensure!(poll_once(&mut first).await.is_none());
    ensure!(keyed.get("a")?.under_way() == 1 && keyed.get("b")?.under_way() == 0);
    let mut second = run(&keyed.get("a")?);
    ensure!(poll_once(&mut second).await.is_none());
    ensure!(keyed.get("a")?.waiting() == 1, "the key has two limiters");
    AsyncTask::to::<()>().on(&rt).limiter(&keyed.get("b")?).run(|| async {}).await?;
    ensure!(keyed.get("b")?.name().is_some_and(|name| &**name == "b"));
    Ok(())
}

pub async fn a_breaker_that_opens_for_one_key_is_closed_for_the_others<R: Runtime>(
    rt: R,
    _: Facts,
) -> Outcome {
    let keyed = Keyed::new(8, |_: &u32| {
        CircuitBreaker::builder().failure_threshold(1).open_timeout(1.hours()).build()
    })?;
    ensure!(failed(call(&rt, &keyed.get(&1)?, false).await)?.is_failure());
    ensure!(keyed.get(&1)?.state() == BreakerState::Open && keyed.get(&2)?.state() == BreakerState::Closed);
    call(&rt, &keyed.get(&2)?, true).await?;
    ensure!(failed(call(&rt, &keyed.get(&1)?, true).await)?.is_circuit_open());
    Ok(())
}

pub async fn a_pair_of_policies_has_one_key<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = Keyed::new(1, |key: &String| {
        let breaker = CircuitBreaker::builder().name(key.as_str()).failure_threshold(1).build()?;
        Ok((breaker, Limiter::builder().max_concurrent(1).build()?))
    })?;
    {
        let (breaker, limiter) = keyed.get("a")?;
        let task = AsyncTask::to::<()>().on(&rt).circuit_breaker(&breaker).limiter(&limiter);
        ensure!(failed(task.run(|| async { Err::<(), _>("a failure") }).await)?.is_failure());
        ensure!(breaker.state() == BreakerState::Open && limiter.under_way() == 0);
    }
    // The limiter is idle, and the breaker is not.
    ensure!(matches!(failed(keyed.get("b"))?, AsyncTaskError::InvalidState(_)));
    ensure!(keyed.get("a")?.0.state() == BreakerState::Open && keys(&keyed) == ["a"]);
    Ok(())
}

pub async fn a_policy_is_made_once_for_its_key<R: Runtime>(_: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let counted = calls.clone();
    let keyed = Keyed::new(8, move |key: &u32| {
        counted.next();
        Limiter::builder().name(key.to_string()).max_concurrent(1).build()
    })?;
    let clone = keyed.clone();
    for round in 0..3 {
        for key in 0..4_u32 {
            let keyed = if round % 2 == 0 { &keyed } else { &clone };
            ensure!(keyed.get(&key)?.name().is_some_and(|name| **name == key.to_string()));
        }
    }
    ensure!(calls.made() == 4 && (keyed.len(), clone.len()) == (4, 4));
    Ok(())
}

pub async fn concurrent_callers_with_a_new_key_have_the_same_policy<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let keyed = Keyed::new(64, move |_: &u32| {
        Limiter::builder().name(calls.next().to_string()).max_concurrent(1).build()
    })?;
    for key in 0..20_u32 {
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let keyed = keyed.clone();
            tasks.push(
                AsyncTask::to::<Option<Arc<str>>>()
                    .on(&rt)
                    .spawn_blocking(move || keyed.get(&key).map(|limiter| limiter.name().cloned())),
            );
        }
        let due = keyed.get(&key)?.name().cloned();
        for task in tasks {
            let name = task.await?;
            ensure!(name.is_some() && name == due, "{name:?}, not {due:?}");
        }
    }
    ensure!(keyed.len() == 20);
    Ok(())
}

pub async fn an_error_of_the_making_is_returned_and_not_kept<R: Runtime>(_: R, _: Facts) -> Outcome {
    let calls = Calls::default();
    let keyed = Keyed::new(8, move |_: &u32| match calls.next() {
        1 | 2 => Limiter::builder().build(),
        _ => Limiter::builder().max_concurrent(1).build(),
    })?;
    for _ in 0..2 {
        ensure!(matches!(failed(keyed.get(&7))?, AsyncTaskError::InvalidConfig(_)));
        ensure!(keyed.is_empty() && keyed.remove(&7).is_none());
    }
    ensure!(keyed.get(&7)?.permits() == Some(1) && keyed.len() == 1);
    Ok(())
}

pub async fn a_removed_key_has_another_policy_from_then_on<R: Runtime>(rt: R, _: Facts) -> Outcome {
    let keyed = limiters(2)?;
    let before = keyed.get("a")?;
    let mut run = Box::pin(AsyncTask::to::<()>().on(&rt).limiter(&before).run(pending::<()>));
    ensure!(poll_once(&mut run).await.is_none());
    // In use, and removed nevertheless.
    let removed = keyed.remove("a").context("the key was there")?;
    ensure!(removed.under_way() == 1 && keyed.is_empty());
    ensure!(keyed.get("a")?.under_way() == 0 && before.under_way() == 1);
    ensure!(keyed.remove("b").is_none() && keys(&keyed) == ["a"]);
    ensure!(keyed.remove("a").is_some() && keyed.remove("a").is_none());
    Ok(())
}

pub async fn a_snapshot_is_in_the_order_of_uses_and_is_no_use<R: Runtime>(_: R, _: Facts) -> Outcome {
    let keyed = limiters(4)?;
    for key in ["a", "b", "c", "a"] {
        keyed.get(key)?;
    }
    for _ in 0..2 {
        let snapshot = keyed.snapshot();
        let names: Vec<_> = snapshot.iter().filter_map(|(_, limiter)| limiter.name()).collect();
        ensure!(names.iter().map(|name| &***name).eq(["b", "c", "a"]), "{names:?}");
    }
    ensure!(format!("{keyed:?}") == "Keyed { keys: 3, max_keys: 4, .. }", "{keyed:?}");
    Ok(())
}

pub async fn a_bound_of_zero_is_refused<R: Runtime>(_: R, _: Facts) -> Outcome {
    let error = failed(limiters(0))?;
    ensure!(matches!(error, AsyncTaskError::InvalidConfig(_)), "{error:?}");
    ensure!(error.to_string().contains("`max_keys`") && error.to_string().contains('0'), "{error}");
    let keyed = limiters(usize::MAX)?;
    for key in 0..100 {
        keyed.get(key.to_string().as_str())?;
    }
    ensure!(keyed.len() == 100);
    Ok(())
}
